"""The ``raster`` format: GeoTIFF and whatever else GDAL opens, in windows, with masks as rasters or polygons."""

from __future__ import annotations

from rareseg.config.dataset import DatasetSettings
from rareseg.config.raster import RasterSettings
from rareseg.data.raster_file import RASTER_ENDINGS, import_rasterio
from rareseg.data.raster_images import RasterImages
from rareseg.data.raster_labels import RasterLabels
from rareseg.data.sample_source import SampleSource
from rareseg.data.samples import find_samples
from rareseg.data.source import SOURCES
from rareseg.errors import ConfigError

__all__ = ["open_raster"]


@SOURCES.register("raster")
def open_raster(settings: DatasetSettings) -> SampleSource:
    """Rasters in folders or named by a table.

    Args:
        settings: With ``root`` set to the data's folder.

    Raises:
        MissingExtraError: rasterio is not installed.
        ConfigError: A table lacks a column, or an option cannot take effect.
        DataError: A file is absent, an id occurs twice, or a group's pattern does not match.
    """
    import_rasterio()
    raster = settings.raster or RasterSettings()
    polygons = raster.polygons
    if polygons is not None and polygons.file is not None and "masks" in settings.model_fields_set:
        raise ConfigError(
            "`masks` has no effect where raster.polygons.file holds the masks; remove it from dataset.yaml."
        )
    samples = find_samples(settings, endings=RASTER_ENDINGS)
    labels = {name: RasterLabels(settings, samples, name=name) for name in (None, *settings.other_masks)}
    if polygons is not None and not any(reader.has_polygons for reader in labels.values()):
        raise ConfigError(
            "`raster.polygons` has no effect, since no mask is a file of polygons; remove it, or name one under "
            "raster.polygons.file."
        )
    images = RasterImages(samples, nodata=raster.nodata, bands=settings.bands)
    return SampleSource(settings, samples, images=images, labels=labels)
