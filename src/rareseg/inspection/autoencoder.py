"""A small autoencoder of thumbnails: what it cannot draw again is unlike what it was shown."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["Autoencoder"]


class Autoencoder(nn.Module):
    """Two dense layers down to a short code and two back, on flattened thumbnails.

    Dense layers know where in the picture something lies, which convolutions do not, and take a tenth of their
    time at this size. The code is far shorter than the picture, so only what many pictures share fits in.

    Args:
        num_pixels: Pixels of a thumbnail.
        hidden: Units of the outer layers.
        code: Numbers that a picture is squeezed into.

    Example:
        >>> import torch
        >>> Autoencoder(64, hidden=8, code=2)(torch.zeros(5, 64)).shape
        torch.Size([5, 64])
    """

    def __init__(self, num_pixels: int, *, hidden: int = 128, code: int = 16) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(num_pixels, hidden), nn.LeakyReLU(0.1), nn.Linear(hidden, code)
        )
        self.decoder = nn.Sequential(
            nn.Linear(code, hidden), nn.LeakyReLU(0.1), nn.Linear(hidden, num_pixels)
        )

    def forward(self, pictures: Float[Tensor, "n pixels"]) -> Float[Tensor, "n pixels"]:
        """The pictures as they come back from their codes."""
        drawn: Tensor = self.decoder(self.encoder(pictures))
        return drawn
