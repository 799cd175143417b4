"""One set of labels of a folder dataset: its mask files, and their pixels as class indices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import DatasetSettings
from rareseg.data.image_file import read_mask_file
from rareseg.data.labels import ClassTable, encode_binary, encode_mask, single_channel
from rareseg.data.mask_files import find_masks, missing_mask
from rareseg.data.pillow_file import MaskLook
from rareseg.data.samples import Sample
from rareseg.errors import SizeMismatchError
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["FolderLabels"]

_LOOKS: dict[str, MaskLook] = {"indexed": "raw", "rgb": "color", "binary": "grey", "per_class": "grey"}


class FolderLabels:
    """The masks under ``masks`` or under one name of ``other_masks``.

    Args:
        settings: The dataset.
        samples: Its samples by id.
        name: A name of ``other_masks``; None for ``masks``.

    Raises:
        ConfigError: The samples table lacks the column.
        DataError: A folder or a file that a table names is absent, or two files could be one mask.
    """

    windowed = False

    def __init__(
        self, settings: DatasetSettings, samples: Mapping[str, Sample], *, name: str | None = None
    ) -> None:
        self._settings, self._samples, self._name = settings, samples, name
        self._masks = settings.masks if name is None else settings.other_masks[name]
        self._table = replace(
            ClassTable.from_settings(settings),
            ignore=self._masks.ignore,
            kind=self._masks.kind,
            threshold=self._masks.threshold,
        )
        self._files = find_masks(settings, samples, name=name)

    def paths(self, sample: str) -> tuple[Path, ...]:
        """The mask's file, or those of the classes that have one; empty where there is none."""
        return tuple(self._files[sample].values())

    def first_path(self, sample: str) -> Path:
        """The first of `paths`.

        Raises:
            MissingFileError: There is none.
        """
        if not self._files[sample]:
            raise missing_mask(self._settings, sample, self._samples[sample], name=self._name)
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
        mask = self._decode(sample, shape)
        return mask if window is None else mask[window.slices]

    def _decode(self, sample: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
        files = self._files[sample]
        if not files:
            if self._masks.missing == "error":
                raise missing_mask(self._settings, sample, self._samples[sample], name=self._name)
            return np.zeros(shape, np.uint8)
        if self._masks.kind != "per_class":
            return encode_mask(self._raw(sample, files[0], shape), self._table, str(files[0]))
        mask = np.zeros(shape, np.uint8)
        for index, path in files.items():
            raw = single_channel(self._raw(sample, path, shape), self._table, str(path))
            found = encode_binary(raw, self._table, str(path))
            mask[found == 1] = index
            mask[found == IGNORE_INDEX] = IGNORE_INDEX
        return mask

    def _raw(self, sample: str, path: Path, shape: tuple[int, int]) -> NDArray[np.generic]:
        raw = read_mask_file(path, _LOOKS[self._masks.kind])
        if raw.shape[:2] == shape:
            return raw
        height, width = raw.shape[:2]
        turned = " They look turned: save the image as it is shown." if (width, height) == shape else ""
        raise SizeMismatchError(
            f"The mask '{path}' is {height} x {width} pixels (rows x columns), but its image "
            f"'{self._samples[sample].image}' is {shape[0]} x {shape[1]}.{turned} Make both the same size, "
            f"or list '{sample}' under `exclude`."
        )
