"""Which images to look at, found from counts alone, and where in them, found from the label maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.report.load_runs import Run, StudyRuns
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["Spot", "choose_spots", "crop_around"]

_SMALLEST, _LARGEST = 96, 320
_SEARCHED = 32
"""Side of the square in which the most interesting pixels are sought."""
_COARSE = 1024
"""Longest side of the map in which the place is searched; larger images are reduced to it."""
_CANDIDATES = 4
"""Images ranked for each class."""


@dataclass(frozen=True)
class Spot:
    """An image worth looking at.

    Args:
        kind: ``missed`` (a rare class was not found) or ``disputed`` (strategies differ).
        image: Sample id.
        class_name: The rare class in question.
        title: Why it is worth a look, in plain words.
    """

    kind: Literal["missed", "disputed"]
    image: str
    class_name: str
    title: str


def choose_spots(study: StudyRuns, runs: Sequence[Run], *, split: str) -> tuple[Spot, ...]:
    """Rank images by the counts of some runs: first misses, then disputes, each worst first.

    Misses take the image with most missed pixels of each rare class in turn. Disputes take the images where
    the runs' error pixels of a class (false minus missed) differ most, against the class's support.

    Args:
        study: The study.
        runs: The runs to compare, one a strategy.
        split: Split whose images are ranked.
    """
    images, errors, missed, support = _tables(study, runs, split)
    mean_missed = missed.mean(axis=0)
    misses: list[list[Spot]] = []
    for column, name in enumerate(study.rare_classes):
        ranked = np.argsort(-mean_missed[:, column], kind="stable")[:_CANDIDATES]
        misses.append(
            [
                Spot(
                    "missed",
                    images[row],
                    name,
                    _missed_words(name, missed[:, row, column], support[row, column]),
                )
                for row in ranked
                if mean_missed[row, column] > 0
            ]
        )
    spread = errors.std(axis=0) / np.maximum(support.sum(axis=0), 1)
    disputes = []
    for flat in np.argsort(-spread, axis=None, kind="stable")[: 4 * _CANDIDATES]:
        row, column = divmod(int(flat), spread.shape[1])
        if spread[row, column] > 0:
            name = study.rare_classes[column]
            disputes.append(Spot("disputed", images[row], name, f"Strategies differ on '{name}'"))
    in_turn = [spot for rank in zip_longest(*misses) for spot in rank if spot is not None]
    return (*in_turn, *disputes)


def crop_around(
    spot: Spot,
    mask: NDArray[np.uint8],
    predictions: Sequence[NDArray[np.uint8]],
    class_names: Sequence[str],
) -> Window | None:
    """The window around the densest place of what the spot is about, or None where there is none.

    Its side is 2.5 times the extent of the thing, between 96 and 320 pixels, and at most the image.

    Args:
        spot: What to look for.
        mask: Annotation ``(h, w)``.
        predictions: Label maps ``(h, w)``, one a strategy.
        class_names: Names in index order.
    """
    index = class_names.index(spot.class_name)
    interest = np.zeros(mask.shape, np.float32)
    if spot.kind == "missed":
        for prediction in predictions:
            interest += (mask == index) & (prediction != index)
    else:
        said = sum((prediction == index).astype(np.float32) for prediction in predictions)
        interest += np.minimum(said, len(predictions) - said) * (mask != IGNORE_INDEX)
    if not interest.any():
        return None
    factor = -(-max(mask.shape) // _COARSE)
    row, col = _densest(_block_sums(interest, factor), max(4, _SEARCHED // factor))
    things = mask == index if spot.kind == "missed" else interest > 0
    row, col, extent = _thing_at(things, row * factor + factor // 2, col * factor + factor // 2)
    side = int(np.clip(2.5 * extent, _SMALLEST, _LARGEST))
    height, width = (min(side, size) for size in mask.shape)
    top = int(np.clip(row - height // 2, 0, mask.shape[0] - height))
    left = int(np.clip(col - width // 2, 0, mask.shape[1] - width))
    return Window(top, left, height, width)


def _tables(
    study: StudyRuns, runs: Sequence[Run], split: str
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Images; per run, image and rare class error and missed pixels ``(r, n, k)``; support ``(n, k)``."""
    tables = [run.counts.select(step=run.counts.last_step(), split=split) for run in runs]
    images = list(dict.fromkeys(tables[0]["image"].tolist()))
    place = {image: row for row, image in enumerate(images)}
    sums = np.zeros((len(runs), len(images), len(study.rare_classes), 4), np.int64)
    for number, table in enumerate(tables):
        for column, name in enumerate(study.rare_classes):
            found, counts = table.per_image(name)
            known = [image in place for image in found.tolist()]
            rows = [place[image] for image in found[known].tolist()]
            np.add.at(sums[number, :, column], rows, counts[known])
    return images, sums[..., 1] - sums[..., 2], sums[..., 2], sums[0, ..., 0] + sums[0, ..., 2]


def _missed_words(name: str, missed: NDArray[np.int64], support: int) -> str:
    shares = missed / support
    if len(shares) == 1:
        return f"'{name}' missed: {100 * shares[0]:.0f} % of its pixels in this image"
    return (
        f"'{name}' missed: {100 * shares.min():.0f} to {100 * shares.max():.0f} % of its pixels, by strategy"
    )


def _block_sums(values: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return values
    rows = np.add.reduceat(values, np.arange(0, values.shape[0], factor), axis=0)
    blocks: NDArray[np.float32] = np.add.reduceat(rows, np.arange(0, values.shape[1], factor), axis=1)
    return blocks


def _densest(values: NDArray[np.float32], size: int) -> tuple[int, int]:
    """The position with something in it that lies nearest to the centre of the densest square of ``size``."""
    from scipy import ndimage

    sums = ndimage.uniform_filter(values.astype(np.float64), size=size, mode="constant")
    row, col = np.unravel_index(int(sums.argmax()), sums.shape)
    rows, cols = np.nonzero(values)
    nearest = int(np.argmin((rows - row) ** 2 + (cols - col) ** 2))
    return int(rows[nearest]), int(cols[nearest])


def _thing_at(things: NDArray[np.bool_], row: int, col: int) -> tuple[int, int, int]:
    """Centre and extent of the thing nearest to a place; parts up to 12 pixels apart are one thing.

    The centre is the place itself where the thing is too large to be shown whole.
    """
    from scipy import ndimage

    top, left = max(0, row - _LARGEST), max(0, col - _LARGEST)
    near = things[top : top + 2 * _LARGEST, left : left + 2 * _LARGEST]
    rows, cols = np.nonzero(near)
    nearest = int(np.argmin((rows + top - row) ** 2 + (cols + left - col) ** 2))
    labels, _ = ndimage.label(ndimage.binary_dilation(near, iterations=6))
    own = labels[rows, cols] == labels[rows[nearest], cols[nearest]]
    rows, cols = rows[own] + top, cols[own] + left
    extent = max(int(np.ptp(rows)), int(np.ptp(cols)))
    if extent > _LARGEST:
        return row, col, extent
    return int(rows.min() + rows.max()) // 2, int(cols.min() + cols.max()) // 2, extent
