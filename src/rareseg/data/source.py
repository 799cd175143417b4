"""What every kind of dataset offers: samples with an image, a mask and a group."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import DatasetSettings
from rareseg.data.labels import ClassTable
from rareseg.registry import Registry
from rareseg.types import Window

__all__ = ["SOURCES", "Source"]


class Source(Protocol):
    """Images and masks by sample id. Windows count from the sample's own corner and lie inside it.

    A region of interest is applied inside: a sample is no larger than its region. A source can be pickled
    and read from several threads at once.
    """

    @property
    def root(self) -> Path:
        """Folder that the paths of the settings count from."""
        ...

    @property
    def class_table(self) -> ClassTable:
        """Names, values and colours of the classes."""
        ...

    @property
    def other_labels(self) -> tuple[str, ...]:
        """Names of further sets of labels, which judge but never train."""
        ...

    @property
    def sample_ids(self) -> tuple[str, ...]:
        """Ids of all samples, sorted."""
        ...

    @property
    def excluded(self) -> tuple[str, ...]:
        """Ids that the settings leave out on purpose."""
        ...

    @property
    def num_bands(self) -> int:
        """Bands of every image."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Number type of every image: uint8, uint16 or float32."""
        ...

    def size(self, sample: str) -> tuple[int, int]:
        """Height and width in pixels."""
        ...

    def group(self, sample: str) -> str:
        """Key of the physical object that the sample shows; samples without groups are each their own."""
        ...

    def column(self, name: str) -> Mapping[str, str]:
        """Cells of a column of the samples table, by sample id.

        Raises:
            ConfigError: There is no table, or no such column.
        """
        ...

    def read_image(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        """Pixels ``(c, h, w)`` in the file's own numbers.

        Raises:
            DataError: The file is missing or broken, or the window reaches outside.
        """
        ...

    def read_mask(
        self, sample: str, window: Window | None = None, *, labels: str | None = None
    ) -> NDArray[np.uint8]:
        """Class indices ``(h, w)``, 255 where ignored; ``labels`` names one of ``other_labels``.

        Raises:
            UnknownNameError: There are no such labels.
            DataError: The mask is missing or broken, of another size than the image, or holds unknown values.
        """
        ...

    @property
    def overlaps(self) -> Mapping[str, int]:
        """Pixels to which the labels give several classes, for the samples that have such pixels."""
        ...

    def read_layers(self, sample: str, window: Window | None = None) -> NDArray[np.bool_]:
        """Which pixels belong to each class but the background, ``(k - 1, h, w)``; False where ignored.

        Where labels overlap, this is the whole truth and `read_mask` a choice.

        Raises:
            DataError: As `read_mask` does.
        """
        ...

    def has_mask(self, sample: str) -> bool:
        """Whether there is a mask file."""
        ...

    def image_path(self, sample: str) -> Path:
        """The image file."""
        ...

    def mask_path(self, sample: str) -> Path:
        """The mask file, or the first of several.

        Raises:
            MissingFileError: There is none.
        """
        ...

    def signature(self, samples: Iterable[str]) -> str:
        """Digest that changes with the settings and with size or date of these samples' images and masks."""
        ...


SOURCES: Registry[Callable[[DatasetSettings], Source]] = Registry("dataset format")
"""Formats that ``dataset.yaml`` can name."""
