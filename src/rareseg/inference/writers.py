"""From the name of a format to something that writes label maps."""

from __future__ import annotations

from rareseg.inference import flat_writer as _flat  # noqa: F401
from rareseg.inference import png_writer as _png  # noqa: F401  (registers the format)
from rareseg.inference import rle_writer as _rle  # noqa: F401
from rareseg.inference.label_writer import WRITERS, LabelWriter, WriterOptions

__all__ = ["WRITERS", "open_writer"]


def open_writer(name: str, options: WriterOptions) -> LabelWriter:
    """A writer of predicted label maps.

    Args:
        name: One of `WRITERS`.
        options: What is to be written, and where.

    Raises:
        UnknownNameError: There is no such format.
        OptionError: An option cannot take effect in this format.

    Example:
        >>> from pathlib import Path
        >>> from rareseg.data.labels import ClassTable
        >>> table = ClassTable.from_names(["background", "crack"])
        >>> type(open_writer("png", WriterOptions(Path("labels"), ("a.jpg",), table))).__name__
        'PngWriter'
    """
    return WRITERS[name](options)
