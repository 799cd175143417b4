"""Smooth random displacements."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from rareseg.sampling.seeds import derive_seed
from rareseg.sampling.uniforms import uniforms

__all__ = ["elastic_displacement"]

_LEAST_SPACING = 32
_SPACING_PER_PIXEL = 8


def elastic_displacement(
    size: tuple[int, int],
    strength: float,
    *,
    seed: int,
    index: NDArray[np.int64],
    device: torch.device,
) -> Float[Tensor, "b 2 h w"]:
    """Rows and columns by which pixels move: cubic B-splines through a coarse grid of uniform numbers.

    Free-form deformation (Rueckert et al., IEEE TMI 18, 1999). A B-spline stays within its control values, so
    no pixel moves further than ``strength`` along an axis; half of the pixels move less than about a fifth of it. The
    slope is at most ``2 * strength`` over the spacing, and the spacing is at least eight times the strength,
    which leaves the determinant of the displacement's Jacobian at 1/2 or more: nothing folds.

    Args:
        size: Rows and columns of a patch.
        strength: Largest displacement in pixels.
        seed: Seed of the batch.
        index: ``(b,)`` number of each patch in the batch.
        device: Where the field is made.
    """
    spacing = max(_LEAST_SPACING, _SPACING_PER_PIXEL * strength)
    bases = [_spline_basis(length, spacing) for length in size]
    shape = (len(index), 2, bases[0].shape[1], bases[1].shape[1])
    u = uniforms(derive_seed(seed, "elastic"), index, int(np.prod(shape[1:])))
    control = torch.from_numpy((2 * u - 1) * strength).to(torch.float32).reshape(shape).to(device)
    down, across = (torch.from_numpy(basis).to(torch.float32).to(device) for basis in bases)
    # Under autocast these products would be rounded to eight bits.
    with torch.autocast(device.type, enabled=False):
        return down @ control @ across.T


def _spline_basis(length: int, spacing: float) -> NDArray[np.float64]:
    """``(length, num_controls)``: weights of the control values at each pixel; a row sums to 1."""
    place = np.arange(length) / spacing
    first = np.floor(place).astype(np.int64)
    t = place - first
    weights = (
        np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    )
    basis = np.zeros((length, int(first[-1]) + 4))
    np.put_along_axis(basis, first[:, None] + np.arange(4), weights, axis=1)
    return basis
