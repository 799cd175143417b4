"""Train a small autoencoder on some pictures and have it draw all of them again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rareseg.inspection.thread_map import Progress

__all__ = ["NUM_STEPS", "reconstruct"]

NUM_STEPS = 400
BATCH_SIZE = 32
LEARNING_RATE = 2e-3
TRIM = 0.1
"""Share of each batch, the worst drawn, that does not train: foreign pictures must not be learnt."""


def reconstruct(
    pictures: NDArray[np.float32],
    training: Sequence[int],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """Learn from the training pictures and draw all pictures again.

    Runs on the CPU, with the same result for the same seed and number of threads; no global random state is
    touched.

    Args:
        pictures: ``(n, h, w)``, of one scale.
        training: Numbers of the pictures to learn from.
        seed: Of initial weights and batches.
        progress: Told after each step.

    Returns:
        ``(n, h, w)`` in the scale of ``pictures``.

    Example:
        >>> ramps = np.linspace(0, 1, 40, dtype=np.float32)[:, None, None] * np.ones((1, 4, 4), np.float32)
        >>> float(np.abs(reconstruct(ramps, range(40)) - ramps).max()) < 0.1
        True
    """
    import torch

    from rareseg.inspection.autoencoder import Autoencoder

    learnt = pictures[list(training)]
    mean, scale = float(learnt.mean()), max(float(learnt.std()), 1e-6)
    flat = torch.from_numpy((pictures.reshape(len(pictures), -1) - np.float32(mean)) / np.float32(scale))
    shown = flat[list(training)]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Autoencoder(flat.shape[1])
    draw = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, total_iters=NUM_STEPS)
    num_kept = max(1, round(BATCH_SIZE * (1 - TRIM)))
    for step in range(NUM_STEPS):
        batch = shown[torch.randint(len(shown), (BATCH_SIZE,), generator=draw)]
        errors = (network(batch) - batch).square().mean(dim=1)
        optimizer.zero_grad()
        errors.sort().values[:num_kept].mean().backward()
        optimizer.step()
        schedule.step()
        if progress:
            progress(step + 1, NUM_STEPS)
    with torch.no_grad():
        drawn = network(flat).numpy()
    return np.asarray(drawn.reshape(pictures.shape) * scale + mean, np.float32)
