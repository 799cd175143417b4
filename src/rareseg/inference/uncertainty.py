"""A label map with a map of how much the members of an ensemble disagree, from one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_reading import OpenImage
from rareseg.errors import OptionError
from rareseg.inference.ensemble_head import EnsembleHead
from rareseg.inference.label_strip import SCORE_SCALE
from rareseg.inference.segmenter import Prediction, Segmenter
from rareseg.types import IGNORE_INDEX

__all__ = ["check_can_disagree", "predict_with_uncertainty"]


def predict_with_uncertainty(
    segmenter: Segmenter, image: OpenImage
) -> tuple[Prediction, NDArray[np.float32]]:
    """What `Segmenter.predict` says of an image, and how sure the ensemble is of it.

    Args:
        segmenter: An ensemble, from `join_segmenters`.
        image: From the segmenter's ``reading``.

    Returns:
        The prediction, and the disagreement ``(h, w)`` from 0 to 1 in steps of 1 / 65535, see `EnsembleEngine`: 0
        throughout an image that the image gate skips, NaN where the image has no data. Where images are enlarged, a
        pixel of the file has the mean of its enlarged pixels.

    Raises:
        OptionError: The segmenter is no ensemble.
        DataError: The file is damaged, or has other bands.
    """
    check_can_disagree(segmenter)
    run = segmenter.strips(image)
    labels, doubts = np.empty(image.size, np.uint8), np.empty(image.size, np.float32)
    for strip in run:
        labels[strip.row : strip.end] = strip.labels
        assert strip.doubts is not None, "strips of an ensemble have doubts"
        doubts[strip.row : strip.end] = strip.doubts / np.float32(SCORE_SCALE)
    doubts[labels == IGNORE_INDEX] = np.nan
    return Prediction(labels, run.exact, run.misfit), doubts


def check_can_disagree(segmenter: Segmenter) -> None:
    """Refuse a single network, which cannot disagree with itself.

    Raises:
        OptionError: It is one.
    """
    if not isinstance(segmenter.judge.head, EnsembleHead):
        raise OptionError(
            f"Uncertainty is the disagreement of several networks or of several views of an image, but "
            f"'{segmenter.name}' is one network that sees the image once; add members, or flips or turns."
        )
