"""Several images of one size through the network at once, each judged as it would be alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rareseg.data.image_reading import OpenImage
from rareseg.data.windows import pad_to_multiple
from rareseg.inference.engine import Engine
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.pixel_fit import Misfit
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.strip_run import StripState

__all__ = ["ScoredPrediction", "largest_batch", "predict_together"]


@dataclass(frozen=True)
class ScoredPrediction:
    """What a segmenter says of an image, and how sure it is.

    Attributes:
        labels: Class indices ``(h, w)``, 255 where the image has no data.
        scores: Probability of the class in ``labels``, ``(h, w)`` uint16 in parts of `SCORE_SCALE`; 0 for background.
        doubts: How much the members of an ensemble disagree, in the same parts; None for a single network.
        exact: Whether labels are those of the image in one piece.
        misfit: What is odd about the pixels, set beside those of training.
    """

    labels: NDArray[np.uint8]
    scores: NDArray[np.uint16]
    doubts: NDArray[np.uint16] | None
    exact: bool
    misfit: Misfit | None


def largest_batch(segmenter: Segmenter, size: tuple[int, int], factor: int = 1) -> int:
    """How many images of a size may go through the network at once; 1 for images that go alone.

    Together they have at most the pixels of one tile with its halo, so that a batch takes no more memory than a large
    image. Images that do not fit in one tile go alone.

    Args:
        segmenter: What judges.
        size: Rows and columns of the images.
        factor: By how much they are enlarged.
    """
    predictor = segmenter.judge.predictor
    height, width = pad_to_multiple(factor * size[0], factor * size[1], predictor.engine.stride)
    if max(height, width) > predictor.tile:
        return 1
    return max(1, (predictor.tile + 2 * predictor.halo) ** 2 // (height * width))


def predict_together(segmenter: Segmenter, images: Sequence[OpenImage]) -> list[ScoredPrediction]:
    """Judge images; those that come as several in one call share one pass of the network.

    An image gate is asked about each of them first, and those that it skips take no part in the pass.

    Args:
        segmenter: What judges.
        images: One; or several of one size, bands and number type, no more than `largest_batch` of them.

    Raises:
        DataError: A file is damaged, or has other bands.
    """
    if len(images) == 1:
        return [_predict(segmenter, images[0])]
    judge = segmenter.judge
    runs = [segmenter.strips(image) for image in images]
    open_ones = [number for number, run in enumerate(runs) if run.is_open]
    segmenters = [segmenter] * len(images)
    if len(open_ones) > 1:
        pieces = [
            judge.predictor.one_piece(images[number].read, *_shown(images[number])) for number in open_ones
        ]
        batch = torch.cat([piece for piece in pieces if piece is not None])
        assert len(batch) == len(open_ones), "images that go together fit in one tile"
        outputs = judge.predictor.engine.run(batch)
        for number, output in zip(open_ones, outputs, strict=True):
            answered = judge.predictor.with_engine(_Answered(judge.predictor.engine, output[None]))
            segmenters[number] = replace(segmenter, judge=replace(judge, predictor=answered))
    return [_predict(own, image, run.state) for own, image, run in zip(segmenters, images, runs, strict=True)]


def _shown(image: OpenImage) -> tuple[int, int]:
    """Rows and columns that the network sees."""
    return image.factor * image.size[0], image.factor * image.size[1]


def _predict(segmenter: Segmenter, image: OpenImage, after: StripState | None = None) -> ScoredPrediction:
    run = segmenter.strips(image, scores=True, after=after)
    whole = LabelStrip(0, np.empty((0, image.size[1]), np.uint8))
    for strip in run:
        whole = whole.joined(strip)
    assert whole.scores is not None, "scores were asked for"
    return ScoredPrediction(whole.labels, whole.scores, whole.doubts, run.exact, run.misfit)


class _Answered:
    """An engine that was asked already about the one batch that will come."""

    def __init__(self, engine: Engine, outputs: Tensor) -> None:
        self._outputs = outputs
        self.in_channels, self.stride = engine.in_channels, engine.stride
        self.receptive_radius = engine.receptive_radius
        self.mean, self.std = engine.mean, engine.std

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        """The outputs that are known."""
        assert part is None, "the gate was asked before"
        assert batch.shape[-2:] == self._outputs.shape[-2:], "the image goes in one piece"
        return self._outputs
