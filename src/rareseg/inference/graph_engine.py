"""The engine of exported graphs, whichever program runs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rareseg.errors import ArtefactError
from rareseg.models.network import mirror_to_multiple

__all__ = ["GraphEngine", "RunGraph"]

RunGraph = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Takes raw pixels ``(b, c, h, w)`` whose sizes are multiples of the stride, gives ``(b, outputs, h, w)``; that of a
gate gives one number a patch."""


@dataclass(frozen=True)
class GraphEngine:
    """Runs graphs that hold normalisation and network, in float32 on the CPU; see `Engine`.

    Attributes:
        graph: The network.
        in_channels: Bands of an image.
        stride: Sizes are mirrored up to multiples of it before the graph sees them, as `Network` does.
        receptive_radius: How far an output pixel sees; None: everywhere.
        mean: Of each band over the training images.
        std: Of each band over the training images.
        parts: Graphs of modules of the network, such as its gate, by path.
    """

    graph: RunGraph
    in_channels: int
    stride: int
    receptive_radius: int | None
    mean: Sequence[float]
    std: Sequence[float]
    parts: dict[str, RunGraph]

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        """Outputs float32 of raw pixels ``(b, c, h, w)``; see `Engine.run`.

        Raises:
            ArtefactError: There is no graph of the part.
        """
        if part is not None and part not in self.parts:
            raise ArtefactError(f"This bundle has no graph of '{part}'; export the run again.")
        graph = self.graph if part is None else self.parts[part]
        height, width = batch.shape[-2:]
        pixels = mirror_to_multiple(batch.cpu().to(torch.float32), self.stride)
        outputs = torch.from_numpy(graph(np.ascontiguousarray(pixels.numpy())))
        return outputs[..., :height, :width] if outputs.ndim == 4 else outputs
