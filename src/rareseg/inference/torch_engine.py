"""The engine that is torch itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from rareseg.allocator import tune_allocator
from rareseg.device import Precision

if TYPE_CHECKING:
    from rareseg.models.network import Network

__all__ = ["TorchEngine"]


class TorchEngine:
    """Runs a `Network`; see `Engine`.

    Args:
        network: The network with its normalisation; it is put into eval mode and moved to ``device``.
        device: Torch device.
        precision: ``bfloat16`` runs under autocast; outputs are float32 either way.

    Example:
        >>> from rareseg.models.build import build_model
        >>> from rareseg.models.network import Network
        >>> core = build_model({"name": "unet", "base_channels": 4, "depth": 2}, in_channels=1, num_classes=2)
        >>> engine = TorchEngine(Network(core, mean=[100.0], std=[20.0]))
        >>> engine.run(torch.zeros(1, 1, 8, 8, dtype=torch.uint8)).shape
        torch.Size([1, 2, 8, 8])
    """

    def __init__(self, network: Network, *, device: str = "cpu", precision: Precision = "float32") -> None:
        if device == "cpu":
            tune_allocator()
        self.network = network.to(device).eval()
        # The stubs of torch know no memory_format for modules.
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.device = device
        self.precision = precision
        if device == "cpu" and precision == "bfloat16":
            _rectify_out_of_place(self.network)

    @property
    def in_channels(self) -> int:
        """Bands of an image."""
        return self.network.in_channels

    @property
    def stride(self) -> int:
        """Heights and widths of batches are multiples of it."""
        return self.network.stride

    @property
    def receptive_radius(self) -> int | None:
        """How far an output pixel sees; None: everywhere."""
        return self.network.receptive_radius

    @property
    def mean(self) -> list[float]:
        """Of each band of the training images."""
        return [float(value) for value in self.network.mean]

    @property
    def std(self) -> list[float]:
        """Of each band of the training images."""
        return [float(value) for value in self.network.std]

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        """Outputs float32 of raw pixels ``(b, c, h, w)``, on the engine's device; see `Engine.run`."""
        batch = batch.to(self.device)
        with (
            torch.inference_mode(),
            torch.autocast(
                self.device.split(":")[0], dtype=torch.bfloat16, enabled=self.precision == "bfloat16"
            ),
        ):
            outputs: Tensor = self.network(batch) if part is None else self.network.forward_part(batch, part)
        return outputs.float()


def _rectify_out_of_place(network: nn.Module) -> None:
    """Give ReLUs a map of their own: in place, torch 2.13 takes far longer for bfloat16 on a CPU."""
    for module in network.modules():
        if isinstance(module, nn.ReLU | nn.ReLU6):
            module.inplace = False
