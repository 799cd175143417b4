"""Samples with groups, bands and regions of interest on top of any format's readers of images and labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import DatasetSettings
from rareseg.data.image_header import ImageHeader
from rareseg.data.image_reader import ImageReader
from rareseg.data.label_reader import LabelReader
from rareseg.data.labels import ClassTable
from rareseg.data.layered_labels import LayeredLabels
from rareseg.data.regions_of_interest import read_regions_of_interest
from rareseg.data.samples import Sample
from rareseg.errors import ConfigError, DataError, MissingFileError, UnknownNameError
from rareseg.provenance import digest_of
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["SampleSource"]

_State = tuple[str | tuple[str, int, int], ...]


class SampleSource:
    """What every format has in common. See `Source` for what it offers.

    Opening reads tables; pixels and sizes are read when asked for. Where a reader decodes whole images only,
    the last image that was decoded for a window is kept, and so is the last mask of each set of labels: going
    through one image in tiles decodes it once.

    Args:
        settings: With ``root`` set to the data's folder.
        samples: The samples by id, sorted, without excluded ones.
        images: Gives their pixels.
        labels: Gives their masks: under None the dataset's own, under a name each of the others.
        table: File of the samples' cells where they come from no table of the settings.

    Raises:
        ConfigError: A table lacks a column, or an option cannot take effect.
        DataError: A group's pattern does not match.
    """

    def __init__(
        self,
        settings: DatasetSettings,
        samples: Mapping[str, Sample],
        *,
        images: ImageReader,
        labels: Mapping[str | None, LabelReader],
        table: Path | None = None,
    ) -> None:
        self.settings = settings
        self.root = Path(settings.root)
        self._table = table if settings.samples is None else self.root / settings.samples
        self.class_table = ClassTable.from_settings(settings)
        self._samples = samples
        self._images = images
        self._labels = labels
        self.other_labels = tuple(name for name in labels if name is not None)
        self.sample_ids = tuple(samples)
        self.excluded = settings.exclude
        self._groups = self._find_groups()
        self._boxes: dict[str, Window] = {}
        if settings.roi is not None:
            self._boxes = read_regions_of_interest(self.root / settings.roi, samples, settings.exclude)
        self._headers: dict[str, ImageHeader] = {}
        self._kept_image: tuple[_State, NDArray[np.generic]] | None = None
        self._kept_masks: dict[str | None, tuple[_State, NDArray[np.uint8]]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_kept_image": None, "_kept_masks": {}}

    @property
    def num_bands(self) -> int:
        """Bands of every image, after the choice of bands."""
        return len(self.settings.bands) if self.settings.bands else self._header(self.sample_ids[0]).num_bands

    @property
    def dtype(self) -> np.dtype[Any]:
        """Number type of every image."""
        return np.dtype(self._header(self.sample_ids[0]).dtype)

    def size(self, sample: str) -> tuple[int, int]:
        """Height and width of the sample, or of its region of interest."""
        header = self._header(sample)
        box = self._boxes.get(sample)
        if box is None:
            return header.height, header.width
        if min(box) < 0 or box.area == 0 or not _fits(box, header.height, header.width):
            raise DataError(
                f"The box of '{sample}' in '{self.settings.roi}' ({_text(box)}) should lie inside its "
                f"{header.height} x {header.width} pixels; mend that line."
            )
        return box.height, box.width

    def group(self, sample: str) -> str:
        """Key of the group; the sample's own id where the settings name no groups."""
        return self._groups[sample]

    def column(self, name: str) -> Mapping[str, str]:
        """Cells of a column of the samples table, by sample id."""
        row = self._samples[self.sample_ids[0]].row
        if self.settings.samples is None and not row:
            raise ConfigError(f"The column '{name}' needs a table; name one under `samples` in dataset.yaml.")
        if name not in row:
            raise ConfigError(
                f"'{self._table}' has no column '{name}', but has {', '.join(row)}; "
                "name one of these or add the column."
            )
        return {sample: files.row[name].strip() for sample, files in self._samples.items()}

    def has_mask(self, sample: str) -> bool:
        """Whether there is a mask file."""
        return bool(self._labels[None].paths(sample))

    def image_path(self, sample: str) -> Path:
        """The image file."""
        return self._images.path(sample)

    def mask_path(self, sample: str) -> Path:
        """The mask file, or that of the first class that has one."""
        return self._labels[None].first_path(sample)

    def read_image(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        """Pixels ``(c, h, w)`` in the file's own numbers."""
        frame = self._frame(sample, window)
        if self._images.windowed:
            return np.ascontiguousarray(self._decode_image(sample, frame))
        if window is None:
            return np.ascontiguousarray(self._decode_image(sample)[:, *frame.slices])
        state = self._state(sample, [self.image_path(sample)])
        kept = self._kept_image
        pixels = kept[1] if kept is not None and kept[0] == state else self._decode_image(sample)
        self._kept_image = (state, pixels)
        return np.array(pixels[:, *frame.slices], order="C")

    def read_mask(
        self, sample: str, window: Window | None = None, *, labels: str | None = None
    ) -> NDArray[np.uint8]:
        """Class indices ``(h, w)``, 255 where ignored."""
        if labels not in self._labels:
            raise UnknownNameError("set of labels", str(labels), self.other_labels)
        frame = self._frame(sample, window)
        mask = self._labelled(sample, frame, labels, keep=window is not None)
        invalid = self._images.invalid(sample, frame)
        if invalid is not None:
            mask[invalid] = IGNORE_INDEX
        return mask

    @property
    def overlaps(self) -> Mapping[str, int]:
        """Pixels to which the labels give several classes, for the samples that have such pixels."""
        labels = self._labels[None]
        return labels.overlaps if isinstance(labels, LayeredLabels) else {}

    def read_layers(self, sample: str, window: Window | None = None) -> NDArray[np.bool_]:
        """Which pixels belong to each class but the background, ``(k - 1, h, w)``."""
        frame, labels = self._frame(sample, window), self._labels[None]
        if not isinstance(labels, LayeredLabels):
            indices = np.arange(1, self.class_table.num_classes, dtype=np.uint8)
            chosen: NDArray[np.bool_] = self.read_mask(sample, window) == indices[:, None, None]
            return chosen
        header = self._header(sample)
        layers = np.array(labels.layers(sample, (header.height, header.width))[:, *frame.slices], order="C")
        invalid = self._images.invalid(sample, frame)
        if invalid is not None:
            layers[:, invalid] = False
        return layers

    def _labelled(self, sample: str, frame: Window, labels: str | None, *, keep: bool) -> NDArray[np.uint8]:
        """A copy of the labels in a window of the file."""
        header, masks = self._header(sample), self._labels[labels]
        shape = (header.height, header.width)
        if masks.windowed:
            return np.array(masks.read(sample, shape, frame), order="C")
        if not keep:
            return np.array(masks.read(sample, shape)[frame.slices], order="C")
        state = self._state(sample, masks.paths(sample))
        kept = self._kept_masks.get(labels)
        mask = kept[1] if kept is not None and kept[0] == state else masks.read(sample, shape)
        self._kept_masks[labels] = (state, mask)
        return np.array(mask[frame.slices], order="C")

    def signature(self, samples: Iterable[str]) -> str:
        """Digest of settings, paths, sizes and dates."""
        masks = self._labels[None]
        files = [self._state(name, (self.image_path(name), *masks.paths(name))) for name in samples]
        boxes = {sample: list(box) for sample, box in self._boxes.items()}
        return digest_of({"settings": self.settings.model_dump(mode="json"), "boxes": boxes, "files": files})

    def _state(self, sample: str, paths: Iterable[Path]) -> _State:
        """What changes when one of the files does."""
        try:
            found = [(str(path), path.stat()) for path in paths]
        except FileNotFoundError as error:
            raise MissingFileError(
                f"'{error.filename}' has gone since the dataset was opened; put it back."
            ) from None
        return sample, *((name, status.st_size, status.st_mtime_ns) for name, status in found)

    def _find_groups(self) -> dict[str, str]:
        group = self.settings.group
        if group is None:
            return {sample: sample for sample in self.sample_ids}
        if group.column is not None:
            cells = dict(self.column(group.column))
            for sample, cell in cells.items():
                if not cell:
                    raise DataError(
                        f"'{self._table}' has no {group.column} for the sample '{sample}'; fill in the cell."
                    )
            return cells
        return {sample: _match(str(group.pattern), files) for sample, files in self._samples.items()}

    def _header(self, sample: str) -> ImageHeader:
        if sample not in self._headers:
            self._headers[sample] = self._images.header(sample)
        return self._headers[sample]

    def _frame(self, sample: str, window: Window | None) -> Window:
        """The window in pixels of the file."""
        height, width = self.size(sample)
        box = self._boxes.get(sample, Window(0, 0, height, width))
        if window is None:
            return box
        if min(window.row, window.col) < 0 or not _fits(window, height, width):
            raise DataError(
                f"The window ({_text(window)}) should lie inside the sample '{sample}' of {height} x {width} "
                "pixels; give another window."
            )
        return window.shifted(box.row, box.col)

    def _decode_image(self, sample: str, window: Window | None = None) -> NDArray[np.generic]:
        path = self.image_path(sample)
        pixels = self._images.read(sample, window)
        origin = self.image_path(self.sample_ids[0])
        first = self._header(self.sample_ids[0])
        if pixels.shape[0] != first.num_bands or pixels.dtype != first.dtype:
            raise DataError(
                f"'{path}' has {pixels.shape[0]} bands of {pixels.dtype}, but '{origin}' has "
                f"{first.num_bands} of {first.dtype}; make them "
                f"alike, or list '{sample}' under `exclude`."
            )
        bands = self.settings.bands
        if bands is None:
            return pixels
        if max(bands) >= pixels.shape[0] or min(bands) < 0:
            raise DataError(
                f"`bands` is [{', '.join(map(str, bands))}], but '{path}' has the bands 0 to "
                f"{pixels.shape[0] - 1}; mend `bands` in dataset.yaml."
            )
        return pixels[list(bands)]


def _text(box: Window) -> str:
    return f"row {box.row}, col {box.col}, height {box.height}, width {box.width}"


def _fits(box: Window, height: int, width: int) -> bool:
    return box.row + box.height <= height and box.col + box.width <= width


def _match(pattern: str, sample: Sample) -> str:
    try:
        found = re.search(pattern, sample.stem)
    except re.error as error:
        raise ConfigError(f"group.pattern '{pattern}' is no regular expression ({error}); mend it.") from None
    if found is None:
        raise DataError(
            f"group.pattern '{pattern}' does not match the name '{sample.stem}' of '{sample.image}'; "
            "mend the pattern, or use group.column."
        )
    key = found.group(1) if found.re.groups else found.group(0)
    if not key:
        raise DataError(
            f"group.pattern '{pattern}' finds an empty group in the name '{sample.stem}' of '{sample.image}'; "
            "mend the pattern."
        )
    return str(key)
