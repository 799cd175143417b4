"""One set of labels of a folder dataset: its mask files, and their pixels as class indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import DatasetSettings
from rareseg.data.labels import ClassTable, encode_binary, encode_mask, single_channel
from rareseg.data.mask_files import find_masks, missing_mask
from rareseg.data.mask_pixels import MaskPixels, PictureMasks
from rareseg.data.samples import Sample
from rareseg.errors import MissingFileError, UnknownLabelError
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["FolderLabels"]


class FolderLabels:
    """The masks under ``masks`` or under one name of ``other_masks``.

    Args:
        settings: The dataset.
        samples: Its samples by id.
        name: A name of ``other_masks``; None for ``masks``.
        pixels: What reads the files.

    Raises:
        ConfigError: The samples table lacks the column.
        DataError: A folder or a file that a table names is absent, or two files could be one mask.
    """

    def __init__(
        self,
        settings: DatasetSettings,
        samples: Mapping[str, Sample],
        *,
        name: str | None = None,
        pixels: MaskPixels | None = None,
    ) -> None:
        self._settings, self._samples, self._name = settings, samples, name
        self._pixels = pixels or PictureMasks()
        self.windowed = self._pixels.windowed
        self._masks = settings.masks if name is None else settings.other_masks[name]
        self._table = replace(
            ClassTable.from_settings(settings),
            ignore=self._masks.ignore,
            kind=self._masks.kind,
            threshold=self._masks.threshold,
        )
        self._files = find_masks(settings, samples, name=name, endings=self._pixels.endings)

    def paths(self, sample: str) -> tuple[Path, ...]:
        """The mask's file, or those of the classes that have one; empty where there is none."""
        return tuple(self._files[sample].values())

    def first_path(self, sample: str) -> Path:
        """The first of `paths`.

        Raises:
            MissingFileError: There is none.
        """
        if not self._files[sample]:
            raise self._missing(sample)
        return self.paths(sample)[0]

    def read(self, sample: str, shape: tuple[int, int], window: Window | None = None) -> NDArray[np.uint8]:
        """Class indices ``(h, w)``, 255 where ignored.

        Args:
            sample: Its id.
            shape: Rows and columns of its image, which are the mask's too.
            window: The part to give; by default all.

        Raises:
            DataError: The mask is missing or broken, of another size, or holds unknown values.
        """
        if window is None or not self.windowed:
            mask = self._decode(sample, shape, None)
            return mask if window is None else mask[window.slices]
        try:
            return self._decode(sample, shape, window)
        except UnknownLabelError:
            # The same error from the whole file names row and column in it, not in the window.
            return self._decode(sample, shape, None)[window.slices]

    def _decode(self, sample: str, shape: tuple[int, int], window: Window | None) -> NDArray[np.uint8]:
        files = self._files[sample]
        size = shape if window is None else (window.height, window.width)
        if not files:
            if self._masks.missing == "error":
                raise self._missing(sample)
            return np.zeros(size, np.uint8)
        if self._masks.kind != "per_class":
            return encode_mask(self._raw(sample, files[0], shape, window), self._table, str(files[0]))
        mask = np.zeros(size, np.uint8)
        for index, path in files.items():
            raw = single_channel(self._raw(sample, path, shape, window), self._table, str(path))
            found = encode_binary(raw, self._table, str(path))
            mask[found == 1] = index
            mask[found == IGNORE_INDEX] = IGNORE_INDEX
        return mask

    def _raw(
        self, sample: str, path: Path, shape: tuple[int, int], window: Window | None
    ) -> NDArray[np.generic]:
        image = self._samples[sample].image
        return self._pixels.read(path, self._masks.kind, image=image, shape=shape, window=window)

    def _missing(self, sample: str) -> MissingFileError:
        return missing_mask(
            self._settings,
            sample,
            self._samples[sample],
            name=self._name,
            endings=self._pixels.endings,
        )
