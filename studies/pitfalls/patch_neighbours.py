"""Windows of images as vectors, and two quick classifiers: one that only memorises and one that cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

import rareseg
from rareseg.metrics.rates import Rates
from rareseg.types import IGNORE_INDEX

__all__ = ["Windows", "cut_windows", "draw_part", "linear", "nearest_neighbour", "score"]

STUDIES = Path(__file__).resolve().parents[1]
Classifier = Callable[[NDArray[np.float32], NDArray[np.bool_], NDArray[np.float32]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Windows:
    """Windows ``(n, f)`` that hold a defect or none, with the image and the group that each was cut from."""

    features: NDArray[np.float32]
    is_defect: NDArray[np.bool_]
    image: NDArray[np.str_]
    group: NDArray[np.str_]

    def take(self, rows: NDArray[np.intp]) -> Windows:
        """These rows, in this order; a row may be taken several times."""
        return Windows(self.features[rows], self.is_defect[rows], self.image[rows], self.group[rows])


def cut_windows(name: str, data: Path, *, size: int, stride: int, least: float) -> Windows:
    """Cut all images of a committed study's dataset into windows.

    Features are the grey values at half the resolution, with mean 0 and norm 1, so that the exposure of an
    image does not count. Windows with a defect on less than ``least`` of their pixels are left out.

    Args:
        name: Folder below ``studies`` and ``data``.
        data: Folder of the datasets.
        size: Rows and columns of a window, even.
        stride: Pixels from one window to the next, even; below ``size`` neighbours overlap.
        least: Share of defect pixels that makes a window one with a defect.
    """
    source = rareseg.open_dataset(rareseg.load_dataset(STUDIES / name, root=data / name))
    parts = []
    for sample in source.sample_ids:
        grey = source.read_image(sample).mean(axis=0, dtype=np.float32)
        mask = source.read_mask(sample)
        defect = ((mask > 0) & (mask < IGNORE_INDEX)).astype(np.float32)
        share = _windows(_halve(defect), size=size // 2, stride=stride // 2).mean(axis=1)
        kept = (share == 0) | (share >= least)
        small = _windows(_halve(grey), size=size // 2, stride=stride // 2)[kept]
        small -= small.mean(axis=1, keepdims=True)
        small /= np.linalg.norm(small, axis=1, keepdims=True) + 1e-6
        parts.append((small, share[kept] > 0, sample, source.group(sample) or sample))
    counts = [len(part[0]) for part in parts]
    return Windows(
        features=np.concatenate([part[0] for part in parts]),
        is_defect=np.concatenate([part[1] for part in parts]),
        image=np.repeat([part[2] for part in parts], counts),
        group=np.repeat([part[3] for part in parts], counts),
    )


def _halve(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of 2 x 2 pixels; an odd last row or column is dropped."""
    even = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / np.float32(4)


def _windows(image: NDArray[np.float32], *, size: int, stride: int) -> NDArray[np.float32]:
    """All windows ``(n, size * size)`` that lie inside the image."""
    return sliding_window_view(image, (size, size))[::stride, ::stride].reshape(-1, size * size)


def draw_part(keys: NDArray[np.str_], rng: np.random.Generator, *, share: float = 0.3) -> NDArray[np.bool_]:
    """Rows of a random part that holds a share of the distinct keys, each key whole."""
    names = rng.permutation(np.unique(keys))
    return np.isin(keys, names[: round(len(names) * share)])


def nearest_neighbour(
    features: NDArray[np.float32], labels: NDArray[np.bool_], asked: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Label of the training row with the highest correlation: a model that memorises and does nothing else."""
    best = [np.argmax(asked[i : i + 1000] @ features.T, axis=1) for i in range(0, len(asked), 1000)]
    found: NDArray[np.bool_] = labels[np.concatenate(best)]
    return found


def linear(
    features: NDArray[np.float32], labels: NDArray[np.bool_], asked: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Ridge regression on the quantiles of the grey values, balanced: a model too small to memorise."""
    x, queries = _quantiles(features), _quantiles(asked)
    weights = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())
    weighted = (x * weights[:, None]).T
    coefficients = np.linalg.solve(
        weighted @ x + 1e-6 * np.eye(x.shape[1]), weighted @ np.where(labels, 1, -1)
    )
    found: NDArray[np.bool_] = queries @ coefficients > 0
    return found


def score(train: Windows, test: Windows, classify: Classifier) -> Rates:
    """Rates of the windows with a defect among those of ``test``."""
    predicted = classify(train.features, train.is_defect, test.features)
    counts = rareseg.confusion_counts(test.is_defect, predicted, 2)[1]
    return rareseg.rates(*counts)


def _quantiles(features: NDArray[np.float32]) -> NDArray[np.float64]:
    """33 quantiles of each row, and a 1 for the offset."""
    ordered = np.sort(features, axis=1).astype(np.float64)
    places = np.linspace(0, features.shape[1] - 1, 33).round().astype(int)
    return np.concatenate([ordered[:, places], np.ones((len(features), 1))], axis=1)
