"""Whether a model suits the patches and images of a study, said before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from torch import nn

from rareseg.data.windows import pad_to_multiple
from rareseg.errors import OptionError

__all__ = ["check_model"]

_MOST_PADDING = 2.0
"""Padded over given pixels; beyond it most of what a model works on is mirrored."""


def check_model(
    core: nn.Module,
    *,
    patch_sizes: Iterable[tuple[int, int]],
    batch_size: int,
    image_sizes: Iterable[tuple[int, int]],
    whole_megapixels: float,
) -> tuple[str, ...]:
    """Compare a model's stride and reach with the sizes that it will meet.

    Args:
        core: The core of a network.
        patch_sizes: Rows and columns of training patches.
        batch_size: Patches of a batch.
        image_sizes: Rows and columns of the images that judge.
        whole_megapixels: Largest image that a model which depends on the whole image gets in one piece.

    Returns:
        What the user should know, a sentence or more each.

    Raises:
        OptionError: Padding to the stride would more than double a patch, or leaves batch norm a single value.

    Example:
        >>> from rareseg.models.unet import UNet
        >>> model = UNet(1, 2, base_channels=1)
        >>> sizes = {"batch_size": 4, "image_sizes": [(40, 40)], "whole_megapixels": 4.0}
        >>> check_model(model, patch_sizes=[(64, 64)], **sizes)
        ()
        >>> check_model(model, patch_sizes=[(18, 18)], **sizes)
        Traceback (most recent call last):
        rareseg.errors.OptionError: A patch of 18 x 18 pixels would be mirrored to 32 x 32, ...
    """
    stride = cast(int, core.stride)
    for height, width in patch_sizes:
        _check_patch(core, height, width, stride=stride, batch_size=batch_size)
    images = list(image_sizes)
    notes = []
    small = sum(_padding(height, width, stride) > _MOST_PADDING for height, width in images)
    if small:
        notes.append(
            f"{small} of {len(images)} judged images more than double when they are mirrored to multiples of the "
            f"model's stride, {stride}. A model of a smaller depth would suit them better."
        )
    large = sum(height * width > whole_megapixels * 1e6 for height, width in images)
    if large and core.receptive_radius is None:
        notes.append(
            f"the model depends on the whole image, but {large} of {len(images)} judged images have more than "
            f"{whole_megapixels:g} megapixels (whole_megapixels) and go in overlapping tiles, each taken for the "
            "whole image. Their predictions are approximations."
        )
    return tuple(notes)


def _check_patch(core: nn.Module, height: int, width: int, *, stride: int, batch_size: int) -> None:
    rows, cols = pad_to_multiple(height, width, stride)
    if _padding(height, width, stride) > _MOST_PADDING:
        raise OptionError(
            f"A patch of {height} x {width} pixels would be mirrored to {rows} x {cols}, since the model's stride "
            f"is {stride}, and most of it would be copies. Give a larger patch_size, or the model a smaller depth."
        )
    values = batch_size * (rows // stride) * (cols // stride)
    if values == 1 and any(isinstance(module, nn.BatchNorm2d) for module in core.modules()):
        raise OptionError(
            f"A batch of one patch of {height} x {width} pixels is a single value at the bottom of the model, "
            f"whose stride is {stride}; batch norm needs two. Give a larger batch_size or patch_size."
        )


def _padding(height: int, width: int, stride: int) -> float:
    """Pixels after padding over pixels before."""
    rows, cols = pad_to_multiple(height, width, stride)
    return rows * cols / (height * width)
