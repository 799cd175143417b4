"""One set of labels of a raster dataset: masks that are rasters or polygons."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import DatasetSettings
from rareseg.config.raster import PolygonSettings
from rareseg.data.folder_labels import FolderLabels
from rareseg.data.polygon_features import VECTOR_ENDINGS
from rareseg.data.raster_file import RASTER_ENDINGS
from rareseg.data.raster_mask_pixels import RasterMasks
from rareseg.data.raster_polygons import RasterPolygons
from rareseg.data.samples import Sample
from rareseg.errors import MissingFileError
from rareseg.types import Window

__all__ = ["RasterLabels"]


class RasterLabels:
    """A `LabelReader` whose files may be rasters or, by their ending, polygons.

    Args:
        settings: The dataset.
        samples: Its samples by id.
        name: A name of ``other_masks``; None for ``masks``, which one file of polygons may replace.

    Raises:
        ConfigError: The samples table lacks the column, or the classes of polygons are not said.
        DataError: A folder or a file that a table names is absent, or two files could be one mask.
    """

    windowed = True

    def __init__(
        self, settings: DatasetSettings, samples: Mapping[str, Sample], *, name: str | None = None
    ) -> None:
        self._samples = samples
        given = settings.raster.polygons if settings.raster is not None else None
        polygons = given or PolygonSettings()
        self._common: Path | None = None
        self._files: FolderLabels | None = None
        if name is None and polygons.file is not None:
            self._common = Path(settings.root) / polygons.file
            if not self._common.is_file():
                raise MissingFileError(
                    f"'{self._common}' does not exist; mend raster.polygons.file in dataset.yaml."
                )
        else:
            masks = settings.masks if name is None else settings.other_masks[name]
            # In a folder a .json is more often a note beside a raster than polygons.
            vectors = () if masks.kind == "per_class" else tuple(e for e in VECTOR_ENDINGS if e != ".json")
            pixels = RasterMasks((*RASTER_ENDINGS, *vectors))
            self._files = FolderLabels(settings, samples, name=name, pixels=pixels)
        self.has_polygons = any(_is_vector(path) for sample in samples for path in self.paths(sample))
        self._polygons = RasterPolygons(polygons, settings.class_names) if self.has_polygons else None

    def paths(self, sample: str) -> tuple[Path, ...]:
        """The mask's files; the one of all images, where there is such a one."""
        if self._common is not None:
            return (self._common,)
        assert self._files is not None
        return self._files.paths(sample)

    def first_path(self, sample: str) -> Path:
        """The first of `paths`.

        Raises:
            MissingFileError: There is none.
        """
        if self._common is not None:
            return self._common
        assert self._files is not None
        return self._files.first_path(sample)

    def read(self, sample: str, shape: tuple[int, int], window: Window | None = None) -> NDArray[np.uint8]:
        """Class indices ``(h, w)`` of a window or of the whole, 255 where ignored.

        Raises:
            DataError: The mask is missing or broken, on another grid than the image, or holds unknown values.
        """
        paths = self.paths(sample)
        if self._polygons is not None and paths and _is_vector(paths[0]):
            box = window or Window(0, 0, *shape)
            return self._polygons.read(paths[0], image=self._samples[sample].image, window=box)
        assert self._files is not None
        return self._files.read(sample, shape, window)


def _is_vector(path: Path) -> bool:
    return path.suffix.lower() in VECTOR_ENDINGS
