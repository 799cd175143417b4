"""The loss of a recipe: named terms, each with a scale, summed in one pass over the logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from rareseg.config.load import parse_settings
from rareseg.errors import ConfigError, OptionError, UnknownNameError

# A loss is filed in LOSSES by being imported; a new one is one more name.
from rareseg.losses import (  # noqa: F401
    asymmetric_unified_focal,
    balanced_softmax,
    boundary,
    class_aware_jaccard,
    cross_entropy,
    dice,
    focal,
    focal_tversky,
    generalised_dice,
    jaccard,
    logit_adjustment,
    lovasz,
    recall,
    smoothed_cross_entropy,
    top_k,
    tversky,
)
from rareseg.losses.inputs import Activation, LossInputs
from rareseg.losses.term import LOSSES, ClassFacts, TermSettings

__all__ = ["LOSSES", "Loss", "LossValue", "build_loss", "loss_summary"]


class LossValue(NamedTuple):
    """The loss of one batch and what each term added to it, scale included, by name."""

    total: Float[Tensor, ""]
    terms: dict[str, Float[Tensor, ""]]


class Loss(nn.Module):
    """A weighted sum of terms. Call it with raw logits and a target, see `LossInputs`.

    The terms share one `LossInputs`, so the softmax is computed once. Autocast is off inside: every term
    works in float32 at least.

    Args:
        terms: Name to module, in order.
        scales: Factor of each term.
        classes: What the channels of the logits mean.
    """

    def __init__(
        self, terms: Mapping[str, nn.Module], scales: Sequence[float], *, classes: ClassFacts
    ) -> None:
        super().__init__()
        self.terms = nn.ModuleDict(terms)
        self.scales = tuple(scales)
        self._reads_regions = any(getattr(term, "reads_regions", False) for term in terms.values())
        self.activation = classes.activation
        self.positive_classes = classes.positive_classes if classes.activation == "sigmoid" else None

    def forward(
        self,
        logits: Float[Tensor, "b c h w"],
        target: Integer[Tensor, "b h w"] | Integer[Tensor, "b c h w"],
    ) -> LossValue:
        """Loss of one batch; pixels of `IGNORE_INDEX` neither count nor receive a gradient."""
        with torch.autocast(logits.device.type, enabled=False):
            inputs = LossInputs(
                logits,
                target,
                activation=self.activation,
                positive_classes=self.positive_classes,
                regions=self._reads_regions,
            )
            values = {
                name: term(inputs) * scale
                for (name, term), scale in zip(self.terms.items(), self.scales, strict=True)
            }
        return LossValue(torch.stack(list(values.values())).sum(), values)


def build_loss(
    terms: Sequence[Mapping[str, Any] | str] | Mapping[str, Any] | str,
    *,
    class_pixels: Sequence[int],
    class_names: Sequence[str],
    activation: Activation = "softmax",
    positive_classes: Sequence[int] | None = None,
) -> Loss:
    """Make the loss that a recipe names.

    Args:
        terms: One term or several: a name, or a mapping of name and options, such as
            ``{name: focal, gamma: 2, weights: iscf, scale: 0.5}``.
        class_pixels: Pixels of each class in the training split.
        class_names: Class names in index order.
        activation: ``"softmax"`` for one channel a class, ``"sigmoid"`` for one a positive class, each against
            all others; class weights are then pairs, see `PixelTermSettings.weight`.
        positive_classes: Only for sigmoid: the class index of each channel; None for all but the first.

    Raises:
        UnknownNameError: No loss, weight scheme or class has this name.
        ConfigError: A loss has no such option, or an option has a wrong value.
        OptionError: An option cannot take effect.
        DataError: A class has no pixels to derive a weight from.

    Example:
        >>> loss = build_loss(
        ...     ["cross_entropy", {"name": "focal", "weights": "iscf", "scale": 0.5}],
        ...     class_pixels=[900, 100],
        ...     class_names=["background", "crack"],
        ... )
        >>> value = loss(torch.zeros(1, 2, 4, 4), torch.zeros(1, 4, 4, dtype=torch.long))
        >>> {name: round(float(term), 4) for name, term in value.terms.items()}
        {'cross_entropy': 0.6931, 'focal': 0.0433}
    """
    if len(class_names) != len(class_pixels):
        raise ConfigError(
            f"Expected a pixel count for each of {len(class_names)} classes, but got {len(class_pixels)}."
            " Count the pixels with the same class table."
        )
    classes = ClassFacts(
        names=tuple(class_names),
        pixels=tuple(int(count) for count in class_pixels),
        activation=activation,
        positive_classes=_channels(activation, positive_classes, len(class_names)),
    )
    modules: dict[str, nn.Module] = {}
    scales = []
    for settings in _parse(terms):
        same = sum(name.split("#")[0] == settings.name for name in modules)
        key = settings.name if not same else f"{settings.name}#{same + 1}"
        modules[key] = LOSSES[settings.name].build(settings, classes)
        scales.append(settings.scale)
    return Loss(modules, scales, classes=classes)


def loss_summary(terms: Sequence[Mapping[str, Any] | str] | Mapping[str, Any] | str) -> str:
    """One line that names a loss in tables and reports.

    Example:
        >>> loss_summary({"name": "focal", "gamma": 2, "weights": "iscf"})
        'focal gamma=2, ISCF weights'
        >>> loss_summary(["cross_entropy", {"name": "focal", "scale": 0.5}])
        'cross entropy + 0.5 x (focal gamma=2)'
    """
    return " + ".join(
        settings.summary() if settings.scale == 1 else f"{settings.scale:g} x ({settings.summary()})"
        for settings in _parse(terms)
    )


def _channels(
    activation: Activation, positive_classes: Sequence[int] | None, num_classes: int
) -> tuple[int, ...]:
    """Class index of each channel."""
    if activation == "softmax":
        if positive_classes is not None:
            raise OptionError(
                "'positive_classes' has no effect on a softmax, which has a channel for every class."
                " Leave it out or use activation 'sigmoid'."
            )
        return tuple(range(num_classes))
    if activation != "sigmoid":
        raise UnknownNameError("activation", activation, ("softmax", "sigmoid"))
    positives = tuple(range(1, num_classes)) if positive_classes is None else tuple(positive_classes)
    if not positives or len(set(positives)) < len(positives) or not set(positives) <= set(range(num_classes)):
        raise ConfigError(
            f"Expected different positive classes of 0 to {num_classes - 1}, but got {list(positives)}."
            " Give the class index of each channel once."
        )
    return positives


def _parse(terms: Sequence[Mapping[str, Any] | str] | Mapping[str, Any] | str) -> list[TermSettings]:
    listed = [terms] if isinstance(terms, str | Mapping) else list(terms)
    if not listed:
        raise ConfigError("Expected at least one loss term, but got none. Name one, such as 'cross_entropy'.")
    parsed = []
    for term in listed:
        options = {"name": term} if isinstance(term, str) else dict(term)
        name = options.get("name")
        if not isinstance(name, str):
            raise ConfigError(f"Expected a loss term with a name, but got {options}. Add it: {{name: focal}}")
        parsed.append(parse_settings(LOSSES[name].settings, options, where=f"loss {name}"))
    return parsed
