"""``rareseg predict``: label maps of new images."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rareseg.cli.options import Device, Quiet
from rareseg.errors import DataError, MissingFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rareseg.inference.predictor import ReadWindow
    from rareseg.study.load_run import LoadedRun
    from rareseg.types import Window

__all__ = ["predict"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run: RUNS/<strategy>/seed-<n>.")],
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="An image, a folder of images, or a quoted glob.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the pngs, or file of the table.")],
    form: Annotated[
        str,
        typer.Option("--format", help="png: an indexed png per image; rle_csv: one table of run lengths."),
    ] = "png",
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            help="Column names of the table, such as ImageId_ClassId,EncodedPixels.",
            show_default="those of the format",
        ),
    ] = None,
    step: Annotated[
        int | None, typer.Option("--step", help="Kept checkpoint to use.", show_default="the last")
    ] = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Write the label map of every image, as indexed pngs with the classes' colours or as a table."""
    from rareseg.inference.label_writer import WriterOptions
    from rareseg.inference.writers import open_writer
    from rareseg.study.load_run import load_run
    from rareseg.study.progress import Progress, RichProgress

    files = find_images(source)
    model = load_run(run, device=device, step=step)
    names = _names(files, source)
    headings = None if columns is None else tuple(name.strip() for name in columns.split(","))
    writer = open_writer(form, WriterOptions(out, tuple(names), model.class_table, headings))
    broken: list[str] = []
    progress = Progress() if quiet else RichProgress()
    with progress.task("predicting") as update:
        for number, (file, name) in enumerate(zip(files, names, strict=True)):
            try:
                writer.add(name, _predict_file(model, file))
            except DataError as error:
                broken.append(str(error))
                progress.note(f"left out: {error}")
            update(number + 1, len(files))
    writer.close()
    typer.echo(f"{len(files) - len(broken)} label maps in {out}")
    if broken:
        raise DataError(
            f"{len(broken)} of {len(files)} images could not be used, the others are done. First: {broken[0]}"
        )


def find_images(source: str) -> list[Path]:
    """The images that a path, folder or glob names.

    Raises:
        MissingFileError: There is none.
    """
    path = Path(source)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.suffix.lower() in _ENDINGS)
    else:
        found = sorted(Path(p) for p in glob.glob(source, recursive=True) if Path(p).is_file())  # noqa: PTH207 (absolute globs)
    if not found:
        raise MissingFileError(
            f"'{source}' names no image; give an image, a folder with {', '.join(_ENDINGS)}, or a glob."
        )
    return found


def _names(files: list[Path], source: str) -> list[str]:
    """Paths below the folder that was given, or below the one that all files of a glob share."""
    base = (
        Path(source) if Path(source).is_dir() else Path(os.path.commonpath([file.parent for file in files]))
    )
    return [file.relative_to(base).as_posix() for file in files]


def _predict_file(model: LoadedRun, file: Path) -> NDArray[np.uint8]:
    from rareseg.data.image_file import image_size

    height, width = image_size(file)
    return model.judge.labels(_reader(file, model.bands), height, width)


def _reader(file: Path, bands: tuple[int, ...] | None) -> ReadWindow:
    """Windows of a file: cut from one decoded image, or read from disk one by one where the format can."""
    from rareseg.data.image_file import read_image_file

    whole = None if file.suffix.lower() in (".tif", ".tiff") else read_image_file(file)

    def read(window: Window) -> NDArray[np.generic]:
        rows, cols = window.slices
        image = read_image_file(file, window) if whole is None else whole[:, rows, cols]
        return image if bands is None else image[list(bands)]

    return read
