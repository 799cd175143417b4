"""Pixels of each class in masks, and the demand that training holds every class."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rareseg.errors import SplitError
from rareseg.types import IGNORE_INDEX

__all__ = ["count_class_pixels", "map_in_threads", "require_training_pixels"]

A = TypeVar("A")
B = TypeVar("B")


def count_class_pixels(mask: NDArray[np.uint8], num_classes: int) -> NDArray[np.int64]:
    """Pixels of each class and, last, of ignored ones.

    Returns:
        ``(num_classes + 1,)``.

    Example:
        >>> count_class_pixels(np.array([[0, 0, 1, 255]], np.uint8), 3).tolist()
        [2, 1, 0, 1]
    """
    labels = [*range(num_classes), IGNORE_INDEX]
    if num_classes > 12:
        return np.bincount(mask.ravel(), minlength=IGNORE_INDEX + 1)[labels].astype(np.int64)
    # Comparing with each of a few labels is several times as fast as a histogram of bytes.
    return np.array([np.count_nonzero(mask == label) for label in labels], np.int64)


def require_training_pixels(class_pixels: ArrayLike, names: Sequence[str], *, cure: str) -> None:
    """Refuse a training part in which a class has no pixel.

    Args:
        class_pixels: ``(k,)`` or longer; training pixels of each class.
        names: Names of the ``k`` classes.
        cure: What to do about it, as the end of the sentence.

    Raises:
        SplitError: A class has no training pixel.
    """
    absent = [name for name, pixels in zip(names, np.asarray(class_pixels), strict=False) if pixels == 0]
    if absent:
        shown = ", ".join(f"'{name}'" for name in absent)
        verb = "class {} has" if len(absent) == 1 else "classes {} have"
        raise SplitError(
            f"The {verb.format(shown)} no pixel in the training part, so nothing can be learnt; {cure}."
        )


def map_in_threads(function: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Results in order, worked out a few at a time; an exception stops what has not begun.

    Decoding images releases Python's lock, so threads are enough.
    """
    pool = ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1))
    try:
        yield from pool.map(function, items)
    finally:
        pool.shutdown(cancel_futures=True)
