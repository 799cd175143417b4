"""``rareseg predict``: label maps of new images."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rareseg.cli.options import Device, Quiet
from rareseg.errors import DataError, MissingFileError, OptionError

if TYPE_CHECKING:
    from rareseg.data.image_reading import OpenImage
    from rareseg.inference.segmenter import Segmenter
    from rareseg.inference.uncertainty_writer import UncertaintyWriter

    OpenLater = Callable[[], OpenImage]

__all__ = ["predict"]

_STACKS = (".npz", ".npy")
_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def predict(
    run: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run: RUNS/<strategy>/seed-<n>; or RUNS/<strategy> for the mean of all its seeds."
        ),
    ],
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="An image, a folder of images, a quoted glob, or an .npz of tiles."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the pngs, or file of the table.")],
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="png: an indexed png per image; rle_csv: one table of run lengths; "
            "flat_csv: one table with a column per pixel.",
        ),
    ] = "png",
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            help="Column names of the table, such as ImageId_ClassId,EncodedPixels.",
            show_default="those of the format",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="Array of an .npz to predict.", show_default="the only one that fits"),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(
            "--step",
            help="Kept checkpoint to use; several, as 224,320, for their mean.",
            show_default="the last",
        ),
    ] = None,
    ensemble: Annotated[
        list[Path] | None,
        typer.Option(
            "--ensemble", help="A run besides RUN to take the mean with; may be given several times."
        ),
    ] = None,
    tta: Annotated[
        str,
        typer.Option(
            "--tta", help="Mean over the image's flips (4 passes) or turns (8, with the flips), or none."
        ),
    ] = "none",
    uncertainty: Annotated[
        Path | None,
        typer.Option("--uncertainty", help="Folder of maps of how much the members of the mean disagree."),
    ] = None,
    whole_megapixels: Annotated[
        float | None,
        typer.Option(
            "--whole-megapixels",
            help="Largest image in one piece, for models that depend on the whole image.",
            show_default="that of the study",
        ),
    ] = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Write the label map of every image, as indexed pngs with the classes' colours or as a table.

    With rasterio, that of a georeferenced tif becomes a GeoTIFF of the same place. A line warns of images whose
    pixels do not lie where those of training did.
    """
    from rareseg.inference.label_writer import WriterOptions
    from rareseg.inference.uncertainty import predict_with_uncertainty
    from rareseg.inference.writers import open_writer
    from rareseg.study.load_ensemble import load_ensemble
    from rareseg.study.progress import Progress, RichProgress

    is_stack = Path(source).suffix.lower() in _STACKS
    if key is not None and not is_stack:
        raise OptionError(f"--key names an array of an .npz, but '{source}' is none; leave it out.")
    files = {} if is_stack else _named(find_images(source), source)
    model = load_ensemble(
        [run, *(ensemble or ())],
        steps=read_steps(step),
        tta=tta,
        device=device,
        whole_megapixels=whole_megapixels,
    )
    images: dict[str, OpenLater] = {
        name: partial(model.reading.open, file) for name, file in files.items()
    } or _tiles(model, Path(source), key)
    headings = None if columns is None else tuple(name.strip() for name in columns.split(","))
    writer = open_writer(form, WriterOptions(out, tuple(images), model.class_table, headings, files))
    doubts = None if uncertainty is None else _open_doubts(model, uncertainty, tuple(images), files)
    broken: list[str] = []
    misfits: list[str] = []
    approximate = 0
    progress = Progress() if quiet else RichProgress()
    with progress.task("predicting") as update:
        for number, (name, opened) in enumerate(images.items()):
            try:
                if doubts is None:
                    found = model.predict(opened())
                else:
                    found, doubt = predict_with_uncertainty(model, opened())
                    doubts.add(name, doubt)
                writer.add(name, found.labels)
            except DataError as error:
                broken.append(str(error))
                progress.note(f"left out: {error}")
            else:
                approximate += not found.exact
                if found.misfit is not None:
                    misfits.append(
                        f"'{files.get(name, name)}' does not look like the training images: {found.misfit}"
                    )
            update(number + 1, len(images))
    writer.close()
    typer.echo(f"{len(images) - len(broken)} label maps in {out}")
    if approximate:
        typer.echo(
            f"{approximate} of them are approximations: the model depends on the whole image, but these were too "
            "large to go in one piece and went in overlapping tiles. With memory enough, give --whole-megapixels."
        )
    if misfits:
        others = f" Nor do {len(misfits) - 1} of the other images." if len(misfits) > 1 else ""
        typer.echo(f"warning: {misfits[0]}.{others}", err=True)
    if broken:
        raise DataError(
            f"{len(broken)} of {len(images)} images could not be used, the others are done. First: {broken[0]}"
        )


def read_steps(text: str | None) -> list[int] | None:
    """The kept checkpoints that ``--step`` names.

    Raises:
        OptionError: It names none, or something that is no number, or one twice.

    Example:
        >>> read_steps("224,320")
        [224, 320]
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(name.isdecimal() for name in names) or len({int(name) for name in names}) < len(names):
        raise OptionError(
            f"--step expects kept checkpoints, each once, such as 320 or 224,320, but got '{text}'; see the files "
            "step-*.safetensors of the run."
        )
    return [int(name) for name in names]


def _open_doubts(
    model: Segmenter, folder: Path, images: tuple[str, ...], files: dict[str, Path]
) -> UncertaintyWriter:
    """A writer of uncertainty maps, where the model can have any."""
    from rareseg.inference.uncertainty import disagreeing_head
    from rareseg.inference.uncertainty_writer import UncertaintyWriter

    disagreeing_head(model)
    return UncertaintyWriter(folder, images, files)


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


def _named(files: list[Path], source: str) -> dict[str, Path]:
    """The files by their paths below the folder that was given, or below the one that all files of a glob share."""
    base = (
        Path(source) if Path(source).is_dir() else Path(os.path.commonpath([file.parent for file in files]))
    )
    return {file.relative_to(base).as_posix(): file for file in files}


def _tiles(model: Segmenter, path: Path, key: str | None) -> dict[str, OpenLater]:
    """The tiles of a stack by name."""
    from rareseg.inference.stack_inputs import stack_inputs

    bands = model.reading.bands
    needed = model.judge.predictor.engine.in_channels if bands is None else max(bands) + 1
    images, names = stack_inputs(path, key=key, num_bands=needed, exact=bands is None)
    return {name: partial(model.reading.open_sample, images, name) for name in names}
