"""Masks as run lengths: text of ``start length start length ...`` down the columns, the first pixel being 1."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import DataError

__all__ = [
    "RunLengths",
    "decode_run_lengths",
    "encode_label_map",
    "encode_run_lengths",
    "parse_run_lengths",
]

_MOST = 1 << 40
"""A start or length above this is a slip of the pen: no image has so many pixels."""


@dataclass(frozen=True, eq=False)
class RunLengths:
    """Runs of several rows, one after the other.

    Args:
        offsets: Where the runs of each row begin, ``(rows + 1,)``.
        starts: First pixel of every run ``(n,)``, counted down the columns from 0.
        lengths: Pixels of every run ``(n,)``.
    """

    offsets: NDArray[np.int64]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Pixels of every row, ``(rows,)``."""
        sums = np.concatenate([[0], np.cumsum(self.lengths)])
        return np.diff(sums[self.offsets])

    def paint(self, row: int, mask: NDArray[np.generic], value: int, *, name: str) -> None:
        """Set the pixels of one row's runs in a mask ``(h, w)`` in Fortran order.

        Args:
            row: Which row.
            mask: Is changed. Runs go down its columns, so these must be contiguous.
            value: What the pixels get.
            name: The row, for messages.

        Raises:
            DataError: A run ends outside the mask.
        """
        flat = mask.reshape(-1, order="F")
        assert np.shares_memory(flat, mask), "columns must be contiguous"
        runs = slice(self.offsets[row], self.offsets[row + 1])
        starts = self.starts[runs]
        if not starts.size:
            return
        ends = starts + self.lengths[runs]
        if ends[-1] > flat.size:
            height, width = mask.shape
            raise DataError(
                f"{name} holds a run that ends at pixel {ends[-1]}, but the image has {height} x {width} = "
                f"{flat.size} pixels; mend the row, or give the image its size at the time of labelling."
            )
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            flat[start:end] = value


def parse_run_lengths(texts: Sequence[str], name: Callable[[int], str]) -> RunLengths:
    """Read the run lengths of many rows at once.

    Args:
        texts: For each row ``start length start length ...``, starts rising from 1; an empty one has no runs.
        name: Gives a row's name for messages by its place.

    Raises:
        DataError: A row holds an odd count of numbers, something that is no whole number, a start or length
            below 1 or far too large, or runs that overlap or do not rise.

    Example:
        >>> runs = parse_run_lengths(["3 2 9 1", "", "1 6"], lambda row: f"row {row}")
        >>> runs.starts.tolist(), runs.lengths.tolist(), runs.pixels.tolist()
        ([2, 8, 0], [2, 1, 6], [3, 0, 6])
    """
    counts = np.array([len(text.split()) for text in texts], np.int64)
    joined = " ".join(texts).encode("ascii", "replace")
    if joined.translate(None, b"0123456789 ") or (counts % 2).any():
        raise _fault(texts, name)
    # Numbers too large for 64 bits come as the largest one, and are refused below.
    numbers = np.fromstring(joined, np.int64, sep=" ") if counts.any() else np.zeros(0, np.int64)
    starts, lengths = numbers[::2] - 1, numbers[1::2]
    offsets = np.concatenate([[0], np.cumsum(counts // 2)])
    rises = starts[1:] >= starts[:-1] + lengths[:-1]
    first_of_row = offsets[(offsets > 0) & (offsets < len(starts))]
    rises[first_of_row - 1] = True
    if numbers.size and (numbers.min() < 1 or numbers.max() > _MOST or not rises.all()):
        raise _fault(texts, name)
    return RunLengths(offsets, starts, lengths)


def decode_run_lengths(text: str, shape: tuple[int, int], *, name: str = "The row") -> NDArray[np.bool_]:
    """The mask ``(h, w)`` that run lengths stand for, True inside the runs.

    Args:
        text: ``start length start length ...``; empty for no pixel.
        shape: Rows and columns of the image.
        name: What the text is, for messages.

    Raises:
        DataError: The text is no run lengths, see `parse_run_lengths`, or a run ends outside the image.

    Example:
        >>> decode_run_lengths("2 1 4 2", (2, 3)).astype(int).tolist()
        [[0, 0, 1], [1, 1, 0]]
    """
    mask = np.zeros(shape, np.bool_, order="F")
    parse_run_lengths([text], lambda row: name).paint(0, mask, 1, name=name)
    return mask


def encode_run_lengths(mask: NDArray[np.bool_]) -> str:
    """Run lengths of a mask ``(h, w)``: the inverse of `decode_run_lengths`.

    Runs that touch are one, also across the foot of a column and the head of the next.

    Example:
        >>> encode_run_lengths(decode_run_lengths("2 1 4 2", (2, 3)))
        '2 1 4 2'
    """
    return encode_label_map(mask.view(np.uint8), 2)[0]


def encode_label_map(labels: NDArray[np.uint8], num_classes: int) -> list[str]:
    """Run lengths of every class but the background, from one pass over a label map.

    Args:
        labels: ``(h, w)`` class indices; fastest in Fortran order. Ignored pixels (255) are in no run.
        num_classes: Background included.

    Returns:
        ``num_classes - 1`` texts, empty for classes without pixels.

    Example:
        >>> encode_label_map(np.array([[0, 2, 2], [1, 1, 0]], np.uint8), 4)
        ['2 1 4 1', '3 1 5 1', '']
    """
    flat = np.ascontiguousarray(labels.T).reshape(-1)
    if not flat.any():
        return [""] * (num_classes - 1)
    bounds = np.concatenate([[0], _changes(flat), [flat.size]])
    values, starts, lengths = flat[bounds[:-1]], bounds[:-1] + 1, np.diff(bounds)
    texts = []
    for index in range(1, num_classes):
        own = values == index
        texts.append(" ".join(map(str, np.stack([starts[own], lengths[own]], axis=1).ravel().tolist())))
    return texts


def _changes(flat: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Places whose byte differs from the one before."""
    # Eight bytes at a time: words that equal the words one byte further on hold no change.
    num_words = max(len(flat) - 1, 0) // 8
    words = flat[: 8 * num_words].view(np.uint64) != flat[1 : 8 * num_words + 1].view(np.uint64)
    near = (np.flatnonzero(words)[:, None] * 8 + np.arange(8)).ravel()
    near = np.concatenate([near, np.arange(8 * num_words, len(flat) - 1)])
    changed: NDArray[np.int64] = near[flat[near] != flat[near + 1]] + 1
    return changed


def _fault(texts: Sequence[str], name: Callable[[int], str]) -> DataError:
    """What is wrong with the first row that is wrong."""
    for row, text in enumerate(texts):
        reason = _reason(text)
        if reason:
            return DataError(f"{name(row)} {reason}; mend the row.")
    raise AssertionError("no row is wrong")


def _reason(text: str) -> str:
    """What is wrong with a row, if anything is."""
    words = text.split()
    for word in words:
        if not re.fullmatch(r"-?[0-9]+", word):
            return f"should hold run lengths, whole numbers with spaces between, but holds '{word[:40]}'"
    if re.search(r"[^0-9 -]", text):
        return "should hold run lengths with spaces between, but holds another white character"
    if len(words) % 2:
        return f"should hold pairs of start and length, but holds {len(words)} numbers, an odd count"
    end = 1
    for start_text, length_text in zip(words[::2], words[1::2], strict=True):
        for kind, word in (("start", start_text), ("length", length_text)):
            # Python refuses to read numbers of some thousand digits.
            if len(word.lstrip("-0")) > 13 or int(word) > _MOST:
                return f"has the {kind} {word[:40]}, which is more than any image has pixels"
            if int(word) < 1:
                return f"has the {kind} {word}, but starts and lengths are 1 or more"
        start, length = int(start_text), int(length_text)
        if start < end:
            return (
                f"has a run that starts at pixel {start}, but the run before it ends at {end - 1}; "
                "runs rise and do not overlap"
            )
        end = start + length
    return ""
