"""The class table, and the way from what mask files hold to class indices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import ClassSettings, DatasetSettings
from rareseg.data.palette import Rgb, fill_colors
from rareseg.errors import UnknownLabelError
from rareseg.types import IGNORE_INDEX

__all__ = ["ClassTable", "encode_binary", "encode_colors", "encode_mask", "encode_values", "single_channel"]

MaskKind = Literal["indexed", "rgb", "binary", "per_class"]
_UNKNOWN = IGNORE_INDEX - 1
_IGNORE_COLOR: Rgb = (128, 128, 128)


@dataclass(frozen=True)
class ClassTable:
    """Names, values and colours of the classes; a class's index is its position.

    Args:
        names: Names in the order of class indices.
        values: Value of each class in indexed masks.
        colors: Colour of each class in RGB masks and in pictures.
        ignore: Value or colour of pixels that neither train nor count; None for none. In binary masks 255 is
            the usual foreground, so there it means none too.
        kind: How masks are stored.
        threshold: Binary masks: pixels above it belong to the class.

    Example:
        >>> table = ClassTable.from_names(["background", "crack"])
        >>> table.colors
        ((232, 232, 232), (213, 94, 0))
        >>> encode_values(np.array([[0, 1, 255]], np.uint8), table, "a.png")
        array([[  0,   1, 255]], dtype=uint8)
    """

    names: tuple[str, ...]
    values: tuple[int, ...]
    colors: tuple[Rgb, ...]
    ignore: int | Rgb | None = IGNORE_INDEX
    kind: MaskKind = "indexed"
    threshold: int = 127

    @classmethod
    def from_settings(cls, settings: DatasetSettings) -> Self:
        """The table of a dataset."""
        masks = settings.masks
        return cls(
            names=settings.class_names,
            values=tuple(i if item.value is None else item.value for i, item in enumerate(settings.classes)),
            colors=fill_colors([item.color for item in settings.classes]),
            ignore=masks.ignore,
            kind=masks.kind,
            threshold=masks.threshold,
        )

    @classmethod
    def from_classes(cls, classes: Sequence[ClassSettings]) -> Self:
        """A table for indexed masks without a dataset around it."""
        return cls(
            names=tuple(item.name for item in classes),
            values=tuple(i if item.value is None else item.value for i, item in enumerate(classes)),
            colors=fill_colors([item.color for item in classes]),
        )

    @classmethod
    def from_names(cls, names: Sequence[str]) -> Self:
        """A table for indexed masks whose values are the class indices."""
        return cls.from_classes([ClassSettings(name=name) for name in names])

    @property
    def num_classes(self) -> int:
        """Number of classes, background included."""
        return len(self.names)

    def palette(self) -> bytes:
        """768 bytes for indexed PNGs: red, green and blue of every index, 255 being ignored pixels."""
        filled = bytes(channel for color in self.colors for channel in color)
        return filled.ljust(3 * IGNORE_INDEX, b"\0") + bytes(_IGNORE_COLOR)


def encode_mask(raw: NDArray[Any], table: ClassTable, where: str) -> NDArray[np.uint8]:
    """Class indices of a mask file's pixels, by the table's kind of mask.

    Args:
        raw: ``(h, w)`` or ``(h, w, c)`` as the file holds it.
        table: The classes.
        where: The file, for messages.

    Returns:
        ``(h, w)`` class indices, 255 where ignored.

    Raises:
        UnknownLabelError: A value or colour belongs to no class, or the file is of another kind.
    """
    if table.kind == "rgb":
        return encode_colors(raw, table, where)
    grey = single_channel(raw, table, where)
    return encode_values(grey, table, where) if table.kind == "indexed" else encode_binary(grey, table, where)


def encode_values(raw: NDArray[Any], table: ClassTable, where: str) -> NDArray[np.uint8]:
    """Class indices ``(h, w)`` of an indexed mask ``(h, w)``.

    Args:
        raw: Whole numbers (or booleans) of any type.
        table: The classes and their values.
        where: The file, for messages.

    Raises:
        UnknownLabelError: A value belongs to no class; the message says where it is.
    """
    values = _as_unsigned(raw, where)
    lookup = _value_lookup(table)
    encoded: NDArray[np.uint8]
    if values.dtype == np.uint8:
        # bytes.translate is several times as fast as fancy indexing.
        flat = values.tobytes().translate(lookup[:256].tobytes())
        encoded = np.frombuffer(bytearray(flat), np.uint8).reshape(values.shape)
    else:
        encoded = np.take(lookup, values)
    unknown = _first_unknown(encoded, table, lambda found: values[found] != table.values[_UNKNOWN])
    if unknown is not None:
        row, col = unknown
        raise _unknown_value(int(values[row, col]), row, col, table, where)
    return encoded


def encode_colors(raw: NDArray[Any], table: ClassTable, where: str) -> NDArray[np.uint8]:
    """Class indices ``(h, w)`` of an RGB mask ``(h, w, 3)``; a fourth channel (alpha) is not looked at.

    Args:
        raw: Eight-bit colours; ``(h, w)`` counts as grey.
        table: The classes and their colours.
        where: The file, for messages.

    Raises:
        UnknownLabelError: A colour belongs to no class; the message says where it is.
    """
    if raw.ndim == 2 or raw.shape[2] < 3:
        grey = raw if raw.ndim == 2 else raw[..., 0]
        raw = np.repeat((grey * np.uint8(255) if grey.dtype == np.bool_ else grey)[..., None], 3, axis=2)
    if raw.dtype != np.uint8:
        raise UnknownLabelError(
            f"'{where}' should hold 8-bit colours, but holds {raw.dtype}; save it as 8-bit RGB, "
            "or set masks.kind: indexed."
        )
    packed = raw[..., 0].astype(np.uint32) << 16
    packed |= raw[..., 1].astype(np.uint32) << 8
    packed |= raw[..., 2]
    encoded = np.take(_color_lookup(table), packed)
    unknown = _first_unknown(encoded, table, lambda found: packed[found] != _pack(table.colors[_UNKNOWN]))
    if unknown is not None:
        row, col = unknown
        color = _hex(raw[row, col, :3].tolist())
        raise UnknownLabelError(
            f"'{where}' holds the colour {color} at (row {row}, col {col}), which no class has. Add a class "
            f"with this color to dataset.yaml, or set masks.ignore: '{color}'. Known: {_known_colors(table)}."
        )
    return encoded


def encode_binary(raw: NDArray[Any], table: ClassTable, where: str) -> NDArray[np.uint8]:
    """1 where a grey mask ``(h, w)`` is above the threshold, 0 elsewhere, 255 at the ignore value.

    Args:
        raw: Grey values, or booleans of a 1-bit file.
        table: Gives threshold and ignore value.
        where: The file, for messages.

    Raises:
        UnknownLabelError: The mask holds no whole numbers.
    """
    if raw.dtype == np.bool_:
        return raw.astype(np.uint8)
    values = _as_unsigned(raw, where)
    encoded: NDArray[np.uint8] = (values > table.threshold).astype(np.uint8)
    if isinstance(table.ignore, int) and table.ignore != IGNORE_INDEX:
        encoded[values == table.ignore] = IGNORE_INDEX
    return encoded


def single_channel(raw: NDArray[Any], table: ClassTable, where: str) -> NDArray[Any]:
    """The one channel of a grey mask, also where it was saved with equal red, green and blue."""
    if raw.ndim == 2 or raw.shape[2] <= 2:
        return raw if raw.ndim == 2 else raw[..., 0]
    differs = (raw[..., 1] != raw[..., 0]) | (raw[..., 2] != raw[..., 0])
    if differs.any():
        row, col = np.argwhere(differs)[0]
        color = ", ".join(str(value) for value in raw[row, col, :3].tolist())
        raise UnknownLabelError(
            f"'{where}' should be a grey or indexed mask (masks.kind: {table.kind}), but holds the colour "
            f"({color}) at (row {row}, col {col}). Set masks.kind: rgb and give each class its color."
        )
    return raw[..., 0]


def _as_unsigned(raw: NDArray[Any], where: str) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """The same values as uint8 or uint16; one that does not fit is reported."""
    if raw.dtype == np.uint8 or raw.dtype == np.uint16:
        return raw
    if raw.dtype == np.bool_:
        return raw.astype(np.uint8)
    with np.errstate(invalid="ignore"):
        narrowed = raw.astype(np.uint16)
    wrong = narrowed != raw
    if wrong.any():
        row, col = np.argwhere(wrong)[0]
        raise UnknownLabelError(
            f"'{where}' should hold whole numbers from 0 to 65535, but holds {raw[row, col]} at "
            f"(row {row}, col {col}). Save the mask as 8- or 16-bit numbers."
        )
    return narrowed


def _first_unknown(
    encoded: NDArray[np.uint8], table: ClassTable, is_other: Callable[[NDArray[np.bool_]], NDArray[np.bool_]]
) -> tuple[int, int] | None:
    """Row and column of the first pixel without a class."""
    found = encoded == _UNKNOWN
    if not found.any():
        return None
    positions = np.argwhere(found)
    if table.num_classes == IGNORE_INDEX:
        # With 255 classes the code for unknown is also a class, so its own pixels must be told apart.
        positions = positions[is_other(found)]
    return (int(positions[0, 0]), int(positions[0, 1])) if len(positions) else None


@lru_cache(maxsize=32)
def _value_lookup(table: ClassTable) -> NDArray[np.uint8]:
    lookup = np.full(65536, _UNKNOWN, np.uint8)
    if isinstance(table.ignore, int):
        lookup[table.ignore] = IGNORE_INDEX
    lookup[list(table.values)] = np.arange(table.num_classes, dtype=np.uint8)
    return lookup


@lru_cache(maxsize=4)
def _color_lookup(table: ClassTable) -> NDArray[np.uint8]:
    """16 MiB: an entry for each of the 2**24 colours."""
    lookup = np.full(1 << 24, _UNKNOWN, np.uint8)
    if isinstance(table.ignore, tuple):
        lookup[_pack(table.ignore)] = IGNORE_INDEX
    lookup[[_pack(color) for color in table.colors]] = np.arange(table.num_classes, dtype=np.uint8)
    return lookup


def _pack(color: Rgb) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


def _unknown_value(value: int, row: int, col: int, table: ClassTable, where: str) -> UnknownLabelError:
    known = ", ".join(
        f"{number} {name}" for number, name in list(zip(table.values, table.names, strict=True))[:12]
    )
    more = ", ..." if table.num_classes > 12 else ""
    return UnknownLabelError(
        f"'{where}' holds the value {value} at (row {row}, col {col}), which no class has. Add a class with "
        f"this value to dataset.yaml, or set masks.ignore: {value}. Known: {known}{more}."
    )


def _hex(color: Sequence[int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _known_colors(table: ClassTable) -> str:
    pairs = zip(table.colors, table.names, strict=True)
    known = [f"{_hex(color)} {name}" for color, name in list(pairs)[:12]]
    return ", ".join(known) + (", ..." if table.num_classes > 12 else "")
