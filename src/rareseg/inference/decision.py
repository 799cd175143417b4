"""Decisions: how probabilities become a label map."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jaxtyping import Float, UInt8
from torch import Tensor

from rareseg.config.decision import ArgmaxSettings, ThresholdSettings
from rareseg.config.load import parse_settings
from rareseg.errors import OptionError, UnknownNameError
from rareseg.inference.threshold_decision import ThresholdDecision
from rareseg.registry import Registry

__all__ = ["DECISIONS", "ArgmaxDecision", "Decision", "DecisionBuilder", "build_decision"]


class Decision(Protocol):
    """Turns class logits into class indices.

    Attributes:
        smallest_regions: Least number of pixels of a predicted region of each class, see `remove_small_regions`;
            empty where regions of any size are kept. It is applied to the label map of a whole image.
        temperature: What logits are divided by before probabilities are told of them (C. Guo et al., On calibration
            of modern neural networks, 2017, arXiv 1706.04599). The label map does not depend on it.
    """

    @property
    def smallest_regions(self) -> tuple[int, ...]: ...

    @property
    def temperature(self) -> float: ...

    def labels(self, logits: Float[Tensor, "b k h w"]) -> UInt8[Tensor, "b h w"]:
        """Class index of every pixel."""
        ...

    def labels_of_bins(
        self, bins: UInt8[Tensor, "b k h w"], likeliest: UInt8[Tensor, "b h w"]
    ) -> UInt8[Tensor, "b h w"]:
        """The same from stored scores, see `score_bins`, and the class of the largest logit."""
        ...


@dataclass(frozen=True)
class ArgmaxDecision:
    """The likeliest class wins."""

    smallest_regions: tuple[int, ...] = ()
    temperature: float = 1.0

    def labels(self, logits: Float[Tensor, "b k h w"]) -> UInt8[Tensor, "b h w"]:
        """Index of the largest logit; the lower index wins a tie."""
        import torch

        # On a CPU `argmax` takes seven times as long over a dimension that is not the last.
        return logits.max(dim=1).indices.to(torch.uint8)

    def labels_of_bins(
        self, bins: UInt8[Tensor, "b k h w"], likeliest: UInt8[Tensor, "b h w"]
    ) -> UInt8[Tensor, "b h w"]:
        """The likeliest class."""
        return likeliest


@dataclass(frozen=True)
class DecisionBuilder:
    """One entry of `DECISIONS`: the options that a decision understands, and what makes it from them."""

    settings: type[ArgmaxSettings]
    build: Callable[[Any, tuple[str, ...]], Decision]


def _argmax(settings: ArgmaxSettings, class_names: tuple[str, ...]) -> Decision:
    """The likeliest class wins."""
    return ArgmaxDecision(_smallest(settings, class_names), settings.temperature)


def _thresholds(settings: ThresholdSettings, class_names: tuple[str, ...]) -> Decision:
    """The class whose score exceeds its threshold by most, else the background."""
    return ThresholdDecision.of(
        {_index(name, class_names, "thresholds"): share for name, share in settings.thresholds.items()},
        num_classes=len(class_names),
        smallest_regions=_smallest(settings, class_names),
        temperature=settings.temperature,
    )


DECISIONS: Registry[DecisionBuilder] = Registry("decision")
DECISIONS.register("argmax")(DecisionBuilder(ArgmaxSettings, _argmax))
DECISIONS.register("thresholds")(DecisionBuilder(ThresholdSettings, _thresholds))


def build_decision(settings: Mapping[str, Any], *, class_names: Sequence[str]) -> Decision:
    """Make the decision that a recipe names.

    Args:
        settings: The recipe's ``decision``.
        class_names: Names of the classes, the background first.

    Raises:
        UnknownNameError: No decision or no class has this name.
        OptionError: The background is given a threshold or a smallest region.
        ConfigError: The decision has no such option.

    Example:
        >>> names = ("background", "crack")
        >>> build_decision({"name": "argmax", "smallest_region": {"crack": 20}}, class_names=names).smallest_regions
        (0, 20)
    """
    builder = DECISIONS[settings["name"]]
    return builder.build(parse_settings(builder.settings, settings, where="decision"), tuple(class_names))


def _smallest(settings: ArgmaxSettings, class_names: tuple[str, ...]) -> tuple[int, ...]:
    if not settings.smallest_region:
        return ()
    smallest = [0] * len(class_names)
    for name, pixels in settings.smallest_region.items():
        smallest[_index(name, class_names, "smallest_region")] = pixels
    return tuple(smallest)


def _index(name: str, class_names: tuple[str, ...], key: str) -> int:
    """Index of a class that is not the background."""
    if name not in class_names:
        raise UnknownNameError("class", name, class_names)
    if name == class_names[0]:
        raise OptionError(
            f"decision.{key} names '{name}', but the first class is the background, which takes the pixels that no "
            "other class takes; leave it out."
        )
    return class_names.index(name)
