"""One image on its way to a label map, strip by strip, with all that another process needs to go on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, TypedDict

from rareseg.inference.ensemble_head import EnsembleHead
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.pixel_fit import Misfit, PixelSums, PixelTally
from rareseg.inference.strips import background_strips, smaller_strips
from rareseg.types import IGNORE_INDEX, Window

if TYPE_CHECKING:
    from rareseg.data.image_reading import OpenImage
    from rareseg.inference.segmenter import Segmenter

__all__ = ["StripRun", "StripState"]

_BLOCK = 1024
"""Rows and columns that are looked through for missing data at once."""


class StripState(TypedDict):
    """What is known of an image after some of its strips, as plain numbers that JSON keeps."""

    row: int
    """The next row."""
    is_open: bool
    """Whether the image's gate, if there is one, let it pass."""
    pixels: PixelSums
    """What `PixelTally` has seen."""


class StripRun:
    """Iterates over the strips of an image, in the file's own pixels.

    Memory is bounded by the width of the image, not by its height. With ``w`` columns, images enlarged by ``f``, tiles
    of ``t`` and a halo of ``r`` pixels, and ``s`` the largest of `Decision.smallest_regions`, a run adds at most

        6 f w (t + 2 s) + A (t + 2 r)^2 bytes, and 6 f w (t + 2 s) more with scores, as much again for an ensemble,

    where ``A`` is what the network and the pixels of a tile take, in bytes a pixel: about ``30 c`` for a U-Net of
    ``c`` first maps in float32. A strip is held once as rows of tiles come, once joined with the rows held back, and
    as copies of a byte or two a pixel while regions are found and results written. Reading adds what `OpenImage.read`
    keeps: a bounded part of TIFFs and rasters, the whole image for png and jpg.

    Args:
        segmenter: What judges.
        image: From the segmenter's ``reading``.
        scores: Whether strips carry the probability of their class.
        after: `state` of an earlier run over the same image: its strips are not made again.

    Raises:
        DataError: While iterating: the file is damaged, or has other bands.
    """

    def __init__(
        self,
        segmenter: Segmenter,
        image: OpenImage,
        *,
        scores: bool = False,
        after: StripState | None = None,
    ) -> None:
        self._segmenter, self._image, self._scores, self._after = segmenter, image, scores, after
        self._tally = PixelTally(image.read, before=None if after is None else after["pixels"])
        self._row = 0 if after is None else after["row"]
        self._is_open = None if after is None else after["is_open"]

    def __iter__(self) -> Iterator[LabelStrip]:
        judge, (height, width), factor = self._segmenter.judge, self._image.size, self._image.factor
        shown = (factor * height, factor * width)
        if not self.is_open:
            strips = background_strips(
                height,
                width,
                rows=judge.predictor.tile,
                first_row=self._row,
                scores=self._scores,
                doubts=isinstance(judge.head, EnsembleHead),
            )
        else:
            strips = judge.strips(self._tally, *shown, first_row=factor * self._row, scores=self._scores)
            if factor > 1:
                strips = smaller_strips(strips, factor, self._segmenter.class_table.num_classes)
        for strip in strips:
            self._row = strip.end
            yield self._without_missing(strip)

    @property
    def is_open(self) -> bool:
        """Whether the image's gate, if there is one, lets it pass; the gate is asked once."""
        if self._is_open is None:
            gate, factor = self._segmenter.judge.gate, self._image.factor
            height, width = (factor * length for length in self._image.size)
            self._is_open = gate is None or gate.is_open(self._tally, height, width)
        return self._is_open

    @property
    def state(self) -> StripState:
        """Where the run stands behind the last strip that it gave."""
        return StripState(row=self._row, is_open=bool(self._is_open), pixels=self._tally.sums)

    @property
    def exact(self) -> bool:
        """Whether labels are those of the image in one piece; overlapping tiles may differ."""
        height, width = self._image.size
        factor = self._image.factor
        return self._segmenter.judge.predictor.is_exact(factor * height, factor * width)

    @property
    def misfit(self) -> Misfit | None:
        """What is odd about the pixels so far, set beside those of training."""
        engine = self._segmenter.judge.predictor.engine
        return self._tally.misfit(mean=engine.mean, std=engine.std)

    def _without_missing(self, strip: LabelStrip) -> LabelStrip:
        """The strip with pixels without data set to ignored; a copy, since strips can be views of what is held."""
        labels, scores = strip.labels, strip.scores
        height, width = labels.shape
        for row, col in product(range(0, height, _BLOCK), range(0, width, _BLOCK)):
            piece = Window(row, col, min(_BLOCK, height - row), min(_BLOCK, width - col))
            invalid = self._image.invalid(piece.shifted(strip.row, 0))
            if invalid is None:
                continue
            if labels is strip.labels:
                labels, scores = labels.copy(), None if scores is None else scores.copy()
            labels[piece.slices][invalid] = IGNORE_INDEX
            if scores is not None:
                scores[piece.slices][invalid] = 0
        return replace(strip, labels=labels, scores=scores)
