"""Enlarging by a whole factor: cubic for pixels, nearest for labels, the same in a window as in the whole."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rareseg.types import Window

__all__ = ["enlarge", "enlarge_labels", "majority", "source_window"]

_SHARPNESS = -0.75
"""Slope of the cubic kernel at distance 1, as in OpenCV and PyTorch."""


class _Axis(NamedTuple):
    """Where the pixels of an enlarged axis come from."""

    taps: NDArray[np.intp]
    """``(n, 4)`` pixels of the source, those beyond an end replaced by the pixel at the end."""
    weights: NDArray[np.float32]
    """``(n, 4)``; a row sums to 1."""
    nearest: NDArray[np.intp]
    """``(n,)`` pixel of the source that each lies in."""


def source_window(window: Window, factor: int, height: int, width: int) -> Window:
    """The pixels that a window of the enlarged image depends on: a margin of two around it, inside the image.

    Args:
        window: In enlarged pixels.
        factor: Enlarged pixels along each axis for one of the source.
        height: Rows of the source.
        width: Columns of the source.

    Example:
        >>> source_window(Window(8, 0, 4, 4), 2, 100, 100)
        Window(row=2, col=0, height=6, width=4)
    """
    rows, cols = (
        _axis(window.row, window.height, factor, height),
        _axis(window.col, window.width, factor, width),
    )
    top, left = int(rows.taps.min()), int(cols.taps.min())
    return Window(top, left, int(rows.taps.max()) - top + 1, int(cols.taps.max()) - left + 1)


def enlarge(
    pixels: NDArray[Any], window: Window, factor: int, height: int, width: int
) -> NDArray[np.generic]:
    """Pixels of a window of the enlarged image by cubic convolution (Keys, IEEE TASSP 29, 1981; slope -0.75).

    Centres of pixels are aligned and the pixel at the edge is repeated outside, as ``cv2.resize`` with
    ``INTER_CUBIC`` and ``torch.nn.functional.interpolate`` do. Missing values (NaN or infinite) have no weight:
    the others' weights are scaled to sum to 1, and what lies in a missing pixel is NaN. Whole numbers are
    rounded and cut off at the ends of their type.

    Args:
        pixels: ``(c, h, w)`` of `source_window`.
        window: In enlarged pixels.
        factor: 2 to 4; up to there the weights of any part of the pixels that holds the nearest are positive.
        height: Rows of the whole source.
        width: Columns of the whole source.

    Returns:
        ``(c, window.height, window.width)`` of the pixels' type.

    Example:
        >>> row = np.array([[[0, 0, 100, 100]]], np.uint8)
        >>> enlarge(row, Window(0, 0, 1, 8), 2, 1, 4).tolist()
        [[[0, 0, 0, 23, 77, 111, 104, 100]]]
    """
    box = source_window(window, factor, height, width)
    rows, cols = (
        _axis(window.row, window.height, factor, height),
        _axis(window.col, window.width, factor, width),
    )
    rows, cols = rows._replace(taps=rows.taps - box.row), cols._replace(taps=cols.taps - box.col)
    values = pixels.astype(np.float32)
    known = np.isfinite(values)
    if known.all():
        found = _interpolate(values, rows, cols)
    else:
        nearest = known[:, (rows.nearest - box.row)[:, None], cols.nearest - box.col]
        found = _interpolate_known(values, known, rows, cols)
        found[~nearest] = np.nan
    if pixels.dtype.kind in "iu":
        limits = np.iinfo(pixels.dtype)
        found = np.clip(np.rint(found), limits.min, limits.max)
    return found.astype(pixels.dtype)


def enlarge_labels(labels: NDArray[np.uint8], window: Window, factor: int, box: Window) -> NDArray[np.uint8]:
    """Labels of a window of the enlarged mask: each pixel has the label of the pixel that it lies in.

    Args:
        labels: ``(h, w)`` of ``box``.
        window: In enlarged pixels.
        factor: Enlarged pixels along each axis for one of the source.
        box: A window of the source that holds all of it.
    """
    rows = np.arange(window.row, window.row + window.height) // factor - box.row
    cols = np.arange(window.col, window.col + window.width) // factor - box.col
    return labels[rows[:, None], cols]


def majority(labels: NDArray[np.uint8], factor: int, num_classes: int) -> NDArray[np.uint8]:
    """The label map made small again: each block of ``factor x factor`` becomes its most frequent class.

    Of classes that are equally frequent, the later one counts, since the first is the background.

    Args:
        labels: ``(factor h, factor w)`` class indices.
        factor: Rows and columns of a block.
        num_classes: Number of classes.

    Returns:
        ``(h, w)``.

    Example:
        >>> majority(np.array([[0, 0, 1, 0], [1, 2, 1, 0]], np.uint8), 2, 3).tolist()
        [[0, 1]]
    """
    height, width = labels.shape[0] // factor, labels.shape[1] // factor
    blocks = labels.reshape(height, factor, width, factor)
    best, most = (np.zeros((height, width), np.uint8) for _ in range(2))
    for label in range(num_classes):
        number = (blocks == label).sum(axis=(1, 3), dtype=np.uint8)
        ahead = (number >= most) & (number > 0)
        best[ahead], most[ahead] = label, number[ahead]
    return best


def _axis(start: int, length: int, factor: int, size: int) -> _Axis:
    place = np.arange(start, start + length)
    # Whole phases keep the weights of a pixel the same, whatever window it is in.
    offsets = (np.arange(factor) + 0.5) / factor - 0.5
    first = np.floor(offsets).astype(np.intp)
    weights = np.stack([_kernel(offsets - first - tap) for tap in (-1, 0, 1, 2)], axis=1).astype(np.float32)
    nearest, phase = place // factor, place % factor
    taps = np.clip((nearest + first[phase])[:, None] + np.arange(-1, 3), 0, size - 1)
    return _Axis(taps, weights[phase], nearest)


def _kernel(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    x, a = np.abs(distance), _SHARPNESS
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def _interpolate(values: NDArray[np.float32], rows: _Axis, cols: _Axis) -> NDArray[np.float32]:
    """Weighted sums of four rows, then of four columns, in a fixed order."""
    down: NDArray[np.float32] = rows.weights[:, 0, None] * values[:, rows.taps[:, 0]]
    for tap in (1, 2, 3):
        down += rows.weights[:, tap, None] * values[:, rows.taps[:, tap]]
    across: NDArray[np.float32] = cols.weights[:, 0] * down[:, :, cols.taps[:, 0]]
    for tap in (1, 2, 3):
        across += cols.weights[:, tap] * down[:, :, cols.taps[:, tap]]
    return across


def _interpolate_known(
    values: NDArray[np.float32], known: NDArray[np.bool_], rows: _Axis, cols: _Axis
) -> NDArray[np.float32]:
    """The same over known values; where all are, the sum is the same number as without any missing."""
    found = _interpolate(np.where(known, values, 0), rows, cols)
    weight = _interpolate(known.astype(np.float32), rows, cols)
    ones = [axis._replace(weights=np.ones_like(axis.weights)) for axis in (rows, cols)]
    number = _interpolate(known.astype(np.float32), *ones)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(number == 16, found, found / weight)
