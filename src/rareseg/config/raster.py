"""The section ``raster`` of ``dataset.yaml``: missing data, and masks that are polygons."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from rareseg.config.load import Settings

__all__ = ["PolygonSettings", "RasterSettings"]


class PolygonSettings(Settings):
    """How polygons become masks."""

    file: str | None = None
    """One file below root with the polygons of all images; by default each image has a file of its own, which
    is found as masks are, by folder and suffix or by column."""
    layer: str | None = None
    """Layer of a file that has several, such as a GeoPackage; by default the first."""
    attribute: str | None = None
    """Attribute of a polygon that says its class; by default all polygons are of one class."""
    classes: dict[str, str] = {}
    """From values of the attribute, as text, to names of classes, or to ``ignore`` for pixels that do not count;
    values that are not named here must be names of classes."""
    class_name: str | None = None
    """Without ``attribute``: the class of all polygons; by default the second of two classes."""
    all_touched: bool = False
    """Whether a pixel belongs to a polygon that touches it anywhere; by default its centre must lie inside."""
    crs: str | None = Field(default=None, min_length=1)
    """Coordinate reference system of the polygons, such as ``EPSG:32633``, instead of what the file says."""

    @model_validator(mode="after")
    def _one_way_to_classes(self) -> Self:
        if self.attribute is not None and self.class_name is not None:
            raise ValueError("give either 'attribute' or 'class_name', since one of them says the class")
        if self.classes and self.attribute is None:
            raise ValueError("'classes' names values of an attribute, but there is no 'attribute'; add it")
        return self


class RasterSettings(Settings):
    """Keys of the format ``raster``."""

    nodata: float | None = None
    """Value of pixels without data, instead of what the files say; NaN is without data in any case."""
    polygons: PolygonSettings | None = None
    """Masks that are polygons."""
