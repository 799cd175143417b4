"""How far an output pixel of a model sees."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["receptive_radius"]


def receptive_radius(reads: Callable[[int, int], tuple[int, int]], *, stride: int) -> int:
    """Furthest input pixel, along one axis, that an output pixel depends on; the worst over all phases.

    Pooling and transposed convolution work on fixed pairs of pixels, so the reach depends on where a pixel lies
    within its block of ``stride``.

    Args:
        reads: Gives the first and last input pixel that the output pixels from a first to a last depend on.
        stride: Shifting the input by this shifts the output by as much.

    Example:
        >>> receptive_radius(lambda first, last: (first // 2 * 2, last // 2 * 2 + 1), stride=2)
        1
    """
    radius = 0
    for phase in range(stride):
        first, last = reads(phase, phase)
        radius = max(radius, phase - first, last - phase)
    return radius
