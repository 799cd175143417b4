"""A folder of synthetic battery foils with everything that training on it needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path
from rareseg.config.load import parse_settings
from rareseg.data.claim_folder import claim_folder
from rareseg.data.foil import GENERATOR, Foil, make_foil
from rareseg.data.foil_description import FOIL_BANDS, FoilBands, describe_foil_dataset
from rareseg.data.foil_settings import FOIL_CLASSES, FoilSettings
from rareseg.data.indexed_png import write_indexed_png
from rareseg.data.labels import ClassTable
from rareseg.errors import OptionError

__all__ = ["write_foil_dataset"]


def write_foil_dataset(
    folder: Path,
    *,
    num_images: int = 26,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    settings: FoilSettings | None = None,
    bands: FoilBands = "normals",
    save_raw_lights: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write synthetic foils as images, masks and a ``dataset.yaml``; existing files of the same set are kept.

    Files are written whole or not at all, so an interrupted call is completed by the same call. A larger
    ``num_images`` adds foils to the set. Normals from -1 to 1 and albedo from 0 to 1 fill 16 bits.

    Args:
        folder: Made if absent. Gets ``images``, ``masks`` (the annotator's), ``masks_exact``,
            ``dataset.yaml``, ``lights.csv``, ``README.txt``, ``foil.json`` and, where asked for, ``lights``.
        num_images: Number of foils, 1 to 1000.
        size: Rows and columns, instead of those in ``settings``.
        seed: Number of the series of foils.
        settings: See `FoilSettings`.
        bands: What the images hold.
        save_raw_lights: Also write the captures under each light.
        progress: Called with (foils done, foils in all).

    Returns:
        The path of ``dataset.yaml``.

    Raises:
        OptionError: ``num_images``, ``seed`` or ``bands`` is out of range.
        ConfigError: ``size`` is.
        DataError: The folder holds a set of other settings, or more foils than asked for.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder) / "foil", num_images=2, size=(64, 64))
        ...     sorted(item.name for item in (path.parent / "images").iterdir())
        ['foil_000.tif', 'foil_001.tif']
    """
    if not 1 <= num_images <= 1000:
        raise OptionError(
            f"`num_images` should lie between 1 and 1000, but is {num_images}; give another number."
        )
    if seed < 0:
        raise OptionError(f"`seed` counts from 0, but is {seed}; give a number of 0 or more.")
    if bands not in FOIL_BANDS:
        raise OptionError(
            f"`bands` should be one of {', '.join(FOIL_BANDS)}, but is '{bands}'; give one of these."
        )
    folder = Path(folder)
    settings = settings or FoilSettings()
    if size is not None:
        settings = parse_settings(
            FoilSettings, {**settings.model_dump(), "size": size}, where="foil settings"
        )
    recipe = {
        "generator": GENERATOR,
        "seed": seed,
        "bands": bands,
        "settings": settings.model_dump(mode="json"),
    }
    claim_folder(folder, num_images, recipe, kind="foil", plural="foils")
    for index in range(num_images):
        _write_foil(folder, seed, index, settings, bands=bands, raw=save_raw_lights)
        if progress is not None:
            progress(index + 1, num_images)
    return describe_foil_dataset(folder, settings, bands)


def _write_foil(
    folder: Path, seed: int, index: int, settings: FoilSettings, *, bands: FoilBands, raw: bool
) -> None:
    """Write the files of one foil that are not there yet; the image last, so that none lacks its masks."""
    name = f"foil_{index:03d}"
    masks = [folder / kind / f"{name}.png" for kind in ("masks", "masks_exact")]
    stacks = [folder / kind / f"{name}.tif" for kind in (("lights", "images") if raw else ("images",))]
    if all(path.exists() for path in (*masks, *stacks)):
        return
    foil = make_foil(seed, index, settings)
    palette = ClassTable.from_names(FOIL_CLASSES).palette()
    for path, mask in zip(masks, (foil.annotated, foil.mask), strict=True):
        if not path.exists():
            write_indexed_png(path, mask, palette)
    for path in stacks:
        if not path.exists():
            _write_tiff(
                path,
                _encode(foil, bands) if path.parent.name == "images" else np.moveaxis(foil.images, 0, -1),
            )


def _encode(foil: Foil, bands: FoilBands) -> NDArray[np.uint16]:
    """Bands ``(h, w, c)`` as 16-bit numbers; a normal without any light counts as facing the camera."""
    upright = np.array([0, 0, 1], np.float32)[:, None, None]
    image = (np.where(np.isnan(foil.normals), upright, foil.normals) + 1) / 2
    if bands == "normals+albedo":
        image = np.concatenate([image, foil.albedo[None]])
    scaled = np.clip(image * 65535, 0, 65535)
    return np.rint(np.moveaxis(scaled, 0, -1)).astype(np.uint16)


def _write_tiff(path: Path, image: NDArray[np.uint16]) -> None:
    import tifffile

    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            np.ascontiguousarray(image),
            photometric="rgb" if image.shape[-1] == 3 else "minisblack",
            planarconfig="contig",
            metadata=None,
        )
