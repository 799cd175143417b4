"""Rows of run lengths a second, decoded to pixels and encoded again, against the usual way of contest notebooks.

    OMP_NUM_THREADS=1 python benchmarks/run_lengths.py --table pseudo.csv [--shape 256 1600]

The table has a row for each image and class, with the columns ImageId_ClassId and EncodedPixels; most rows are
empty. The plain way fills and searches one mask a row. The way of rareseg parses all rows at once and makes one
label map an image, as its source and its writer do. Both must give back the text of every row. Without a table,
rows of random blobs are made.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from timing import compare, format_table

from rareseg.data.run_lengths import encode_label_map, encode_run_lengths, parse_run_lengths

CLASSES = 4


def main() -> None:
    """Read or make the rows, time both ways in turn, print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--table", type=Path)
    parser.add_argument("--shape", type=int, nargs=2, default=(256, 1600))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    shape = (options.shape[0], options.shape[1])
    rows = read_rows(options.table) if options.table else make_rows(1800, shape)
    filled = [text for text in rows if text]
    numbers = sum(len(text.split()) for text in filled)
    print(
        f"{len(rows)} rows, {len(filled)} of them not empty, with {numbers / 2 / len(filled):.0f} runs on average"
    )
    assert plain(rows, shape) == rows and ours(rows, shape) == rows
    timings = compare(
        {"plain": lambda: plain(rows, shape), "rareseg": lambda: ours(rows, shape)}, repeats=options.repeats
    )
    print(format_table(timings, work=len(rows), unit="rows"))
    timings = compare(
        {"plain": lambda: plain(filled, shape), "rareseg": lambda: ours_by_row(filled, shape)},
        repeats=options.repeats,
    )
    print("rows that are not empty, a mask each:")
    print(format_table(timings, work=len(filled), unit="rows"))


def read_rows(path: Path) -> list[str]:
    """Run lengths of every row, images one after the other."""
    with path.open(newline="") as file:
        return [row["EncodedPixels"] for row in csv.DictReader(file)]


def make_rows(num_images: int, shape: tuple[int, int]) -> list[str]:
    """About one row in ten has some boxes."""
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(num_images * CLASSES):
        mask = np.zeros(shape, np.bool_)
        for _ in range(3 if rng.random() < 0.1 else 0):
            row, col = rng.integers(0, shape[0] - 40), rng.integers(0, shape[1] - 80)
            mask[row : row + 40, col : col + 80] = True
        rows.append(encode_run_lengths(mask))
    # Classes of one image may not overlap in a label map: only the first that has pixels keeps them.
    for first in range(0, len(rows), CLASSES):
        kept = next((at for at in range(first, first + CLASSES) if rows[at]), first)
        for at in range(first, first + CLASSES):
            rows[at] = rows[at] if at == kept else ""
    return rows


def plain(rows: Sequence[str], shape: tuple[int, int]) -> list[str]:
    """A mask a row, as notebooks have it."""
    return [mask_to_runs(runs_to_mask(text, shape)) for text in rows]


def runs_to_mask(text: str, shape: tuple[int, int]) -> NDArray[np.uint8]:
    words = text.split()
    starts, lengths = (np.asarray(part, dtype=int) for part in (words[0::2], words[1::2]))
    starts -= 1
    mask = np.zeros(shape[0] * shape[1], dtype=np.uint8)
    for start, end in zip(starts, starts + lengths, strict=True):
        mask[start:end] = 1
    return mask.reshape(shape[::-1]).T


def mask_to_runs(mask: NDArray[np.uint8]) -> str:
    pixels = np.concatenate([[0], mask.T.flatten(), [0]])
    runs = np.where(pixels[1:] != pixels[:-1])[0] + 1
    runs[1::2] -= runs[::2]
    return " ".join(str(number) for number in runs)


def ours(rows: Sequence[str], shape: tuple[int, int]) -> list[str]:
    """A label map for each image of several classes."""
    runs = parse_run_lengths(rows, str)
    texts = []
    for first in range(0, len(rows), CLASSES):
        labels = np.zeros(shape, np.uint8, order="F")
        for index in range(CLASSES):
            runs.paint(first + index, labels, index + 1, name="row")
        texts += encode_label_map(labels, CLASSES + 1)
    return texts


def ours_by_row(rows: Sequence[str], shape: tuple[int, int]) -> list[str]:
    """A mask a row."""
    runs = parse_run_lengths(rows, str)
    texts = []
    for row in range(len(rows)):
        mask = np.zeros(shape, np.uint8, order="F")
        runs.paint(row, mask, 1, name="row")
        texts += encode_label_map(mask, 2)
    return texts


if __name__ == "__main__":
    main()
