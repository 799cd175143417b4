"""An exponential moving average of the weights (arXiv 1703.01780)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["MovingAverage"]


class MovingAverage:
    """Averages parameters over the steps; running statistics of batch norm are those of the last step.

    The decay starts small and rises to ``decay``, ``min(decay, (1 + n) / (10 + n))`` at the ``n``-th step, so that
    the random start is soon forgotten.

    Args:
        network: What is averaged.
        decay: Share of the old average that a step keeps, late in training.
    """

    def __init__(self, network: nn.Module, *, decay: float) -> None:
        self._network = network

        def blend(average: Tensor, current: Tensor, num: Tensor | int) -> Tensor:
            keep = min(decay, (1 + int(num)) / (10 + int(num)))
            return torch.lerp(current, average, keep)

        self.average = AveragedModel(network, avg_fn=blend)

    def update(self) -> None:
        """Take in the weights of the step just made."""
        self.average.update_parameters(self._network)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the network holds the average; afterwards its own weights again."""
        own = {key: value.clone() for key, value in self._network.state_dict().items()}
        self._network.load_state_dict(self.average.module.state_dict())
        try:
            yield
        finally:
            self._network.load_state_dict(own)
