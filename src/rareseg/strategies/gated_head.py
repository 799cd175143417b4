"""An image gate in front of any head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from rareseg.models.gate_net import GateNet
from rareseg.models.gated import Gated
from rareseg.strategies.head import GateSettings, Head, MakeModel, Part

__all__ = ["GatedHead"]


@dataclass(frozen=True)
class GatedHead:
    """A head with a gate beside it; the segmenter starts and is trained exactly as without the gate."""

    inside: Head
    gate: GateSettings

    def build_core(self, make_model: MakeModel, *, num_classes: int) -> nn.Module:
        """The inner head's core and the gate; the gate's weights are drawn last."""
        segmenter = self.inside.build_core(make_model, num_classes=num_classes)
        in_channels = cast(int, segmenter.in_channels)
        gate = GateNet(in_channels, base_channels=self.gate.base_channels, depth=self.gate.depth)
        return Gated(segmenter, gate)

    def parts(self, class_names: tuple[str, ...]) -> tuple[Part, ...]:
        """The inner head's parts, then the gate."""
        inner = [
            replace(part, module=f"segmenter.{part.module}".rstrip("."))
            for part in self.inside.parts(class_names)
        ]
        return (*inner, Part("gate", "gate", "sigmoid", gate=self.gate))

    def steps(self, steps: int, *, num_classes: int) -> int:
        """The inner head's."""
        return self.inside.steps(steps, num_classes=num_classes)

    def class_logits(self, outputs: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """The inner head's; images that the gate skips never come here."""
        return self.inside.class_logits(outputs)
