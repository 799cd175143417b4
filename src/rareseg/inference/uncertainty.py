"""A label map with a map of how much the members of an ensemble disagree, from one pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rareseg.data.image_reading import OpenImage
from rareseg.errors import OptionError
from rareseg.inference.ensemble_head import EnsembleHead
from rareseg.inference.segmenter import Prediction, Segmenter
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["disagreeing_head", "predict_with_uncertainty"]


def predict_with_uncertainty(
    segmenter: Segmenter, image: OpenImage
) -> tuple[Prediction, NDArray[np.float32]]:
    """What `Segmenter.predict` says of an image, and how sure the ensemble is of it.

    Args:
        segmenter: An ensemble, from `join_segmenters`.
        image: From the segmenter's ``reading``. The map is held in memory, 4 bytes for each pixel that the network
            sees.

    Returns:
        The prediction, and the disagreement ``(h, w)`` from 0 to 1, see `EnsembleEngine`: 0 throughout an image that
        the image gate skips, NaN where the image has no data. Where images are enlarged, a pixel of the file has the
        mean of its enlarged pixels.

    Raises:
        OptionError: The segmenter is no ensemble.
        DataError: The file is damaged, or has other bands.
    """
    head, (height, width), factor = disagreeing_head(segmenter), image.size, image.factor
    found = np.zeros((factor * height, factor * width), np.float32)

    def keep(window: Window, outputs: Tensor) -> None:
        found[window.slices] = head.disagreement(outputs[None])[0].cpu().numpy()

    judge = replace(segmenter.judge, predictor=segmenter.judge.predictor.watched(keep))
    prediction = replace(segmenter, judge=judge).predict(image)
    doubt = found.reshape(height, factor, width, factor).mean(axis=(1, 3)) if factor > 1 else found
    doubt[prediction.labels == IGNORE_INDEX] = np.nan
    return prediction, doubt


def disagreeing_head(segmenter: Segmenter) -> EnsembleHead:
    """The head of an ensemble, which knows the disagreement.

    Raises:
        OptionError: The segmenter is a single network, which cannot disagree with itself.
    """
    if not isinstance(segmenter.judge.head, EnsembleHead):
        raise OptionError(
            f"Uncertainty is the disagreement of several networks or of several views of an image, but "
            f"'{segmenter.name}' is one network that sees the image once; add members, or flips or turns."
        )
    return segmenter.judge.head
