"""A folder of synthetic battery foils with everything that training on it needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path, read_json, write_csv, write_json, write_text, write_yaml
from rareseg.config.dataset import ClassSettings, DatasetSettings, MaskSettings, SplitSettings
from rareseg.data.foil import GENERATOR, Foil, make_foil
from rareseg.data.foil_settings import FOIL_CLASSES, FoilSettings
from rareseg.data.photometric_stereo import light_directions
from rareseg.errors import DataError, OptionError

__all__ = ["write_foil_dataset"]

Bands = Literal["normals", "normals+albedo"]
BAND_NAMES: dict[Bands, str] = {
    "normals": "x, y and z of the surface normal",
    "normals+albedo": "x, y and z of the surface normal, and the albedo",
}

PALETTE = ((235, 235, 235), (213, 94, 0), (0, 0, 0), (86, 180, 233), (230, 159, 0))


def write_foil_dataset(
    folder: Path,
    *,
    num_images: int = 26,
    size: tuple[int, int] | None = None,
    seed: int = 0,
    settings: FoilSettings | None = None,
    bands: Bands = "normals",
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
        OptionError: ``num_images`` or ``bands`` is out of range.
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
    if bands not in BAND_NAMES:
        raise OptionError(
            f"`bands` should be one of {', '.join(BAND_NAMES)}, but is '{bands}'; give one of these."
        )
    folder = Path(folder)
    settings = settings or FoilSettings()
    if size is not None:
        settings = FoilSettings.model_validate({**settings.model_dump(), "size": size})
    recipe = {
        "generator": GENERATOR,
        "seed": seed,
        "bands": bands,
        "settings": settings.model_dump(mode="json"),
    }
    _claim(folder, num_images, recipe)
    for index in range(num_images):
        _write_foil(folder, seed, index, settings, bands=bands, raw=save_raw_lights)
        if progress is not None:
            progress(index + 1, num_images)
    return _describe(folder, settings, bands)


def _claim(folder: Path, num_images: int, recipe: Mapping[str, object]) -> None:
    """Note in ``foil.json`` what the folder holds, or refuse a folder that holds something else."""
    path = folder / "foil.json"
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    if path.exists():
        held = read_json(path, kind="foil")
        if held.get("digest") != digest:
            raise DataError(
                f"'{folder}' already holds foils of another seed, size or settings (see foil.json); "
                "give another folder or delete this one."
            )
        if int(held.get("num_images", 0)) > num_images:
            raise DataError(
                f"'{folder}' already holds {held.get('num_images')} foils, but {num_images} were asked for; "
                "give another folder or at least that number."
            )
    elif (folder / "images").exists():
        raise DataError(f"'{folder}' has an images folder that is not of a foil set; give another folder.")
    write_json(path, {"digest": digest, "num_images": num_images, **recipe}, kind="foil")


def _write_foil(
    folder: Path, seed: int, index: int, settings: FoilSettings, *, bands: Bands, raw: bool
) -> None:
    name = f"foil_{index:03d}"
    writers: dict[Path, Callable[[Foil, Path], None]] = {
        folder / "images" / f"{name}.tif": lambda foil, path: _write_tiff(path, _encode(foil, bands)),
        folder / "masks" / f"{name}.png": lambda foil, path: _write_mask(path, foil.annotated),
        folder / "masks_exact" / f"{name}.png": lambda foil, path: _write_mask(path, foil.mask),
    }
    if raw:
        writers[folder / "lights" / f"{name}.tif"] = lambda foil, path: _write_tiff(
            path, np.moveaxis(foil.images, 0, -1)
        )
    missing = [path for path in writers if not path.exists()]
    if missing:
        foil = make_foil(seed, index, settings)
        for path in missing:
            writers[path](foil, path)


def _encode(foil: Foil, bands: Bands) -> NDArray[np.uint16]:
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


def _write_mask(path: Path, mask: NDArray[np.uint8]) -> None:
    from PIL import Image

    image = Image.fromarray(mask)
    image.putpalette([value for color in PALETTE for value in color])
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG", optimize=False)


def _describe(folder: Path, settings: FoilSettings, bands: Bands) -> Path:
    """Write the files that explain the set; a ``dataset.yaml`` that is there may be edited, so it stays."""
    lights = light_directions(settings.azimuth, settings.polar)
    rows = [
        {"light": number, "azimuth_degrees": azimuth, "polar_degrees": settings.polar, "x": x, "y": y, "z": z}
        for number, (azimuth, (x, y, z)) in enumerate(zip(settings.azimuth, lights.tolist(), strict=True))
    ]
    write_csv(folder / "lights.csv", rows, columns=list(rows[0]))
    write_text(folder / "README.txt", _README.format(bands=BAND_NAMES[bands], classes=_class_lines()))
    path = folder / "dataset.yaml"
    if not path.exists():
        dataset = DatasetSettings(
            name="foil",
            masks=MaskSettings(kind="indexed", folder="masks"),
            classes=tuple(ClassSettings(name=name, value=value) for value, name in enumerate(FOIL_CLASSES)),
            split=SplitSettings(kind="region", val_share=0.33, axis="rows"),
            pixel_size=50,
            unit="µm",
        )
        write_yaml(path, dataset.model_dump(mode="json", exclude_unset=True))
    return path


def _class_lines() -> str:
    return "\n".join(f"  {value}  {name}" for value, name in enumerate(FOIL_CLASSES))


_README = """Synthetic battery foils: made by code, no photograph is in here.

Each foil is a height field of coating grain with four kinds of defects. It was lit from several sides in
turn (lights.csv), captured with sensor noise, and turned back into surface normals by photometric stereo.

images       16 bit, {bands}.
             A component of a normal is value / 65535 * 2 - 1; the albedo is value / 65535.
             x points right, y down (the direction of transport), z to the camera. A pixel is 50 micrometres.
masks        what an annotator drew: coarse outlines, a little off, some defects missed or confused.
masks_exact  the true classes of the pixels. To train or judge with these, set masks.folder in dataset.yaml.
lights       the captures under each light, where they were asked for.
foil.json    the settings that make the same foils again.

Values in the masks:
{classes}
"""
