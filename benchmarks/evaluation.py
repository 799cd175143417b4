"""Evaluation in megapixels a second: counts, score histograms and regions, each beside the plain ways.

    OMP_NUM_THREADS=1 python benchmarks/evaluation.py

The images are made here: six classes, rare ones in blobs, a prediction that is mostly right, 0.5 % ignored.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from timing import compare, format_table
from torchmetrics.functional.classification import multiclass_precision_recall_curve, multiclass_stat_scores

from rareseg.metrics.bins import bin_edges
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.regions import region_counts
from rareseg.metrics.score_bins import score_bins
from rareseg.metrics.scores import ScoreHistogram

NUM_CLASSES = 6
EDGES = bin_edges()


def make_image(seed: int, height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Target ``(h, w)`` with about 3 % of rare classes, and logits ``(6, h, w)`` that mostly agree."""
    generator = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(generator.normal(size=(height, width)), 5)
    kind = ndimage.zoom(generator.integers(1, NUM_CLASSES, size=(height // 32, width // 32)), 32, order=0)
    target = np.where(field > np.quantile(field, 0.97), kind, 0).astype(np.uint8)
    logits = generator.normal(0, 1.2, size=(NUM_CLASSES, height, width)).astype(np.float32)
    logits[0] += 3
    logits += 5 * (target == np.arange(NUM_CLASSES)[:, None, None])
    target[generator.random(target.shape) < 0.005] = 255
    return target, logits


def plain_counts(target: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Four boolean sums a class."""
    counted, rows = target != 255, []
    for index in range(NUM_CLASSES):
        true, guess = target == index, prediction == index
        pairs = (true & guess, ~true & guess, true & ~guess, ~true & ~guess)
        rows.append([int((pair & counted).sum()) for pair in pairs])
    return np.array(rows)


def plain_histogram(target: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> NDArray[np.int64]:
    """`numpy.histogram` of positives and of negatives, class by class."""
    counted = target != 255
    return np.array(
        [
            [
                np.histogram(score[mask & counted], bins=EDGES)[0]
                for mask in (target == index, target != index)
            ]
            for index, score in enumerate(probabilities)
        ]
    )


def plain_regions(target: NDArray[np.uint8], prediction: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Label both maps whole, then look at one region after another (without the rules on ignored pixels)."""
    rows = []
    for index in range(NUM_CLASSES):
        true, guess = target == index, prediction == index
        true_labels, num_true = ndimage.label(true, np.ones((3, 3)))
        guess_labels, num_guess = ndimage.label(guess, np.ones((3, 3)))
        hit = sum(bool(guess[true_labels == number].any()) for number in range(1, num_true + 1))
        right = sum(bool(true[guess_labels == number].any()) for number in range(1, num_guess + 1))
        rows.append([num_true, hit, num_guess, num_guess - right])
    return np.array(rows)


def count_ways(target: NDArray[np.uint8], logits: NDArray[np.float32]) -> dict[str, Callable[[], object]]:
    """Ways to count TP, FP, FN, TN."""
    prediction = logits.argmax(axis=0).astype(np.uint8)
    pair = torch.from_numpy(prediction).long(), torch.from_numpy(target).long()
    options = {"num_classes": NUM_CLASSES, "average": None, "ignore_index": 255}
    assert (confusion_counts(target, prediction, NUM_CLASSES) == plain_counts(target, prediction)).all()
    return {
        "boolean sums": lambda: plain_counts(target, prediction),
        "torchmetrics": lambda: multiclass_stat_scores(*pair, **options),
        "confusion_counts": lambda: confusion_counts(target, prediction, NUM_CLASSES),
    }


def score_ways(target: NDArray[np.uint8], logits: NDArray[np.float32]) -> dict[str, Callable[[], object]]:
    """Ways to count scores in 256 bins; all but the last two start from probabilities."""
    tensor = torch.from_numpy(logits)[None]
    probabilities = tensor.softmax(dim=1)
    scores, labels = probabilities[0].numpy(), torch.from_numpy(target).long()[None]
    thresholds = torch.from_numpy(EDGES[:-1].astype(np.float32))
    options = {"num_classes": NUM_CLASSES, "thresholds": thresholds, "ignore_index": 255}

    def ours(method: str, values: Callable[[], object]) -> ScoreHistogram:
        histogram = ScoreHistogram(NUM_CLASSES)
        getattr(histogram, method)(target, values())
        return histogram

    found, expected = ours("add", lambda: scores), plain_histogram(target, scores)
    moved = np.abs(found.positives - expected[:, 0]).sum() + np.abs(found.negatives - expected[:, 1]).sum()
    assert moved < 1e-4 * scores.size  # float32 scores on an edge may fall to either side
    # The curve of torchmetrics takes a fifth of a minute for a megapixel: only the small image is put to it.
    peers: dict[str, Callable[[], object]] = {
        "torchmetrics curve": lambda: multiclass_precision_recall_curve(probabilities, labels, **options)
    }
    return {
        "numpy.histogram": lambda: plain_histogram(target, scores),
        **(peers if target.size < 200_000 else {}),
        "ScoreHistogram.add": lambda: ours("add", lambda: scores),
        "from logits": lambda: ours("add_logits", lambda: logits),
        "score_bins, add_bins": lambda: ours("add_bins", lambda: score_bins(tensor)[0].numpy()),
    }


def region_ways(target: NDArray[np.uint8], logits: NDArray[np.float32]) -> dict[str, Callable[[], object]]:
    """Ways to count regions."""
    prediction = logits.argmax(axis=0).astype(np.uint8)
    prediction = ndimage.median_filter(prediction, 5)
    clean = np.where(target == 255, 0, target).astype(np.uint8)
    assert (region_counts(clean, prediction, NUM_CLASSES) == plain_regions(clean, prediction)).all()
    return {
        "region by region": lambda: plain_regions(clean, prediction),
        "region_counts": lambda: region_counts(clean, prediction, NUM_CLASSES),
    }


def main() -> None:
    """Print one table for each kind of count and size of image."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    kinds = {"counts": count_ways, "score histograms": score_ways, "regions": region_ways}
    for kind, ways_of in kinds.items():
        for height, width in ((256, 384), (1024, 1024)):
            timings = compare(ways_of(*make_image(0, height, width)), repeats=repeats)
            print(f"\n{kind}, {NUM_CLASSES} classes, {height} x {width}, one thread")
            print(format_table(timings, work=height * width / 1e6, unit="megapixels"))


if __name__ == "__main__":
    main()
