"""How far each pixel is from the boundary of each class: positive outside the class, negative inside."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["signed_distances"]


def signed_distances(
    truth: Bool[Tensor, "b c h w"], valid: Bool[Tensor, "b c h w"]
) -> Float[Tensor, "b c h w"]:
    """Euclidean distance to the nearest valid pixel on the other side of a class's boundary, less one half.

    The boundary runs between pixels, so that their centres are half a pixel away from it at least: missing a
    crack of one pixel's width is not free. Only the patch is seen: a boundary beyond its edge is not there. A
    map without a boundary, of a class that is absent or fills its image, is 0, and so are ignored pixels.
    Distances are measured on the host, one thread for each of `torch.get_num_threads`.

    Args:
        truth: Whether a pixel belongs to the class of a channel.
        valid: Which pixels count.

    Returns:
        Pixels, float32, on the device of ``truth``.

    Example:
        >>> row = torch.tensor([[[[True, True, False, False, False]]]])
        >>> signed_distances(row, torch.ones_like(row))
        tensor([[[[-1.5000, -0.5000,  0.5000,  1.5000,  2.5000]]]])
    """
    found: Tensor = _measure(truth, valid)
    return found


# An operator of its own, since torch.compile cannot look into scipy.
@torch.library.custom_op(
    "rareseg::signed_distances", mutates_args=(), schema="(Tensor truth, Tensor valid) -> Tensor"
)
def _measure(truth: Tensor, valid: Tensor) -> Tensor:
    inside = truth.flatten(0, 1).cpu().numpy()
    known = valid.flatten(0, 1).cpu().numpy()
    with ThreadPoolExecutor(torch.get_num_threads()) as threads:
        maps = np.stack(list(threads.map(_distances, inside, known)))
    return torch.from_numpy(maps).to(truth.device).view(truth.shape)


@_measure.register_fake
def _shape(truth: Tensor, valid: Tensor) -> Tensor:
    del valid
    return torch.empty_like(truth, dtype=torch.float32, memory_format=torch.contiguous_format)


def _distances(truth: np.ndarray[Any, Any], valid: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    inside = truth & valid
    outside = ~truth & valid
    found = np.zeros(truth.shape, dtype=np.float32)
    if not inside.any() or not outside.any():
        return found
    found[outside] = (_to_nearest(inside) - np.float32(0.5))[outside]
    # The nearest pixel that is not of the class stands on the frame around the class or within it, unless
    # pixels of that frame are ignored.
    frame = _frame(inside) if valid.all() else (slice(None), slice(None))
    own = inside[frame]
    found[frame][own] = (np.float32(0.5) - _to_nearest(outside[frame]))[own]
    return found


def _to_nearest(marked: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    from scipy.ndimage import distance_transform_edt

    nearest = distance_transform_edt(~marked, return_distances=False, return_indices=True)
    rows, cols = np.ogrid[: marked.shape[0], : marked.shape[1]]
    squared = (nearest[0] - rows) ** 2 + (nearest[1] - cols) ** 2
    distances: np.ndarray[Any, Any] = np.sqrt(squared.astype(np.float32))
    return distances


def _frame(marked: np.ndarray[Any, Any]) -> tuple[slice, slice]:
    rows, cols = (np.flatnonzero(marked.any(axis=axis)) for axis in (1, 0))
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(cols[0] - 1, 0), cols[-1] + 2)
