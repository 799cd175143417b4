"""Detection by region: which defects were found at all, and how many alarms were false."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, OptionError, SizeMismatchError
from rareseg.types import IGNORE_INDEX

__all__ = ["region_counts"]


def region_counts(
    target: NDArray[Any], prediction: NDArray[Any], num_classes: int, *, min_overlap: int = 1
) -> NDArray[np.int64]:
    """Count true, hit, predicted and false regions of every class.

    A region is an 8-connected component of one class. A true region is hit where at least ``min_overlap`` of
    its pixels (or all, if it is smaller) are predicted as its class; a predicted region is false where it
    touches no region that was hit. Ignored pixels belong to no true region. A predicted region may run
    through them; if it is not right and at least half of it is ignored, what it shows is unknown and it
    counts neither as predicted nor as false.

    Args:
        target: Class index ``(h, w)``; `IGNORE_INDEX` is ignored.
        prediction: Predicted class index ``(h, w)``.
        num_classes: Number of classes k.
        min_overlap: Pixels of overlap that make a hit, at least 1.

    Returns:
        ``(k, 4)``: num_true, num_hit, num_predicted, num_false.

    Raises:
        SizeMismatchError: The shapes differ or are not two-dimensional.
        DataError: A value is not a class index.
        OptionError: ``min_overlap`` is below 1.

    Example:
        >>> target = np.array([[1, 0, 0, 0, 1], [1, 0, 0, 0, 0]])
        >>> prediction = np.array([[1, 0, 0, 0, 0], [0, 0, 1, 0, 0]])
        >>> region_counts(target, prediction, 2)[1].tolist()
        [2, 1, 2, 1]
    """
    target, prediction = np.asarray(target), np.asarray(prediction)
    if target.shape != prediction.shape or target.ndim != 2:
        raise SizeMismatchError(
            f"target and prediction should be (height, width) arrays of one size, but have {target.shape} "
            f"and {prediction.shape}; cut both by the same window."
        )
    if min_overlap < 1:
        raise OptionError(
            f"'min_overlap' should be at least 1 pixel, but is {min_overlap}; 1 counts any touch."
        )
    counts = np.zeros((num_classes, 4), np.int64)
    ignored = target == IGNORE_INDEX
    classes = sorted({*np.unique(target[~ignored]).tolist(), *np.unique(prediction[~ignored]).tolist()})
    if classes and not 0 <= classes[0] <= classes[-1] < num_classes:
        wrong = classes[0] if classes[0] < 0 else classes[-1]
        raise DataError(
            f"target and prediction should hold class indices 0 to {num_classes - 1}, but hold {wrong}; "
            f"map that value to a class or, in the target, to {IGNORE_INDEX}."
        )
    for index in classes:
        counts[index] = _count_class(target == index, prediction == index, ignored, min_overlap)
    return counts


def _count_class(
    true: NDArray[np.bool_], predicted: NDArray[np.bool_], ignored: NDArray[np.bool_], min_overlap: int
) -> tuple[int, int, int, int]:
    # A rare class covers little of the image: label only the box around it.
    either = true | predicted
    rows, cols = np.flatnonzero(either.any(axis=1)), np.flatnonzero(either.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(cols[0], cols[-1] + 1)
    true, predicted, ignored = true[box], predicted[box], ignored[box]
    overlap = true & predicted
    true_labels, num_true = _label(true)
    predicted_labels, num_predicted = _label(predicted)
    sizes = np.bincount(true_labels[true], minlength=num_true + 1)[1:]
    covered = np.bincount(true_labels[overlap], minlength=num_true + 1)[1:]
    hit = covered >= np.minimum(sizes, min_overlap)
    right = np.zeros(num_predicted + 1, bool)
    right[predicted_labels[overlap][hit[true_labels[overlap] - 1]]] = True
    areas = np.bincount(predicted_labels[predicted], minlength=num_predicted + 1)[1:]
    unknown = np.bincount(predicted_labels[predicted & ignored], minlength=num_predicted + 1)[1:]
    dropped = ~right[1:] & (2 * unknown >= areas)
    num_kept = num_predicted - int(dropped.sum())
    return num_true, int(hit.sum()), num_kept, num_kept - int(right.sum())


def _label(region: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    from scipy import ndimage

    labels, number = ndimage.label(region, structure=np.ones((3, 3), bool))
    return labels, int(number)
