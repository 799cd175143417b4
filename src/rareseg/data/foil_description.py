"""The files that explain a folder of synthetic foils: dataset.yaml, lights.csv and README.txt."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from rareseg.artefacts import write_csv, write_text, write_yaml
from rareseg.config.dataset import ClassSettings, DatasetSettings, MaskSettings, SplitSettings
from rareseg.data.foil_settings import FOIL_CLASSES, FoilSettings
from rareseg.data.photometric_stereo import light_directions

__all__ = ["FOIL_BANDS", "FoilBands", "describe_foil_dataset"]

FoilBands = Literal["normals", "normals+albedo"]
FOIL_BANDS: dict[FoilBands, str] = {
    "normals": "x, y and z of the surface normal",
    "normals+albedo": "x, y and z of the surface normal, and the albedo",
}
"""What the images of a foil set may hold."""


def describe_foil_dataset(folder: Path, settings: FoilSettings, bands: FoilBands) -> Path:
    """Write the files that explain the set; a ``dataset.yaml`` that is there may be edited, so it stays."""
    lights = light_directions(settings.azimuth, settings.polar)
    rows = [
        {"light": number, "azimuth_degrees": azimuth, "polar_degrees": settings.polar, "x": x, "y": y, "z": z}
        for number, (azimuth, (x, y, z)) in enumerate(zip(settings.azimuth, lights.tolist(), strict=True))
    ]
    write_csv(folder / "lights.csv", rows, columns=list(rows[0]))
    write_text(folder / "README.txt", _README.format(bands=FOIL_BANDS[bands], classes=_class_lines()))
    path = folder / "dataset.yaml"
    if not path.exists():
        dataset = DatasetSettings(
            name="foil",
            masks=MaskSettings(kind="indexed", folder="masks"),
            other_masks={"exact": MaskSettings(folder="masks_exact")},
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
masks_exact  the true classes of the pixels. Runs are judged by them too (other_masks in dataset.yaml); to train
             with them, set masks.folder to masks_exact and other_masks to {{annotator: masks}}.
lights       the captures under each light, where they were asked for.
foil.json    the settings that make the same foils again.

Values in the masks:
{classes}
"""
