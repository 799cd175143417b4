"""The endless sequence of training patches, any part of which can be had at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from rareseg.errors import OptionError
from rareseg.sampling.patch_windows import PatchWindows
from rareseg.sampling.plan import Plan
from rareseg.sampling.uniforms import uniforms

__all__ = ["PatchStream"]


class PatchStream:
    """Windows of training patches; patch ``i`` is a pure function of (seed, plan, i).

    The stream holds no position: a resumed run asks for the step it has come to, a worker for every n-th
    step, and a rank for its part of each batch, and together they get exactly the patches of one process.
    Runs with the same seed, plan and batch size see the same patches whatever their loss or model.

    The foil thesis keeps a pool of ``N_batch * iter_ref`` patches (equation 3.2), trains once on each and
    draws a new pool after ``iter_ref`` steps. Steps ``n * iter_ref`` to ``(n + 1) * iter_ref - 1`` of this
    stream are such a pool, for every ``iter_ref``: each index is used once, so no pool needs to be stored
    (two draws may agree by chance, as they may within the pool).

    Args:
        plan: Chooses the windows.
        seed: 0 to 2**64 - 1; take ``derive_seed(seed, "patches")`` to keep it apart from a run's other draws.
        batch_size: Patches in a batch of all ranks together.
        rank: Number of this process, from 0.
        num_ranks: Processes that share each batch.

    Raises:
        OptionError: ``rank`` is no rank, or ``batch_size`` is not a multiple of ``num_ranks``.

    Example:
        >>> from rareseg.sampling.class_locations import ClassLocations
        >>> from rareseg.sampling.plans import build_plan
        >>> from rareseg.types import Region, Window
        >>> regions, names = [Region("a", Window(0, 0, 64, 64))], ["background"]
        >>> locations = ClassLocations.from_masks([np.zeros((64, 64), np.uint8)], names)
        >>> plan = build_plan(
        ...     "uniform", regions=regions, locations=locations, patch_size=(16, 16), class_names=names
        ... )
        >>> stream = PatchStream(plan, seed=0, batch_size=4)
        >>> stream.batch(2).windows.tolist() == stream.patches([8, 9, 10, 11]).windows.tolist()
        True
    """

    def __init__(self, plan: Plan, *, seed: int, batch_size: int, rank: int = 0, num_ranks: int = 1) -> None:
        if num_ranks < 1 or not 0 <= rank < num_ranks:
            raise OptionError(
                f"'rank' should lie between 0 and {num_ranks - 1}, but is {rank}; check the launcher."
            )
        if batch_size < 1 or batch_size % num_ranks:
            raise OptionError(
                f"'batch_size' should be a multiple of the {num_ranks} processes, but is {batch_size}; "
                f"take {max(1, round(batch_size / num_ranks)) * num_ranks}."
            )
        self.plan = plan
        self.seed = seed
        self.batch_size = batch_size
        self.rank = rank
        self.num_ranks = num_ranks
        share = batch_size // num_ranks
        self._places = np.arange(rank * share, (rank + 1) * share, dtype=np.int64)

    def batch(self, step: int) -> PatchWindows:
        """This rank's block of the batch of one training step: ``b = batch_size / num_ranks`` patches.

        The blocks of all ranks, in the order of ranks, are patches ``step * batch_size`` and following.
        """
        return self.patches(step * self.batch_size + self._places)

    def patches(self, indices: ArrayLike) -> PatchWindows:
        """Any patches of the stream by their ``(n,)`` indices, in the order asked for; ranks play no part."""
        index = np.asarray(indices, dtype=np.int64)
        corners = self.plan.draw(uniforms(self.seed, index, self.plan.NUM_UNIFORMS), index)
        windows = np.empty((len(index), 4), np.int64)
        windows[:, 0], windows[:, 1] = corners.row, corners.col
        windows[:, 2:] = self.plan.patch_size
        return PatchWindows(index, corners.region_index, windows)
