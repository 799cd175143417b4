"""What counts would be if every pixel above a probability were given to the class."""

from __future__ import annotations

import numpy as np

from rareseg.errors import ArtefactError, OptionError
from rareseg.metrics.bins import NUM_BINS
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.curves import counts_at
from rareseg.metrics.score_table import ScoreTable

__all__ = ["counts_at_threshold"]


def counts_at_threshold(scores: ScoreTable, threshold: float) -> CountsTable:
    """TP, FP, FN and TN of every image and class at one threshold, from the stored score histograms.

    Each class is asked by itself, so a pixel may be given to several classes or to none. Histograms have bins of 0.1
    in logit: the threshold is moved to the nearest edge (25 % to 24.97 %, 75 % to 75.03 %, 50 % stays), where
    the counts are exact. The table is of the kind that evaluation writes, so that every rate, mean and interval is a
    function of it.

    Args:
        scores: Histograms per step, split, image and class.
        threshold: Probability, between 0 and 1.

    Raises:
        OptionError: The threshold is not between 0 and 1.
        ArtefactError: The histograms have another number of bins.

    Example:
        >>> scores = ScoreTable()
        >>> positives, negatives = np.zeros((1, 256), int), np.zeros((1, 256), int)
        >>> positives[0, [100, 200]], negatives[0, [0, 150]] = (1, 4), (90, 5)
        >>> scores.append(step=1, split="val", image="a", group="", positives=positives, negatives=negatives,
        ...               class_names=["crack"])
        >>> [counts_at_threshold(scores, share).pooled()["crack"].tolist() for share in (0.05, 0.5)]
        [[5, 5, 0, 90], [4, 5, 1, 90]]
    """
    if not 0 < threshold < 1:
        raise OptionError(f"A threshold should lie between 0 and 1, but is {threshold}; 0.5 is usual.")
    positives, negatives = scores["positives"], scores["negatives"]
    if len(scores) and positives.shape[1] != NUM_BINS:
        raise ArtefactError(
            f"Histograms should have {NUM_BINS} bins, but have {positives.shape[1]}; evaluate again."
        )
    counts = counts_at(positives, negatives, threshold) if len(scores) else np.zeros((0, 4), np.int64)
    keys = {name: scores[name] for name in ("step", "split", "image", "group", "class")}
    return CountsTable.from_columns(
        {**keys, **{name: counts[:, column] for column, name in enumerate(CountsTable.columns_of_values)}}
    )
