"""``rareseg predict``: label maps of new images."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rareseg.cli.options import Device, Quiet
from rareseg.errors import DataError, MissingFileError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rareseg.inference.pixel_fit import Misfit
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
    out: Annotated[Path, typer.Option("--out", help="Folder for one indexed png per image.")],
    step: Annotated[
        int | None, typer.Option("--step", help="Kept checkpoint to use.", show_default="the last")
    ] = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Write the label map of every image as an indexed png with the classes' colours.

    A line warns of images whose pixels do not lie where those of training did.
    """
    from rareseg.study.load_run import load_run
    from rareseg.study.progress import Progress, RichProgress

    files = find_images(source)
    model = load_run(run, device=device, step=step)
    names = _output_names(files, source)
    broken: list[str] = []
    misfits: list[str] = []
    progress = Progress() if quiet else RichProgress()
    with progress.task("predicting") as update:
        for number, (file, name) in enumerate(zip(files, names, strict=True)):
            try:
                misfit = _predict_file(model, file, out / name)
                if misfit is not None:
                    misfits.append(f"'{file}' does not look like the training images: {misfit}")
            except DataError as error:
                broken.append(str(error))
                progress.note(f"left out: {error}")
            update(number + 1, len(files))
    typer.echo(f"{len(files) - len(broken)} label maps in {out}")
    if misfits:
        others = f" Nor do {len(misfits) - 1} of the other images." if len(misfits) > 1 else ""
        typer.echo(f"warning: {misfits[0]}.{others}", err=True)
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


def _output_names(files: list[Path], source: str) -> list[str]:
    """File names that stay distinct when images of one name lie in several folders or have several endings."""
    stems = [file.stem for file in files]
    if len(set(stems)) == len(stems):
        return [f"{stem}.png" for stem in stems]
    base = Path(source) if Path(source).is_dir() else None
    full = ["__".join((file.relative_to(base) if base else file).parts).replace(".", "_") for file in files]
    return [f"{name}.png" for name in full]


def _predict_file(model: LoadedRun, file: Path, target: Path) -> Misfit | None:
    """Write one label map; what is odd about the pixels."""
    from rareseg.data.image_file import image_size
    from rareseg.data.indexed_png import write_indexed_png
    from rareseg.inference.pixel_fit import PixelTally

    height, width = image_size(file)
    tally = PixelTally(_reader(file, model.bands))
    labels = model.judge.labels(tally, height, width)
    write_indexed_png(target, labels, model.class_table.palette())
    network = model.judge.predictor.network
    return tally.misfit(mean=network.mean.tolist(), std=network.std.tolist())


def _reader(file: Path, bands: tuple[int, ...] | None) -> ReadWindow:
    """Windows of a file: cut from one decoded image, or read from disk one by one where the format can."""
    from rareseg.data.image_file import read_image_file

    whole = None if file.suffix.lower() in (".tif", ".tiff") else read_image_file(file)

    def read(window: Window) -> NDArray[np.generic]:
        rows, cols = window.slices
        image = read_image_file(file, window) if whole is None else whole[:, rows, cols]
        return image if bands is None else image[list(bands)]

    return read
