"""Section ``coco`` of ``dataset.yaml``: how annotations of instances become a label map."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rareseg.config.load import Settings

__all__ = ["CocoSettings"]


class CocoSettings(Settings):
    """Where the annotations are, and what becomes of crowds, overlaps and categories that are no class.

    Example:
        >>> CocoSettings(file="instances.json").crowd
        'ignore'
    """

    file: str = Field(min_length=1)
    """JSON file below root with the lists images, annotations and categories."""
    match: Literal["name", "value"] = "name"
    """Which category is which class: name compares names, value the category's id with ``classes[].value``."""
    unmatched: Literal["error", "background", "ignore"] = "error"
    """What annotations of a category are that matches no class: a mistake, background, or ignored pixels."""
    crowd: Literal["ignore", "class", "drop"] = "ignore"
    """What regions marked ``iscrowd`` are: ignored pixels, pixels of their class, or background."""
    overlap: Literal["later", "earlier", "smaller", "ignore"] = "later"
    """Which annotation a pixel belongs to where several lie: the later one in the file, the earlier one, or the
    one of the smaller area; with ignore, pixels of two different classes are ignored."""
