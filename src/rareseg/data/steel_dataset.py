"""A folder of synthetic steel strips in the layout of the Severstal contest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path, write_csv, write_text, write_yaml
from rareseg.config.dataset import ClassSettings, DatasetSettings, SplitSettings
from rareseg.config.load import parse_settings
from rareseg.config.rle_csv import RleCsvSettings
from rareseg.data.claim_folder import claim_folder
from rareseg.data.run_lengths import encode_run_lengths
from rareseg.data.steel import STEEL_GENERATOR, make_steel
from rareseg.data.steel_settings import STEEL_CLASSES, SteelSettings
from rareseg.errors import OptionError

__all__ = ["write_steel_dataset"]

_COLUMNS = ("ImageId", "ClassId", "EncodedPixels")


def write_steel_dataset(
    folder: Path,
    *,
    num_images: int = 200,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    settings: SteelSettings | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write synthetic strips as jpg, run lengths of their defects as CSV, and a ``dataset.yaml``.

    Files are written whole or not at all, so an interrupted call is completed by the same call. A larger
    ``num_images`` adds strips to the set.

    Args:
        folder: Made if absent. Gets ``images``, ``train.csv`` with a row for every image and class that it has,
            ``dataset.yaml``, ``README.txt`` and ``steel.json``.
        num_images: Number of strips, 1 to 100 000. The rarest defect is on every fiftieth.
        size: Rows and columns, instead of those in ``settings``.
        seed: Number of the series of strips.
        settings: See `SteelSettings`.
        progress: Called with (strips done, strips in all).

    Returns:
        The path of ``dataset.yaml``.

    Raises:
        OptionError: ``num_images`` or ``seed`` is out of range.
        ConfigError: ``size`` is.
        DataError: The folder holds a set of other settings, or more strips than asked for.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_steel_dataset(Path(folder) / "steel", num_images=2, size=(64, 400))
        ...     sorted(item.name for item in (path.parent / "images").iterdir())
        ['steel_00000.jpg', 'steel_00001.jpg']
    """
    if not 1 <= num_images <= 100_000:
        raise OptionError(
            f"`num_images` should lie between 1 and 100000, but is {num_images}; give another number."
        )
    if seed < 0:
        raise OptionError(f"`seed` counts from 0, but is {seed}; give a number of 0 or more.")
    folder = Path(folder)
    settings = settings or SteelSettings()
    if size is not None:
        settings = parse_settings(
            SteelSettings, {**settings.model_dump(), "size": size}, where="steel settings"
        )
    recipe = {"generator": STEEL_GENERATOR, "seed": seed, "settings": settings.model_dump(mode="json")}
    claim_folder(folder, num_images, recipe, kind="steel", plural="strips")
    rows: list[dict[str, object]] = []
    for index in range(num_images):
        strip = make_steel(seed, index, settings)
        name = f"steel_{index:05d}.jpg"
        if not (folder / "images" / name).exists():
            _write_jpg(folder / "images" / name, strip.image)
        for value, layer in enumerate(strip.layers, start=1):
            if layer.any():
                cells = (name, value, encode_run_lengths(layer))
                rows.append(dict(zip(_COLUMNS, cells, strict=True)))
        if progress is not None:
            progress(index + 1, num_images)
    write_csv(folder / "train.csv", rows, columns=_COLUMNS)
    return _describe(folder)


def _write_jpg(path: Path, image: NDArray[np.uint8]) -> None:
    from PIL import Image

    with atomic_path(path) as temporary:
        Image.fromarray(image).save(temporary, format="JPEG", quality=92)


def _describe(folder: Path) -> Path:
    """Write the files that explain the set; a ``dataset.yaml`` that is there may be edited, so it stays."""
    classes = "\n".join(f"  {value}  {name}" for value, name in enumerate(STEEL_CLASSES) if value)
    write_text(folder / "README.txt", _README.format(classes=classes))
    path = folder / "dataset.yaml"
    if not path.exists():
        dataset = DatasetSettings(
            name="steel",
            format="rle_csv",
            rle_csv=RleCsvSettings(file="train.csv"),
            classes=tuple(ClassSettings(name=name, value=value) for value, name in enumerate(STEEL_CLASSES)),
            split=SplitSettings(kind="group", fractions=(0.6, 0.2, 0.2)),
        )
        write_yaml(path, dataset.model_dump(mode="json", exclude_unset=True))
    return path


_README = """Synthetic strips of rolled steel: made by code, no photograph is in here.

images      grey strips, rolled down the rows, lit unevenly; some have an end without steel.
train.csv   outlines of defects as run lengths, in the layout of the Severstal contest: ImageId, ClassId, EncodedPixels.
            Pixels are counted down the columns from 1. Images without a row have no defect.
steel.json  the settings that make the same strips again.

ClassId:
{classes}
"""
