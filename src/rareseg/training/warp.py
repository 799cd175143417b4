"""One resampling for all changes of geometry, the same for image and mask."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["affine_matrices", "warp"]


def affine_matrices(
    *, zoom: NDArray[np.float64], degrees: NDArray[np.float64], shift: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where in the old patch each pixel of the new one is taken from, counted from the centre.

    Args:
        zoom: ``(b,)``; 2 shows things twice as large.
        degrees: ``(b,)``; positive ones turn things from rows towards columns, counter-clockwise on a screen.
        shift: ``(b, 2)`` pixels that things move down and to the right.

    Returns:
        ``(b, 2, 3)``: ``old = matrix[:, :2] @ (row, col) + matrix[:, 2]``.

    Example:
        >>> affine_matrices(zoom=np.full(1, 2.0), degrees=np.full(1, 90.0), shift=np.zeros((1, 2))).round(3) + 0.0
        array([[[ 0. ,  0.5,  0. ],
                [-0.5,  0. ,  0. ]]])
    """
    angle = np.radians(degrees)
    cos, sin = np.cos(angle) / zoom, np.sin(angle) / zoom
    turned = np.stack([np.stack([cos, sin], axis=1), np.stack([-sin, cos], axis=1)], axis=1)
    return np.concatenate([turned, -(turned @ shift[:, :, None])], axis=2)


def warp(
    images: Float[Tensor, "b c h w"],
    masks: UInt8[Tensor, "b h w"],
    matrices: NDArray[np.float64],
    displacement: Float[Tensor, "b 2 h w"] | None,
) -> tuple[Float[Tensor, "b c h w"], UInt8[Tensor, "b h w"]]:
    """Resample image and mask at the same places: bilinear and nearest, mirrored outside the patch.

    The edge pixel is repeated once by the mirror, as in `symmetric_indices`. Missing pixels (NaN) spread to
    those that are interpolated from them.

    Args:
        images: Patches.
        masks: Class indices; nearest sampling keeps them exact, never mixes them.
        matrices: From `affine_matrices`.
        displacement: Rows and columns to add to each place, in pixels.
    """
    height, width = masks.shape[-2:]
    rows = (torch.arange(height, device=images.device) - (height - 1) / 2)[:, None]
    cols = torch.arange(width, device=images.device) - (width - 1) / 2
    m = torch.from_numpy(matrices).to(torch.float32).to(images.device)[..., None, None]
    old_rows = m[:, 0, 0] * rows + m[:, 0, 1] * cols + m[:, 0, 2]
    old_cols = m[:, 1, 0] * rows + m[:, 1, 1] * cols + m[:, 1, 2]
    if displacement is not None:
        old_rows, old_cols = old_rows + displacement[:, 0], old_cols + displacement[:, 1]
    # Places from -1 to 1 between the outer edges of the patch, columns first.
    grid = torch.stack([old_cols * (2 / width), old_rows * (2 / height)], dim=-1)
    moved = F.grid_sample(
        images, grid.to(images.dtype), mode="bilinear", padding_mode="reflection", align_corners=False
    )
    # Class indices below 256 are exact in float32, and nearest sampling copies them.
    labels = F.grid_sample(
        masks[:, None].float(), grid, mode="nearest", padding_mode="reflection", align_corners=False
    )
    return moved, labels[:, 0].to(masks.dtype)
