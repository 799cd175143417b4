"""Something that turns images into label maps: all that a run's folder or a bundle holds for prediction."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.data.image_reading import ImageReading, OpenImage
from rareseg.data.labels import ClassTable
from rareseg.data.resampling import majority
from rareseg.inference.judge import Judge
from rareseg.inference.pixel_fit import Misfit, PixelTally
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["Prediction", "Segmenter"]

_STRIP = 512
"""Rows that are looked through for missing data at once."""


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
    """

    judge: Judge
    class_table: ClassTable
    reading: ImageReading
    name: str = ""

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
        height, width = image.size
        shown = (image.factor * height, image.factor * width)
        tally = PixelTally(image.read)
        labels = self.judge.labels(tally, *shown)
        if image.factor > 1:
            labels = majority(labels, image.factor, self.class_table.num_classes)
        for row in range(0, height, _STRIP):
            strip = Window(row, 0, min(_STRIP, height - row), width)
            invalid = image.invalid(strip)
            if invalid is not None:
                labels[strip.slices][invalid] = IGNORE_INDEX
        engine = self.judge.predictor.engine
        misfit = tally.misfit(mean=engine.mean, std=engine.std)
        return Prediction(labels, self.judge.predictor.is_exact(*shown), misfit)
