"""Fewer windows to choose from: a limit for each image, and a limit for how much two of them overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rareseg.sampling.window_grid import WindowGrid

__all__ = ["thin_windows"]


def thin_windows(
    grid: WindowGrid,
    image: NDArray[np.int64],
    rank: NDArray[np.floating],
    *,
    patch_size: tuple[int, int],
    overlap: float,
    most_per_image: int | None,
) -> NDArray[np.int64]:
    """Take windows by rank, leaving out those that overlap one already taken too much or find their image full.

    Args:
        grid: The windows.
        image: ``(n,)`` number of each window's image, from 0.
        rank: ``(n,)``; larger comes first, of equal ones the first in the grid.
        patch_size: Rows and columns of a window.
        overlap: Largest part of a window's area that another one of its region may cover, 0 to 1.
        most_per_image: Most windows of an image; None for no limit.

    Returns:
        Numbers of the windows that stay, rising.

    Example:
        >>> zeros = np.zeros(4, np.int64)
        >>> grid = WindowGrid(zeros, zeros, np.array([0, 2, 4, 8]), np.ones((4, 1), np.int32))
        >>> rank = np.array([1.0, 9.0, 1.0, 0.0])
        >>> thin_windows(grid, zeros, rank, patch_size=(4, 4), overlap=0.25, most_per_image=None).tolist()
        [1, 3]
    """
    order = np.argsort(-rank, kind="stable")
    corner = np.stack([grid.row, grid.col], axis=1)
    limit = overlap * patch_size[0] * patch_size[1]
    kept = []
    for number in range(int(image.max()) + 1):
        waiting = order[image[order] == number]
        room = len(waiting) if most_per_image is None else most_per_image
        if overlap == 1:
            kept.append(waiting[:room])
            continue
        while len(waiting) and room:
            first, room = waiting[0], room - 1
            kept.append(waiting[:1])
            shared = np.maximum(np.array(patch_size) - np.abs(corner[waiting] - corner[first]), 0)
            beside = (shared.prod(axis=1) <= limit) | (grid.region[waiting] != grid.region[first])
            beside[0] = False
            waiting = waiting[beside]
    return np.sort(np.concatenate(kept))
