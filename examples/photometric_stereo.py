"""Surface normals and albedo from images of one scene under several lights.

python examples/photometric_stereo.py                     # on a synthetic foil
python examples/photometric_stereo.py a.png b.png c.png d.png --azimuth 45 135 225 315 --polar 55

Azimuths run from x (right) towards y (down); the polar angle lies between light and camera axis.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import rareseg
from rareseg.data.image_file import read_image_file
from rareseg.data.photometric_stereo import light_directions


def recover(images: NDArray[np.generic], lights: NDArray[np.float64], out: Path) -> None:
    """Write normals as colours and albedo as grey; shadows and clipped highlights are left out."""
    valid = (images > 0) & (images < images.max())
    normals, albedo = rareseg.photometric_stereo(images, lights, valid=valid)
    slope = np.degrees(np.arccos(np.clip(normals[2], -1, 1)))
    unknown = np.isnan(albedo)
    print(f"{len(images)} lights, {images.shape[1]} x {images.shape[2]} pixels")
    print(f"median slope {np.nanmedian(slope):.1f} degrees, {unknown.mean():.2%} of the pixels unknown")
    colours = np.nan_to_num((normals + 1) / 2 * 255, nan=0).round().astype(np.uint8)
    grey = np.nan_to_num(albedo / np.nanmax(albedo) * 255, nan=0).round().astype(np.uint8)
    out.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(colours.transpose(1, 2, 0))).save(out / "normals.png")
    Image.fromarray(grey).save(out / "albedo.png")
    print("Pictures:", out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("images", type=Path, nargs="*", help="one grey image a light")
    parser.add_argument("--azimuth", type=float, nargs="+", default=[45, 135, 225, 315], help="degrees")
    parser.add_argument("--polar", type=float, default=55, help="degrees")
    parser.add_argument("--out", type=Path, help="folder for the pictures; by default a new one")
    options = parser.parse_args()
    if options.images:
        stack = np.stack([read_image_file(path)[0] for path in options.images])
        directions = light_directions(options.azimuth, options.polar)
    else:
        foil = rareseg.make_foil(seed=0, index=0)
        stack, directions = foil.images, foil.lights
    recover(stack, directions, options.out or Path(mkdtemp(prefix="rareseg-")))
