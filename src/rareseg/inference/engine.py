"""What runs a network on batches: torch here, other programs elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

__all__ = ["Engine"]


class Engine(Protocol):
    """A trained network on some device, with the little that tiles and checks must know of it.

    Attributes:
        in_channels: Bands of an image.
        stride: Heights and widths of batches are multiples of it.
        receptive_radius: An output pixel depends on no pixel further away than this, in rows or columns; None: on
            all of them.
        mean: Mean of each band over the training images, in the file's own numbers.
        std: Standard deviation of each band, above 0.
    """

    @property
    def in_channels(self) -> int: ...
    @property
    def stride(self) -> int: ...
    @property
    def receptive_radius(self) -> int | None: ...
    @property
    def mean(self) -> Sequence[float]: ...
    @property
    def std(self) -> Sequence[float]: ...

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        """Outputs ``(b, c, h, w)`` float32 of raw pixels ``(b, in_channels, h, w)``, as the head takes them.

        Args:
            batch: Raw pixels of any number type, on the CPU or the engine's device.
            part: Instead of the whole network, what the module with this path below its core makes of the batch, such
                as one number for each image of an image gate.
        """
        ...
