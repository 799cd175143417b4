"""Random changes of a batch, image and mask in step, for any number of bands, on the batch's device."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from rareseg.sampling.uniforms import uniforms
from rareseg.training.augmentation_settings import AugmentationSettings
from rareseg.training.dihedral import flip_and_turn
from rareseg.training.elastic import elastic_displacement
from rareseg.training.intensity import change_intensity
from rareseg.training.warp import affine_matrices, warp

__all__ = ["AugmentationSettings", "augment"]

_FLIP_ROWS, _FLIP_COLS, _TURN, _ZOOM, _ROW, _COL, _ANGLE, _BRIGHTNESS, _CONTRAST = range(9)
"""Columns of the uniform numbers. Each change has its own, so that one more change leaves the others alone."""


def augment(
    images: Float[Tensor, "b c h w"],
    masks: UInt8[Tensor, "b h w"],
    settings: AugmentationSettings,
    *,
    seed: int,
) -> tuple[Float[Tensor, "b c h w"], UInt8[Tensor, "b h w"]]:
    """Change every patch of a batch at random; a pure function of its arguments, on any device the same.

    What happens to patch ``i`` follows from ``seed`` and ``i`` alone. Flips and quarter turns reorder pixels
    and are exact. Zoom, rotation, translation and elastic displacement together are one resampling, bilinear
    for images, nearest for masks; what lies outside is mirrored in both. Intensities stay in the file's
    units. ``copy_paste`` needs donors and is a function of its own.

    Args:
        images: Raw pixels as float; NaN and infinity mark missing ones.
        masks: Class indices; 255 is moved like a class.
        settings: What to do.
        seed: Seed of this batch, 0 to 2**64 - 1.

    Raises:
        OptionError: ``only_for`` names classes, but the settings were parsed without ``class_names``.

    Example:
        >>> settings = AugmentationSettings.parse({"flips": True, "rotation": 10}, patch_size=(32, 48))
        >>> images, masks = torch.rand(2, 5, 32, 48), torch.zeros(2, 32, 48, dtype=torch.uint8)
        >>> tuple(augment(images, masks, settings, seed=7)[0].shape)
        (2, 5, 32, 48)
    """
    index = np.arange(len(images))
    if not settings.changes_patches or not len(index):
        return images, masks
    if not settings.only_for:
        return _change(images, masks, settings, seed=seed, index=index)
    wanted = torch.tensor(settings.class_indices, dtype=masks.dtype, device=masks.device)
    place = torch.isin(masks, wanted).flatten(1).any(dim=1).nonzero()[:, 0]
    if not len(place):
        return images, masks
    changed = _change(images[place], masks[place], settings, seed=seed, index=place.cpu().numpy())
    return images.index_copy(0, place, changed[0]), masks.index_copy(0, place, changed[1])


def _change(
    images: Tensor, masks: Tensor, settings: AugmentationSettings, *, seed: int, index: NDArray[np.int64]
) -> tuple[Tensor, Tensor]:
    u = uniforms(seed, index, 9)
    if settings.flips or settings.quarter_turns:
        moves = np.floor(u[:, [_FLIP_ROWS, _FLIP_COLS, _TURN]] * (2, 2, 4)).astype(np.int64)
        moves *= (settings.flips, settings.flips, settings.quarter_turns)
        images, masks = flip_and_turn(images, moves), flip_and_turn(masks, moves)
    if settings.resamples:
        height, width = masks.shape[-2:]
        low, high = np.log(settings.zoom)
        matrices = affine_matrices(
            zoom=np.exp(low + u[:, _ZOOM] * (high - low)),
            degrees=(2 * u[:, _ANGLE] - 1) * settings.rotation,
            shift=(2 * u[:, [_ROW, _COL]] - 1) * settings.translation * (height, width),
        )
        displacement = None
        if settings.elastic:
            displacement = elastic_displacement(
                (height, width), settings.elastic, seed=seed, index=index, device=images.device
            )
        images, masks = warp(images, masks, matrices, displacement)
    if settings.brightness or settings.contrast or settings.noise:
        images = change_intensity(
            images,
            shift=(2 * u[:, _BRIGHTNESS] - 1) * settings.brightness,
            factor=1 + (2 * u[:, _CONTRAST] - 1) * settings.contrast,
            noise=settings.noise,
            seed=seed,
            index=index,
        )
    return images, masks
