"""Surface normals and albedo from images of one scene under several known lights.

The frame everywhere in this module: x points right in the image, y points down, z points from the surface
to the camera. A normals picture shows x as red, y as green and z as blue.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rareseg.errors import DataError

__all__ = ["light_directions", "photometric_stereo"]

MIN_CONDITION = 1e-6
"""Smallest over largest singular value below which light directions count as lying in one plane."""


def photometric_stereo(
    images: ArrayLike, lights: ArrayLike, *, valid: ArrayLike | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Recover normals and albedo of a matt surface by least squares (foil thesis, equation 3.1).

    Each pixel solves ``albedo * normal = pinv(lights) @ observed``. The surface is taken as Lambertian, the
    camera as orthographic and linear, and the lights as distant and of EQUAL intensity: directions are scaled
    to unit length, so divide each image by its light's intensity first where intensities differ.

    Shadowed and saturated observations break the model; leave them out with ``valid``. Pixels that share
    their set of valid lights share one pseudo-inverse, so a mask costs more but not much more.

    Args:
        images: ``(n, h, w)`` intensities of any real dtype, one image a light, n >= 3.
        lights: ``(n, 3)`` directions from the surface to each light, of any length above 0.
        valid: ``(n, h, w)`` boolean, true where an observation may be used; by default all.

    Returns:
        Normals ``(3, h, w)`` float32 of unit length in the order x, y, z, and albedo ``(h, w)`` float32 in
        the units of the images. Normals are NaN where the albedo is 0; both are NaN where the valid lights
        of a pixel are fewer than 3 or lie in one plane.

    Raises:
        DataError: A shape does not fit, there are fewer than 3 lights, a direction has length 0 or is not
            finite, or all directions lie in one plane.

    Example:
        >>> lights = light_directions([45, 135, 225, 315], 55)
        >>> normal = np.array([0.6, 0.0, 0.8])
        >>> observed = 0.5 * np.clip(lights @ normal, 0, None)
        >>> images = observed.reshape(4, 1, 1)
        >>> normals, albedo = photometric_stereo(images, lights, valid=images > 0)
        >>> [round(float(n), 3) for n in normals[:, 0, 0]], round(float(albedo[0, 0]), 3)
        ([0.6, 0.0, 0.8], 0.5)
    """
    observed = np.asarray(images)
    directions = _unit_directions(lights)
    if observed.ndim != 3 or observed.dtype.kind not in "uif":
        raise DataError(
            f"`images` should be a real array (lights, rows, columns), but is {observed.dtype} of shape "
            f"{observed.shape}; stack one grey image a light along the first axis."
        )
    if len(observed) != len(directions):
        raise DataError(
            f"`images` holds {len(observed)} images, but `lights` {len(directions)} directions; "
            "give one direction an image."
        )
    flat = observed.reshape(len(observed), -1).astype(np.float32, copy=False)
    if valid is None:
        scaled = np.linalg.pinv(directions).astype(np.float32) @ flat
    else:
        scaled = _solve_masked(flat, directions, _checked_mask(valid, observed.shape))
    albedo = np.sqrt(np.einsum("ip,ip->p", scaled, scaled))
    with np.errstate(invalid="ignore", divide="ignore"):
        normals = scaled / albedo
    return normals.reshape(3, *observed.shape[1:]), albedo.reshape(observed.shape[1:])


def light_directions(
    azimuth_degrees: Sequence[float], polar_degrees: float | Sequence[float]
) -> NDArray[np.float64]:
    """Unit vectors towards lights given by angles.

    Args:
        azimuth_degrees: Angle of each light around the camera axis, from x (right) towards y (down).
        polar_degrees: Angle between each light and the camera axis, 0 to below 90; one for all or one each.

    Returns:
        Directions ``(n, 3)`` in the order x, y, z.

    Raises:
        DataError: A polar angle is outside its range, or the numbers of angles differ.

    Example:
        >>> light_directions([0, 90], 30).round(2).tolist()
        [[0.5, 0.0, 0.87], [0.0, 0.5, 0.87]]
    """
    azimuth = np.atleast_1d(np.asarray(azimuth_degrees, dtype=np.float64))
    polar = np.atleast_1d(np.asarray(polar_degrees, dtype=np.float64))
    if azimuth.ndim != 1 or polar.ndim != 1 or polar.size not in (1, azimuth.size):
        raise DataError(
            f"One polar angle for all lights or one each was expected, but {azimuth.size} azimuths and "
            f"{polar.size} polar angles came; give lists of equal length."
        )
    if not (np.isfinite(azimuth).all() and (polar >= 0).all() and (polar < 90).all()):
        raise DataError(
            f"Polar angles run from 0 (above the surface) to below 90 degrees, but {polar.tolist()} came "
            f"with azimuths {azimuth.tolist()}; a light at 90 or more is behind the surface."
        )
    azimuth, polar = np.broadcast_arrays(np.deg2rad(azimuth), np.deg2rad(polar))
    return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=1)


def _unit_directions(lights: ArrayLike) -> NDArray[np.float64]:
    directions: NDArray[np.float64] = np.array(lights, dtype=np.float64)
    if directions.ndim != 2 or directions.shape[1] != 3:
        raise DataError(
            f"`lights` should have the shape (lights, 3), but has {directions.shape}; "
            "give x, y and z of each direction."
        )
    if len(directions) < 3:
        raise DataError(
            f"At least 3 lights are needed to tell normal from albedo, but {len(directions)} came; "
            "take more images."
        )
    length = np.linalg.norm(directions, axis=1)
    bad = ~np.isfinite(length) | (length == 0)
    if bad.any():
        index = int(bad.argmax())
        raise DataError(
            f"Light {index} should be a finite direction of a length above 0, but is "
            f"{directions[index].tolist()}; mend that row."
        )
    directions /= length[:, None]
    if not _spans_space(directions):
        raise DataError(
            f"The {len(directions)} light directions should span three dimensions, but lie in one plane; "
            "move a light out of that plane."
        )
    return directions


def _spans_space(directions: NDArray[np.float64]) -> bool:
    singular = np.linalg.svd(directions, compute_uv=False)
    return len(directions) >= 3 and bool(singular[2] > MIN_CONDITION * singular[0])


def _checked_mask(valid: ArrayLike, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.asarray(valid)
    if mask.shape != shape or mask.dtype != np.bool_:
        raise DataError(
            f"`valid` should be boolean of the images' shape {shape}, but is {mask.dtype} of shape "
            f"{mask.shape}; make it by comparing the images, for example images > 0."
        )
    return mask.reshape(shape[0], -1)


def _solve_masked(
    flat: NDArray[np.float32], directions: NDArray[np.float64], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Least squares over the valid lights of each pixel; ``flat`` and ``valid`` are ``(n, pixels)``."""
    scaled = np.full((3, flat.shape[1]), np.nan, dtype=np.float32)
    if not flat.shape[1]:
        return scaled
    packed = np.ascontiguousarray(np.packbits(valid, axis=0).T)
    codes: NDArray[Any] = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.r_[True, codes[order][1:] != codes[order][:-1]])
    for pixels in np.split(order, starts[1:]):
        usable = valid[:, pixels[0]]
        if _spans_space(directions[usable]):
            inverse = np.linalg.pinv(directions[usable]).astype(np.float32)
            scaled[:, pixels] = inverse @ flat[np.ix_(usable, pixels)]
    return scaled
