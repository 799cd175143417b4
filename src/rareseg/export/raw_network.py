"""A network as a graph that other programs run: raw float32 pixels in, logits out."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn, where, zeros_like

from rareseg.models.network import Network

__all__ = ["RawNetwork"]


class RawNetwork(nn.Module):
    """Normalisation and network in operations that every graph format knows.

    Missing values (NaN or infinite) become the mean, as in `Network`.

    Args:
        network: The trained network.
        part: Instead of the whole core, the module with this path below it.

    Example:
        >>> import torch
        >>> from rareseg.models.build import build_model
        >>> core = build_model({"name": "unet", "base_channels": 4, "depth": 2}, in_channels=1, num_classes=2)
        >>> network = Network(core, mean=[100.0], std=[20.0]).eval()
        >>> pixels = torch.full((1, 1, 8, 8), 120.0)
        >>> torch.equal(RawNetwork(network)(pixels), network(pixels))
        True
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, *, part: str | None = None) -> None:
        super().__init__()
        self.module = network.core if part is None else network.core.get_submodule(part)
        self.register_buffer("mean", network.mean[:, None, None].detach().clone())
        self.register_buffer("std", network.std[:, None, None].detach().clone())

    def forward(self, pixels: Float[Tensor, "b c h w"]) -> Tensor:
        """Outputs of raw pixels; heights and widths are multiples of the network's stride."""
        image = (pixels - self.mean) / self.std
        # Values that are not finite give NaN where they meet 0.
        finite = image * 0 == 0
        image = where(finite, image, zeros_like(image))
        outputs: Tensor = self.module(image)
        return outputs
