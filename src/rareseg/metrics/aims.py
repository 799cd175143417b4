"""Aims: what a decision is chosen for. Each is a function of sums over images, so that intervals can be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rareseg.metrics.outcomes import ImageTruth, Outcome
from rareseg.metrics.rates import ratio

__all__ = ["Aim", "ContestDiceAim", "CostAim", "FBetaAim", "RecallAim"]

Floats = NDArray[np.float64]


class Aim(Protocol):
    """What is to be as large (or small) as can be.

    Attributes:
        title: The figure in words.
        lower_is_better: Whether the figure is a price.
        by_regions: Whether it depends on regions, not only on pixels.
    """

    @property
    def title(self) -> str: ...

    @property
    def lower_is_better(self) -> bool: ...

    @property
    def by_regions(self) -> bool: ...

    def statistics(self, truth: ImageTruth, outcome: Outcome) -> Floats:
        """Numbers of each image, ``(..., n, m)``, that may be summed over images."""
        ...

    def figure(self, sums: Floats) -> Floats:
        """The figure ``(...)`` of summed statistics ``(..., m)``; NaN where it is undefined."""
        ...

    def rank(self, sums: Floats) -> Floats:
        """``(..., t)``: the better of two decisions has the larger first number, of equals the larger second."""
        ...


@dataclass(frozen=True)
class FBetaAim:
    """F-beta of pixels, pooled over images, in the mean over classes.

    Attributes:
        beta: Above 1, recall weighs more than precision.
        classes: Positions, among the classes without the background, that the mean counts.
    """

    beta: float
    classes: tuple[int, ...]
    lower_is_better: bool = False
    by_regions: bool = False

    @property
    def title(self) -> str:
        """The figure in words."""
        return f"mean F{self.beta:g}"

    def statistics(self, truth: ImageTruth, outcome: Outcome) -> Floats:
        """Hits, predicted and true pixels of the counted classes."""
        true = np.broadcast_to(truth.pixels, outcome.tp.shape)
        parts = [values[..., list(self.classes)] for values in (outcome.tp, outcome.predicted, true)]
        return np.concatenate(parts, axis=-1)

    def figure(self, sums: Floats) -> Floats:
        """Mean over the classes; NaN where one of them has neither pixels nor predictions."""
        tp, predicted, true = np.split(sums, 3, axis=-1)
        weight = self.beta**2
        # (1 + b^2) TP over (1 + b^2) TP + b^2 FN + FP
        scores = ratio((1 + weight) * tp, weight * true + predicted)
        found: Floats = scores.mean(axis=-1)
        return found

    def rank(self, sums: Floats) -> Floats:
        """The figure."""
        return np.nan_to_num(self.figure(sums))[..., None]


@dataclass(frozen=True)
class ContestDiceAim:
    """Dice over pairs of image and class, in which rightly predicting nothing counts as 1, see `contest_dice`."""

    lower_is_better: bool = False
    by_regions: bool = False
    title: str = "contest Dice"

    def statistics(self, truth: ImageTruth, outcome: Outcome) -> Floats:
        """Sum of the Dice of an image's pairs, and their number."""
        dice = ratio(2 * outcome.tp, truth.pixels + outcome.predicted)
        judged = np.broadcast_to((truth.megapixels > 0)[:, None], dice.shape)
        scored = np.where(judged, np.where(np.isnan(dice), 1.0, dice), 0.0)
        return np.stack([scored.sum(axis=-1), judged.sum(axis=-1).astype(np.float64)], axis=-1)

    def figure(self, sums: Floats) -> Floats:
        """Mean over the pairs."""
        return ratio(sums[..., 0], sums[..., 1])

    def rank(self, sums: Floats) -> Floats:
        """The figure."""
        return np.nan_to_num(self.figure(sums))[..., None]


@dataclass(frozen=True)
class RecallAim:
    """Share of true regions that are hit, in the mean over classes, at a bounded rate of false alarms.

    Attributes:
        most_false: Most false regions of all classes together in a megapixel of judged images.
        classes: As `FBetaAim` has it.
    """

    most_false: float
    classes: tuple[int, ...]
    lower_is_better: bool = False
    by_regions: bool = True

    @property
    def title(self) -> str:
        """The figure in words."""
        return "mean recall of regions"

    def statistics(self, truth: ImageTruth, outcome: Outcome) -> Floats:
        """Hit and true regions of the counted classes; false regions of all; megapixels."""
        true = np.broadcast_to(truth.regions, outcome.hit.shape)
        area = np.broadcast_to(truth.megapixels, outcome.alarm.shape)
        parts = [values[..., list(self.classes)] for values in (outcome.hit, true)]
        return np.concatenate([*parts, outcome.false.sum(axis=-1)[..., None], area[..., None]], axis=-1)

    def figure(self, sums: Floats) -> Floats:
        """Mean recall; NaN where a class has no region."""
        hit, true = np.split(sums[..., :-2], 2, axis=-1)
        found: Floats = ratio(hit, true).mean(axis=-1)
        return found

    def false_rate(self, sums: Floats) -> Floats:
        """False regions a megapixel."""
        return ratio(sums[..., -2], sums[..., -1])

    def rank(self, sums: Floats) -> Floats:
        """As few false alarms above the bound as can be, then recall, then few false alarms."""
        rate = np.nan_to_num(self.false_rate(sums))
        return np.stack(
            [-np.maximum(0.0, rate - self.most_false), np.nan_to_num(self.figure(sums)), -rate], axis=-1
        )


@dataclass(frozen=True)
class CostAim:
    """Expected cost of errors in an image.

    Attributes:
        missed_region: Cost of a missed region of each class but the background.
        false_region: Cost of a false one.
        missed_image: Cost of an image with a defect in which nothing is seen.
        false_stop: Cost of an image without a defect in which something is seen.

    Example:
        >>> aim = CostAim((50.0,), (1.0,), missed_image=0.0, false_stop=3.0)
        >>> truth = ImageTruth(np.array([[9.0], [0.0]]), np.array([[2.0], [0.0]]), np.array([1.0, 1.0]))
        >>> seen = np.array([[5.0], [4.0]])
        >>> outcome = Outcome(seen * [[1], [0]], seen, np.array([[1.0], [0.0]]), np.array([[0.0], [2.0]]))
        >>> sums = aim.statistics(truth, outcome).sum(axis=0)  # one missed; two false regions and a false stop
        >>> float(aim.figure(sums)) == (50 + 2 * 1 + 3) / 2
        True
    """

    missed_region: tuple[float, ...]
    false_region: tuple[float, ...]
    missed_image: float
    false_stop: float
    lower_is_better: bool = True
    by_regions: bool = True
    title: str = "cost an image"

    def statistics(self, truth: ImageTruth, outcome: Outcome) -> Floats:
        """Cost of each image, and 1."""
        cost = (truth.regions - outcome.hit) @ np.array(self.missed_region)
        cost = cost + outcome.false @ np.array(self.false_region)
        cost = cost + self.missed_image * (truth.holds & ~outcome.alarm)
        cost = cost + self.false_stop * (~truth.holds & outcome.alarm)
        return np.stack([cost, np.ones(cost.shape)], axis=-1)

    def figure(self, sums: Floats) -> Floats:
        """Mean cost of an image."""
        return ratio(sums[..., 0], sums[..., 1])

    def rank(self, sums: Floats) -> Floats:
        """Less is better."""
        return -np.nan_to_num(self.figure(sums))[..., None]
