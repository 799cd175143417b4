"""Something that turns images into label maps: all that a run's folder or a bundle holds for prediction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_reading import ImageReading, OpenImage
from rareseg.data.labels import ClassTable
from rareseg.inference.judge import Judge
from rareseg.inference.pixel_fit import Misfit
from rareseg.inference.strip_run import StripRun, StripState

__all__ = ["Prediction", "Segmenter"]


@dataclass(frozen=True)
class Prediction:
    """What a segmenter says of an image.

    Attributes:
        labels: Class indices ``(h, w)``, 255 where the image has no data.
        exact: Whether they are those of the image in one piece; overlapping tiles may differ.
        misfit: What is odd about the pixels, set beside those of training.
    """

    labels: NDArray[np.uint8]
    exact: bool
    misfit: Misfit | None


@dataclass(frozen=True)
class Segmenter:
    """A network, its head, decision and gate, the classes, and the way in which images are read.

    Attributes:
        judge: Makes label maps of pixels.
        class_table: Names, values and colours of the classes.
        reading: How files become the arrays that the network takes.
        name: What it is, for messages: the folder that it was loaded from.
        digest: Of all that decides about label maps (weights, settings), so that a prediction which was cut off is
            only gone on with by the same model; empty where whoever made it gave none.
    """

    judge: Judge
    class_table: ClassTable
    reading: ImageReading
    name: str = ""
    digest: str = ""

    def label_map(self, path: Path) -> NDArray[np.uint8]:
        """Class indices ``(h, w)`` of an image file, see `predict`."""
        return self.predict(self.reading.open(path)).labels

    def predict(self, image: OpenImage) -> Prediction:
        """Judge one image, in its own pixels.

        Where images are enlarged, the enlarged image is judged and each pixel of the file becomes the most
        frequent class in it, see `majority`.

        Args:
            image: From ``reading``, of the kind that the network was trained on.

        Raises:
            DataError: The file is damaged, or has other bands.
        """
        run = self.strips(image)
        labels = np.empty(image.size, np.uint8)
        for strip in run:
            labels[strip.row : strip.end] = strip.labels
        return Prediction(labels, run.exact, run.misfit)

    def strips(self, image: OpenImage, *, scores: bool = False, after: StripState | None = None) -> StripRun:
        """The same a few rows at a time, in memory that does not grow with the height of the image.

        Args:
            image: From ``reading``.
            scores: Whether strips carry the probability of their class.
            after: Where an earlier run over the image stood, to go on from there.
        """
        return StripRun(self, image, scores=scores, after=after)

    def with_tile(self, tile: int) -> Segmenter:
        """The same with tiles of another size.

        Args:
            tile: Rows and columns of a tile without its halo, at least 1; memory grows with its square.

        Raises:
            OptionError: It is below 1.
        """
        return replace(self, judge=replace(self.judge, predictor=self.judge.predictor.with_tile(tile)))
