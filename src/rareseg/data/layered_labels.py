"""Labels that can give a pixel several classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rareseg.data.label_reader import LabelReader

__all__ = ["LayeredLabels"]


@runtime_checkable
class LayeredLabels(LabelReader, Protocol):
    """A `LabelReader` whose ``read`` has to choose one of the classes that lie on a pixel."""

    @property
    def overlaps(self) -> Mapping[str, int]:
        """Pixels with several classes, for the samples that have such pixels."""
        ...

    def layers(self, sample: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Which pixels belong to each class but the background, ``(k - 1, h, w)``; they may overlap."""
        ...
