"""A source with finer pixels than its files have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.data.labels import ClassTable
from rareseg.data.resampling import enlarge, enlarge_labels, source_window
from rareseg.data.source import Source
from rareseg.errors import DataError
from rareseg.types import Window

__all__ = ["ResampledSource"]


class ResampledSource:
    """Enlarges images by cubic and masks by nearest-neighbour interpolation; a window equals a cut of the whole.

    A region of interest is applied before: what lies outside is not looked at, and the pixel at its edge is
    repeated. Sizes, windows and regions are in enlarged pixels; boxes of regions of interest are in those of the
    files. Two regions of one image share the two pixels on either side of their border that cubic
    interpolation reaches over.

    Args:
        source: Any dataset.
        factor: Pixels along each axis for one of the files, 2 to 4.

    Example:
        >>> import tempfile
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.data.open_dataset import open_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=1, size=(64, 48))
        ...     source = ResampledSource(open_dataset(load_dataset_settings(path)), 2)
        ...     source.size("foil_000"), source.read_image("foil_000", Window(120, 0, 8, 96)).shape
        ((128, 96), (3, 8, 96))
    """

    def __init__(self, source: Source, factor: int) -> None:
        self._source = source
        self.factor = factor

    @property
    def root(self) -> Path:
        """Folder that the paths of the settings count from."""
        return self._source.root

    @property
    def class_table(self) -> ClassTable:
        """Names, values and colours of the classes."""
        return self._source.class_table

    @property
    def other_labels(self) -> tuple[str, ...]:
        """Names of further sets of labels."""
        return self._source.other_labels

    @property
    def sample_ids(self) -> tuple[str, ...]:
        """Ids of all samples, sorted."""
        return self._source.sample_ids

    @property
    def excluded(self) -> tuple[str, ...]:
        """Ids that the settings leave out on purpose."""
        return self._source.excluded

    @property
    def num_bands(self) -> int:
        """Bands of every image."""
        return self._source.num_bands

    @property
    def dtype(self) -> np.dtype[Any]:
        """Number type of every image, which enlarging keeps."""
        return self._source.dtype

    def size(self, sample: str) -> tuple[int, int]:
        """Height and width in enlarged pixels."""
        height, width = self._source.size(sample)
        return self.factor * height, self.factor * width

    def group(self, sample: str) -> str:
        """Key of the physical object that the sample shows."""
        return self._source.group(sample)

    def column(self, name: str) -> Mapping[str, str]:
        """Cells of a column of the samples table, by sample id."""
        return self._source.column(name)

    def has_mask(self, sample: str) -> bool:
        """Whether there is a mask file."""
        return self._source.has_mask(sample)

    def image_path(self, sample: str) -> Path:
        """The image file."""
        return self._source.image_path(sample)

    def mask_path(self, sample: str) -> Path:
        """The mask file, or the first of several."""
        return self._source.mask_path(sample)

    def signature(self, samples: Iterable[str]) -> str:
        """Digest that changes with the settings, which name the factor, and with the files."""
        return self._source.signature(samples)

    def read_image(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        """Enlarged pixels ``(c, h, w)``."""
        height, width = self._source.size(sample)
        if window is None:
            pixels, window = self._source.read_image(sample), self._whole(sample)
        else:
            self._check(sample, window)
            box = source_window(window, self.factor, height, width)
            pixels = self._source.read_image(sample, box)
        return enlarge(pixels, window, self.factor, height, width)

    def read_mask(
        self, sample: str, window: Window | None = None, *, labels: str | None = None
    ) -> NDArray[np.uint8]:
        """Enlarged class indices ``(h, w)``, 255 where ignored."""
        if window is None:
            whole = self._whole(sample)
            box = Window(0, 0, whole.height // self.factor, whole.width // self.factor)
            return enlarge_labels(self._source.read_mask(sample, labels=labels), whole, self.factor, box)
        self._check(sample, window)
        box = self._box(window)
        return enlarge_labels(self._source.read_mask(sample, box, labels=labels), window, self.factor, box)

    @property
    def overlaps(self) -> Mapping[str, int]:
        """Enlarged pixels to which the labels give several classes."""
        return {sample: self.factor**2 * pixels for sample, pixels in self._source.overlaps.items()}

    def read_layers(self, sample: str, window: Window | None = None) -> NDArray[np.bool_]:
        """Which enlarged pixels belong to each class but the background, ``(k - 1, h, w)``."""
        window = window or self._whole(sample)
        self._check(sample, window)
        box = self._box(window)
        layers = self._source.read_layers(sample, box).view(np.uint8)
        enlarged = [enlarge_labels(layer, window, self.factor, box) for layer in layers]
        return np.stack(enlarged).view(np.bool_)

    def _box(self, window: Window) -> Window:
        """The pixels of the file that a window of enlarged pixels touches."""
        top, left = window.row // self.factor, window.col // self.factor
        bottom = -(-(window.row + window.height) // self.factor)
        right = -(-(window.col + window.width) // self.factor)
        return Window(top, left, bottom - top, right - left)

    def _whole(self, sample: str) -> Window:
        return Window(0, 0, *self.size(sample))

    def _check(self, sample: str, window: Window) -> None:
        height, width = self.size(sample)
        row, col = window.row, window.col
        if min(row, col) < 0 or row + window.height > height or col + window.width > width:
            raise DataError(
                f"The window (row {row}, col {col}, height {window.height}, width {window.width}) should lie "
                f"inside the sample '{sample}' of {height} x {width} enlarged pixels; give another window."
            )
