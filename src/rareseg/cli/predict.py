"""``rareseg predict``: label maps of new images."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rareseg.cli.options import Device, Quiet
from rareseg.errors import DataError, MissingFileError

if TYPE_CHECKING:
    from rareseg.study.load_run import LoadedRun

__all__ = ["predict"]

_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def predict(
    run: Annotated[Path, typer.Argument(help="Folder of a run: RUNS/<strategy>/seed-<n>.")],
    source: Annotated[
        str, typer.Argument(metavar="INPUT", help="An image, a folder of images, or a quoted glob.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Folder of the label maps.")],
    step: Annotated[
        int | None, typer.Option("--step", help="Kept checkpoint to use.", show_default="the last")
    ] = None,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Write the label map of every image as an indexed png with the classes' colours.

    With rasterio, that of a georeferenced tif becomes a GeoTIFF of the same place.
    """
    from rareseg.study.load_run import load_run
    from rareseg.study.progress import Progress, RichProgress

    files = find_images(source)
    model = load_run(run, device=device, step=step)
    names = _output_names(files, source)
    broken: list[str] = []
    progress = Progress() if quiet else RichProgress()
    with progress.task("predicting") as update:
        for number, (file, name) in enumerate(zip(files, names, strict=True)):
            try:
                _predict_file(model, file, out / name)
            except DataError as error:
                broken.append(str(error))
                progress.note(f"left out: {error}")
            update(number + 1, len(files))
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


def _output_names(files: list[Path], source: str) -> list[str]:
    """File names that stay distinct when images of one name lie in several folders or have several endings."""
    stems = [file.stem for file in files]
    if len(set(stems)) == len(stems):
        return [f"{stem}.png" for stem in stems]
    base = Path(source) if Path(source).is_dir() else None
    full = ["__".join((file.relative_to(base) if base else file).parts).replace(".", "_") for file in files]
    return [f"{name}.png" for name in full]


def _predict_file(model: LoadedRun, file: Path, target: Path) -> None:
    from rareseg.data.indexed_png import write_indexed_png
    from rareseg.data.raster_writer import grid_in_the_world, write_label_raster

    labels, palette, grid = model.label_map(file), model.class_table.palette(), grid_in_the_world(file)
    if grid is None:
        write_indexed_png(target, labels, palette)
    else:
        write_label_raster(target.with_suffix(".tif"), labels, palette, grid)
