"""Counts of agreement between two label maps: what every rate and curve is a function of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, SizeMismatchError
from rareseg.metrics.byte_histogram import byte_histogram
from rareseg.types import IGNORE_INDEX

__all__ = ["confusion_counts", "confusion_matrix"]

# Pixels handled at once: small enough for the caches, and bounds memory whatever the image's size.
_BLOCK = 1 << 19
# Up to this many classes a (target, prediction) pair fits one byte.
_BYTE_CLASSES = 16


def confusion_counts(target: NDArray[Any], prediction: NDArray[Any], num_classes: int) -> NDArray[np.int64]:
    """Count TP, FP, FN and TN of every class, one class against the rest.

    Args:
        target: Class index of every pixel, integer, any shape; pixels of `IGNORE_INDEX` do not count.
        prediction: Predicted class index, same shape; what it holds at ignored pixels does not matter.
        num_classes: Number of classes k, 1 to 255.

    Returns:
        ``(k, 4)`` with the columns tp, fp, fn, tn. Each row sums to the number of pixels that count.

    Raises:
        SizeMismatchError: The shapes differ.
        DataError: A value is not a class index.

    Example:
        >>> confusion_counts(np.array([0, 0, 1, 255]), np.array([0, 1, 1, 0]), 2).tolist()
        [[1, 0, 1, 1], [1, 1, 0, 1]]
    """
    confusion = confusion_matrix(target, prediction, num_classes)
    tp = np.diagonal(confusion)
    fp = confusion.sum(axis=0) - tp
    fn = confusion.sum(axis=1) - tp
    return np.stack([tp, fp, fn, confusion.sum() - tp - fp - fn], axis=1)


def confusion_matrix(target: NDArray[Any], prediction: NDArray[Any], num_classes: int) -> NDArray[np.int64]:
    """Count pixels of every pair of true and predicted class.

    Args:
        target: As for `confusion_counts`.
        prediction: As for `confusion_counts`.
        num_classes: As for `confusion_counts`.

    Returns:
        ``(k, k)``: rows are true classes, columns predicted ones.

    Raises:
        SizeMismatchError: The shapes differ.
        DataError: A value is not a class index.

    Example:
        >>> confusion_matrix(np.array([0, 0, 1, 255]), np.array([0, 1, 1, 0]), 2).tolist()
        [[1, 1], [0, 1]]
    """
    if not 1 <= num_classes <= IGNORE_INDEX:
        raise DataError(f"'num_classes' should lie in 1 to {IGNORE_INDEX}, but is {num_classes}; check it.")
    target, prediction = np.asarray(target), np.asarray(prediction)
    if target.shape != prediction.shape:
        raise SizeMismatchError(
            f"target and prediction should have one shape, but have {target.shape} and {prediction.shape}; "
            "cut both by the same window."
        )
    return _confusion(target.reshape(-1), prediction.reshape(-1), num_classes)


def _confusion(target: NDArray[Any], prediction: NDArray[Any], num_classes: int) -> NDArray[np.int64]:
    """The ``(target, prediction)`` table of two flat label maps."""
    table = np.zeros(num_classes**2, np.int64)
    for start in range(0, target.size, _BLOCK):
        truth, guess = target[start : start + _BLOCK], prediction[start : start + _BLOCK]
        counted = truth != IGNORE_INDEX
        num_ignored = truth.size - int(np.count_nonzero(counted))
        if num_ignored:
            # Ignored pixels are booked as (0, 0) and taken off again: cheaper than cutting them out.
            truth, guess = truth * counted.view(np.uint8), guess * counted.view(np.uint8)
            table[0] -= num_ignored
        truth, guess = _as_bytes(truth, num_classes, "target"), _as_bytes(guess, num_classes, "prediction")
        if num_classes <= _BYTE_CLASSES:
            table += byte_histogram(truth * np.uint8(num_classes) + guess)[: table.size]
        else:
            code = truth.astype(np.uint16) * np.uint16(num_classes) + guess
            table += np.bincount(code, minlength=table.size)
    return table.reshape(num_classes, num_classes)


def _as_bytes(values: NDArray[Any], num_classes: int, name: str) -> NDArray[np.uint8]:
    if values.dtype.kind not in "uib":
        raise DataError(
            f"'{name}' should hold integer class indices, but is {values.dtype}; take the argmax."
        )
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= num_classes:
        found = low if low < 0 else high
        raise DataError(
            f"'{name}' should hold class indices 0 to {num_classes - 1}, but holds {found}; "
            f"map that value to a class or, in the target, to {IGNORE_INDEX}."
        )
    return values.astype(np.uint8, copy=False)
