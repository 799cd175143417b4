"""Set a piece of one image into another so that no seam shows."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["blend", "fading", "grain"]

_LEAST_SOFTNESS = 1.5


def fading(support: NDArray[np.bool_], ground: NDArray[np.bool_], *, rim: int) -> NDArray[np.float32]:
    """Share of the donor at each pixel: 1 on the defect and beside it, falling evenly to 0 beyond the rim.

    Args:
        support: ``(h, w)`` pixels of the defect.
        ground: ``(h, w)`` pixels of the rim that may show the donor; elsewhere in the rim the share is 0.
        rim: Width in pixels.

    Example:
        >>> support = np.array([[True, False, False, False]])
        >>> fading(support, ~support, rim=2).tolist()
        [[1.0, 1.0, 0.5, 0.0]]
    """
    from scipy import ndimage

    t = np.clip((rim + 1 - ndimage.distance_transform_edt(~support)) / rim, 0, 1)
    return np.where(support | ground, t, 0).astype(np.float32)


def blend(
    recipient: Float[Tensor, "c h w"],
    donor: Float[Tensor, "c h w"],
    share: Float[Tensor, "h w"],
    ground: Bool[Tensor, "h w"],
    gain: Float[Tensor, " c"],
    *,
    rim: int,
) -> Float[Tensor, "c h w"]:
    """Give the donor the recipient's surroundings and let one fade into the other.

    Both images are taken as surroundings plus detail. The surroundings are the ground pixels of the rim,
    carried on into the defect by a membrane: a normalised convolution with the kernel ``1 / (r^2 + s^2)^1.5``,
    as convolution pyramids (Farbman et al., SIGGRAPH Asia 2011, section 5) solve the boundary problem of
    Poisson image editing (Perez et al., SIGGRAPH 2003). The result has the recipient's surroundings
    everywhere. Its detail goes over from the recipient's to the donor's as two sounds are faded into each other
    at equal power, by the cosine and the sine of ``share * 90`` degrees, since the average of two independent
    textures would be smoother than either.

    Args:
        recipient: Values around the place, all bands.
        donor: Values of the defect with its rim.
        share: From `fading`.
        ground: Pixels of the rim on which both images show the same class.
        gain: What the donor's detail is multiplied by in each band, to have the grain of the recipient.
        rim: Width of the rim in pixels.
    """
    # Beside the defect lies its own soft edge, which is no surroundings: there pixels count little.
    weight = (1 - share) * ground
    under, ours = _surroundings(recipient, weight, rim)
    _, theirs = _surroundings(donor, weight, rim)
    angle = share * (torch.pi / 2)
    mixed = angle.cos() * ours + angle.sin() * gain[:, None, None] * theirs
    # Missing pixels outside the donor's share stay what they are.
    return torch.where(share > 0, under + mixed, recipient)


def _surroundings(image: Tensor, weight: Tensor, rim: int) -> tuple[Tensor, Tensor]:
    """Smooth continuation of the weighted pixels, and what the image has beyond it, both ``(c, h, w)``."""
    height, width = weight.shape
    used = weight > 0
    # Centred values keep the rounding errors of the transform far below the detail.
    level = image[:, used].mean(dim=1)[:, None, None]
    values = torch.cat([(image - level).where(used, 0) * weight, weight[None]])
    size = (2 * height, 2 * width)
    rows, cols = (torch.fft.fftfreq(n, d=1 / n, device=image.device) for n in size)
    softness = max(_LEAST_SOFTNESS, rim / 2)
    kernel = (rows[:, None].square() + cols.square() + softness**2) ** -1.5
    spread = torch.fft.irfft2(torch.fft.rfft2(values, s=size) * torch.fft.rfft2(kernel), s=size)
    spread = spread[:, :height, :width]
    under = spread[:-1] / spread[-1:] + level
    return under, image - under


def grain(image: Float[Tensor, "c h w"], ground: Bool[Tensor, "h w"]) -> Float[Tensor, " c"]:
    """Mean absolute difference between neighbours that are both ground, for each band; NaN where none are.

    Edges, of which there are few, weigh less in it than in a standard deviation.
    """
    total, number = torch.zeros_like(image[:, 0, 0]), torch.zeros_like(image[0, 0, 0])
    for axis in (0, 1):
        size = ground.shape[axis] - 1
        pairs = ground.narrow(axis, 0, size) & ground.narrow(axis, 1, size)
        total = total + image.diff(dim=axis + 1).abs().where(pairs, 0).sum(dim=(1, 2))
        number = number + pairs.sum()
    return total / number
