"""Section ``rle_csv`` of ``dataset.yaml``: where the table of run lengths is, and what its columns mean."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from rareseg.config.load import Settings

__all__ = ["RleCsvSettings"]


class RleCsvSettings(Settings):
    """A table with a row of run lengths for an image and a class.

    Example:
        >>> RleCsvSettings(file="train.csv", joined_column="ImageId_ClassId").overlap
        'rarest'
    """

    file: str = Field(min_length=1)
    """CSV below root."""
    image_column: str = Field(default="ImageId", min_length=1)
    """Column with the image's path below the images folder, with or without its ending."""
    class_column: str = Field(default="ClassId", min_length=1)
    """Column with the class's value, or its name."""
    joined_column: str | None = Field(default=None, min_length=1)
    """Instead of the two: a column that holds them joined by ``_``, such as ``0002cc93b.jpg_1``."""
    runs_column: str = Field(default="EncodedPixels", min_length=1)
    """Column with the run lengths; empty where the image has no pixel of the class."""
    overlap: Literal["rarest", "last", "error"] = "rarest"
    """Which class a pixel gets where several lie: the one with the fewest pixels in the table, or the one that
    is last under ``classes``; with error, such a pixel stops."""

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> Self:
        if self.joined_column is not None:
            for key in ("image_column", "class_column"):
                if key in self.model_fields_set:
                    raise ValueError(f"'{key}' has no effect beside 'joined_column'; remove one of them")
        columns = self.columns
        if len(set(columns)) < len(columns):
            raise ValueError(f"two columns have the same name ({', '.join(columns)}); give each its own")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that are read, the run lengths last."""
        first = (
            (self.image_column, self.class_column) if self.joined_column is None else (self.joined_column,)
        )
        return (*first, self.runs_column)
