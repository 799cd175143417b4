"""Brightness, contrast and noise in the image's own units."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from rareseg.sampling.seeds import derive_seed

__all__ = ["change_intensity"]


def change_intensity(
    images: Float[Tensor, "b c h w"],
    *,
    shift: NDArray[np.float64],
    factor: NDArray[np.float64],
    noise: float,
    seed: int,
    index: NDArray[np.int64],
) -> Float[Tensor, "b c h w"]:
    """Stretch around the mean, add a constant, add noise; all measured by the patch's own band.

    Missing pixels (NaN or infinite) count in no mean and stay missing.

    Args:
        images: Patches.
        shift: ``(b,)`` what is added, in standard deviations.
        factor: ``(b,)`` stretch around the mean.
        noise: Standard deviation of the noise, in standard deviations of the patch.
        seed: Seed of the batch.
        index: ``(b,)`` number of each patch in the batch.
    """
    known = images.isfinite()
    number = known.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    mean = images.where(known, 0).sum(dim=(2, 3), keepdim=True) / number
    centred = images - mean
    deviation = (centred.where(known, 0).square().sum(dim=(2, 3), keepdim=True) / number).sqrt()
    stretch, added = (torch.from_numpy(value).to(images)[:, None, None, None] for value in (factor, shift))
    changed = centred * stretch + (mean + added * deviation)
    if noise:
        # Drawn on the host, patch by patch, so that every device and every batch adds the same.
        drawn = [_normal(images.shape[1:], derive_seed(seed, "noise", int(number))) for number in index]
        changed = changed + torch.stack(drawn).to(images) * (noise * deviation)
    return changed


def _normal(shape: torch.Size, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))
