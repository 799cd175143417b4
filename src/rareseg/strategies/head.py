"""What a head is: what a network's output channels mean, and which models are trained to fill them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from rareseg.config.load import Settings
from rareseg.config.recipe import Component, PatchSize
from rareseg.registry import Registry

__all__ = ["HEADS", "GateSettings", "Head", "HeadSettings", "JudgingHead", "MakeModel", "Part"]

MakeModel = Callable[[int], nn.Module]
"""Makes a freshly initialised model of the recipe's kind with so many output channels."""


class GateSettings(Settings):
    """An image gate: a classifier, trained beside the segmenter, that skips images without a defect."""

    base_channels: int = Field(default=16, ge=1)
    """Maps of its first level."""
    depth: int = Field(default=4, ge=1, le=8)
    """Number of its poolings."""
    sampling: Component = Field(default={"name": "uniform", "blank": {"share": 0.5}})
    """Where its patches come from; by default half of them hold the background alone."""
    patch_size: PatchSize | None = None
    """Rows and columns of its patches, in training and when an image is judged; null for the budget's."""
    threshold: float | None = Field(default=None, ge=0, le=1)
    """Images whose score is below this are background throughout; null: chosen on validation."""
    beta: float = Field(default=2.0, gt=0)
    """The threshold chosen on validation has the highest F-beta; above 1, a missed image weighs more than a
    false alarm."""


class HeadSettings(Settings):
    """Options of every head. A head derives its own and adds fields; what it does not name is refused."""

    name: str
    gate: GateSettings | None = None
    """An image gate in front of the segmenter; ``{}`` for one with the default options."""


@dataclass(frozen=True)
class Part:
    """One model that is trained by itself: its own patches, its own loss, its own parameters.

    A softmax head has one part; One-vs-Rest has one a class, a gate is one more. In every optimizer step each
    part takes a step on a batch of its own.

    Attributes:
        name: For logs and costs: ``segmenter``, ``gate``, or the class that the part looks for.
        module: Dotted path below the network's core; empty for the core itself.
        activation: How its channels become probabilities.
        positive_classes: Class of each sigmoid channel; None with softmax.
        gate: Set where the part is an image gate.
    """

    name: str
    module: str = ""
    activation: Literal["softmax", "sigmoid"] = "softmax"
    positive_classes: tuple[int, ...] | None = None
    gate: GateSettings | None = None


class JudgingHead(Protocol):
    """What inference and evaluation ask of a head."""

    @property
    def gate(self) -> GateSettings | None:
        """The image gate, where there is one."""
        ...

    def class_logits(self, outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits whose softmax is the probability of each class."""
        ...


class Head(JudgingHead, Protocol):
    """What training asks of a head besides."""

    def build_core(self, make_model: MakeModel, *, num_classes: int) -> nn.Module:
        """Make the network's core with freshly initialised weights."""
        ...

    def parts(self, class_names: tuple[str, ...]) -> tuple[Part, ...]:
        """The models that are trained, in order."""
        ...

    def steps(self, steps: int, *, num_classes: int) -> int:
        """Optimizer steps of each part where the study's budget is ``steps``."""
        ...


@dataclass(frozen=True)
class HeadBuilder:
    """One entry of `HEADS`: the options that a head understands, and what makes it from them."""

    settings: type[HeadSettings]
    build: Callable[[Any], Head]


HEADS: Registry[HeadBuilder] = Registry("head")
