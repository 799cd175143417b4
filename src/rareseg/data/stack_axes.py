"""The order of axes in a stack of images, named or guessed where only one can be meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import ConfigError, DataError

__all__ = ["MOST_CHANNELS", "as_nchw", "mask_axis_to_drop", "stack_axes"]

MOST_CHANNELS = 32
"""An axis longer than this is not taken for channels unless the settings name it."""


def stack_axes(shape: Sequence[int], axes: str | None, where: str) -> str:
    """Letters of the axes, such as ``nchw``.

    Args:
        shape: Of the array of images.
        axes: What the settings say; None to guess.
        where: The array, for messages.

    Raises:
        ConfigError: Two orders could be meant.
        DataError: The array has another number of axes, or no pixels.

    Example:
        >>> stack_axes((2615, 2, 64, 128), None, "a.npz:images"), stack_axes((9, 64, 128, 3), None, "a.npz:x")
        ('nchw', 'nhwc')
    """
    shown = " x ".join(map(str, shape))
    if 0 in shape:
        raise DataError(f"'{where}' is {shown}, in which there are no pixels; save it anew.")
    if axes is not None:
        if len(shape) != len(axes):
            raise DataError(
                f"'{where}' has {len(shape)} axes ({shown}), but npz.axes is '{axes}'; name one letter an axis."
            )
        return axes
    if len(shape) == 3:
        return "nhw"
    if len(shape) != 4:
        raise DataError(
            f"'{where}' should be a stack of images with three or four axes, but is {shown}; name another array."
        )
    first, last = shape[1] <= MOST_CHANNELS, shape[3] <= MOST_CHANNELS
    if first and not last and shape[1] < shape[2]:
        return "nchw"
    if last and not first and shape[3] < shape[2]:
        return "nhwc"
    raise ConfigError(
        f"'{where}' is {shown}, which could be 'nchw' (channels first) or 'nhwc' (channels last); say which: "
        "npz.axes."
    )


def as_nchw(array: NDArray[Any], axes: str) -> NDArray[Any]:
    """The same values seen as ``(n, c, h, w)``; nothing is copied."""
    if "c" not in axes:
        array, axes = array[..., None], axes + "c"
    return np.transpose(array, [axes.index(letter) for letter in "nchw"])


def mask_axis_to_drop(mask_shape: Sequence[int], image_shape: Sequence[int], axes: str) -> int | None:
    """Which axis of length 1 an array of masks has more than ``(n, h, w)`` in the images' order; -1 for none.

    Returns:
        None where the masks do not fit the images.
    """
    expected = [length for letter, length in zip(axes, image_shape, strict=True) if letter != "c"]
    if list(mask_shape) == expected:
        return -1
    for axis, length in enumerate(mask_shape):
        if length == 1 and [*mask_shape[:axis], *mask_shape[axis + 1 :]] == expected:
            return axis
    return None
