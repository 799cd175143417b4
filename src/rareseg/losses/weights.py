"""Class weights from pixel counts of the training split."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from rareseg.errors import ConfigError, DataError, OptionError
from rareseg.registry import Registry

__all__ = ["WEIGHT_SCHEMES", "binary_weights", "class_weights"]

Weights = Float64[ndarray, " k"]


@dataclass(frozen=True)
class WeightScheme:
    """How pixel counts become weights: the name in reports, the formula, and whether it reads the counts."""

    title: str
    formula: Callable[[Weights], Weights]
    reads_counts: bool = True


WEIGHT_SCHEMES: Registry[WeightScheme] = Registry("weight scheme")
WEIGHT_SCHEMES.register("none")(WeightScheme("no", np.ones_like, reads_counts=False))
WEIGHT_SCHEMES.register("icf")(WeightScheme("ICF", lambda n: _sum_to_classes(1 / n)))
WEIGHT_SCHEMES.register("iscf")(WeightScheme("ISCF", lambda n: _sum_to_classes(1 / np.sqrt(n))))
WEIGHT_SCHEMES.register("effective_number")(
    WeightScheme("effective-number", lambda n: _sum_to_classes(1 / _effective_number(n)))
)
WEIGHT_SCHEMES.register("median_frequency")(WeightScheme("median-frequency", lambda n: np.median(n) / n))
WEIGHT_SCHEMES.register("focal_paper")(
    WeightScheme("0.25/0.75", lambda n: np.where(np.arange(len(n)) == 0, 0.25, 0.75), reads_counts=False)
)


def class_weights(
    pixels: Sequence[int],
    scheme: str | Sequence[float],
    *,
    cap: float | None = None,
    class_names: Sequence[str] | None = None,
) -> Weights:
    """Weight of each class for a loss.

    - ``"icf"``, ``"iscf"``: ``f = 1 / n`` or ``1 / sqrt(n)``, scaled to sum to the number of classes
      (equation 3.4 and Table 3.6 of the foil thesis; its equation 3.5 is printed with the factor below the
      line, but the table has it above).
    - ``"effective_number"``: ``f = (1 - beta) / (1 - beta ** n)`` with beta 0.999999, for counts in millions
      of pixels, scaled in the same way (arXiv 1901.05555).
    - ``"median_frequency"``: median of all counts over ``n``, counted over the whole split
      (arXiv 1511.00561).
    - ``"focal_paper"``: 0.25 for the first class, the background, and 0.75 for the others (arXiv 1708.02002).
    - ``"none"``: 1. A sequence is used as it is given.

    Args:
        pixels: Pixels of each class in the training split, background first.
        scheme: One of the names above, or one weight a class, at least 0 and not all 0.
        cap: Largest weight; larger ones are cut to it and the others stay as they are.
        class_names: Names for messages.

    Returns:
        One weight a class, float64.

    Raises:
        UnknownNameError: There is no such scheme.
        ConfigError: Given weights do not match the classes, or are negative or not finite.
        OptionError: A cap without weights.
        DataError: A class has no pixels, so that its weight would be infinite.

    Example:
        >>> class_weights([900, 100], "iscf").round(2)
        array([0.5, 1.5])
    """
    counts = np.asarray(pixels, dtype=np.float64)
    if isinstance(scheme, str):
        known = WEIGHT_SCHEMES[scheme]
        if scheme == "none" and cap is not None:
            raise OptionError("'cap' has no effect on scheme 'none'. Leave it out or choose another scheme.")
        if known.reads_counts:
            _check_counts(counts, scheme, class_names)
        weights = np.asarray(known.formula(counts), dtype=np.float64)
    else:
        weights = _check_given(scheme, len(counts))
    if cap is None:
        return weights
    if not cap > 0:
        raise ConfigError(
            f"Expected a cap above 0, but got {cap}. Give the largest weight that a class may have."
        )
    return np.minimum(weights, cap)


def binary_weights(
    pixels: Sequence[int], scheme: str, *, class_names: Sequence[str] | None = None
) -> Float64[ndarray, "k 2"]:
    """Weights of every class against all others: columns negative, positive (Table 3.7 of the foil thesis).

    The document prints the rows of cavity and crack in each other's place.

    Args:
        pixels: Pixels of each class in the training split.
        scheme: As in `class_weights`; rows are scaled to sum to 1, except those of ``"none"``, which are 1.
        class_names: Names for messages.

    Raises:
        UnknownNameError: There is no such scheme.
        DataError: A class, or all classes but one, have no pixels.

    Example:
        >>> binary_weights([900, 100], "iscf").round(2)
        array([[0.75, 0.25],
               [0.25, 0.75]])
    """
    counts = np.asarray(pixels, dtype=np.float64)
    known = WEIGHT_SCHEMES[scheme]
    if known.reads_counts:
        _check_counts(counts, scheme, class_names)
        if len(counts) < 2:
            raise DataError(
                "Binary weights need at least two classes, but got one. Add the background to the classes."
            )
    pairs = np.stack([counts.sum() - counts, counts], axis=1)
    weights = np.stack([np.asarray(known.formula(pair), dtype=np.float64) for pair in pairs])
    return weights if scheme == "none" else weights / weights.sum(axis=1, keepdims=True)


def _sum_to_classes(frequencies: Weights) -> Weights:
    scaled: Weights = frequencies / frequencies.sum() * len(frequencies)
    return scaled


def _effective_number(counts: Weights, beta: float = 0.999999) -> Weights:
    number: Weights = -np.expm1(counts * np.log(beta)) / (1 - beta)
    return number


def _check_counts(counts: Weights, scheme: str, class_names: Sequence[str] | None) -> None:
    empty = np.flatnonzero(~(counts > 0))
    if len(empty):
        name = f"'{class_names[empty[0]]}'" if class_names is not None else f"{empty[0]}"
        raise DataError(
            f"Weights by '{scheme}' need pixels of every class, but class {name} has none for training."
            " Give it training images, drop it from the classes, or give the weights as a list."
        )


def _check_given(given: Sequence[float], num_classes: int) -> Weights:
    weights = np.asarray(given, dtype=np.float64)
    if weights.shape != (num_classes,):
        raise ConfigError(
            f"Expected one weight for each of {num_classes} classes, but got {len(given)}."
            " Give them in class order."
        )
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        shown = ", ".join(f"{weight:g}" for weight in weights)
        raise ConfigError(
            f"Expected finite weights of at least 0, not all 0, but got {shown}. Mend the list."
        )
    return weights
