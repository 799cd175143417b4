"""Both ways of finding outliers as one JSON-like value, with what to leave out of the dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rareseg.inspection.mask_outliers import MaskOutliers
from rareseg.inspection.reconstruction_outliers import ReconstructionOutliers

__all__ = ["outlier_summary"]


def outlier_summary(
    masks: Sequence[MaskOutliers],
    reconstruction: ReconstructionOutliers | None,
    *,
    excluded: Sequence[str],
) -> dict[str, Any]:
    """What ``fingerprint.json`` holds about outliers. Nothing is left out by it: that is the user's to decide.

    Args:
        masks: What `mask_outliers` returned.
        reconstruction: What `reconstruction_outliers` returned, if it was asked for.
        excluded: Samples that dataset.yaml leaves out already.

    Returns:
        ``masks`` with ``sets``, ``reconstruction`` (None where it was not asked for), and ``exclude`` in each of
        the two and for both together: a value for the key of that name in dataset.yaml, which keeps what is left
        out already; empty where there is nothing to add.

    Example:
        >>> alike = MaskOutliers(["b", "c", "d"], num_groups=3, share=0.3)
        >>> summary = outlier_summary([alike], None, excluded=["a"])
        >>> summary["exclude"], summary["reconstruction"]
        (['a', 'b', 'c', 'd'], None)
    """
    by_mask = [sample for item in masks for sample in item.samples]
    by_image = reconstruction.outliers if reconstruction else []

    def exclude(samples: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*excluded, *samples])) if samples else []

    return {
        "masks": {"sets": [item.to_json() for item in masks], "exclude": exclude(by_mask)},
        "reconstruction": reconstruction and {**reconstruction.to_json(), "exclude": exclude(by_image)},
        "exclude": exclude([*by_mask, *by_image]),
    }
