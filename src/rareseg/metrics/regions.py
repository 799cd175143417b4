"""Detection by region: which defects were found at all, and how many alarms were false."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError, OptionError, SizeMismatchError
from rareseg.metrics.components import Components, find_components
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
    if not target.size:
        return np.zeros((num_classes, 4), np.int64)
    true, predicted = find_components(target), find_components(prediction)
    overlap = _overlap(true, predicted, target.size)
    _check_classes(overlap, num_classes)
    is_same = (overlap.true_value == overlap.predicted_value) & (overlap.true_value != IGNORE_INDEX)
    covered = np.bincount(overlap.true[is_same], overlap.area[is_same], minlength=len(true.areas))
    hit = covered >= np.minimum(true.areas, min_overlap)
    right = np.zeros(len(predicted.areas), bool)
    right[overlap.predicted[is_same & hit[overlap.true]]] = True
    is_ignored = overlap.true_value == IGNORE_INDEX
    unknown = np.bincount(
        overlap.predicted[is_ignored], overlap.area[is_ignored], minlength=len(predicted.areas)
    )
    kept = right | (2 * unknown < predicted.areas)
    columns = (true.values, true.values[hit], predicted.values[kept], predicted.values[kept & ~right])
    # Above the class indices stand ignored regions; what a prediction holds there was not kept.
    return np.stack([np.bincount(column, minlength=num_classes)[:num_classes] for column in columns], axis=1)


@dataclass(frozen=True)
class _Overlap:
    """Stretches of pixels that lie in one true and one predicted component."""

    true: NDArray[np.intp]
    predicted: NDArray[np.intp]
    true_value: NDArray[np.int64]
    predicted_value: NDArray[np.int64]
    area: NDArray[np.intp]


def _overlap(true: Components, predicted: Components, size: int) -> _Overlap:
    starts = np.union1d(true.starts, predicted.starts)
    of_true = true.component[np.searchsorted(true.starts, starts, side="right") - 1]
    of_predicted = predicted.component[np.searchsorted(predicted.starts, starts, side="right") - 1]
    return _Overlap(
        true=of_true,
        predicted=of_predicted,
        true_value=true.values[of_true],
        predicted_value=predicted.values[of_predicted],
        area=np.diff(starts, append=size),
    )


def _check_classes(overlap: _Overlap, num_classes: int) -> None:
    counted = overlap.true_value != IGNORE_INDEX
    for name, values in (("target", overlap.true_value), ("prediction", overlap.predicted_value)):
        wrong = values[counted & ((values < 0) | (values >= num_classes))]
        if len(wrong):
            raise DataError(
                f"'{name}' should hold class indices 0 to {num_classes - 1}, but holds {wrong[0]}; "
                f"map that value to a class or, in the target, to {IGNORE_INDEX}."
            )
