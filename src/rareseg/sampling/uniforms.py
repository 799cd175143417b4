"""Uniform random numbers that are a pure function of seed and index."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rareseg.errors import OptionError
from rareseg.sampling.philox import philox4x32

__all__ = ["uniforms"]

_BITS_OF_DOUBLE = 53


def uniforms(seed: int, indices: ArrayLike, num: int) -> NDArray[np.float64]:
    """Draw ``num`` uniform numbers for every index, in any order and any portion, always the same ones.

    The key is the seed; the counter holds the index (two words) and the number of the block. Each block of
    four words gives two doubles: words 0 and 1 (high, low) the first, words 2 and 3 the second, of which the
    upper 53 bits are used.

    Args:
        seed: 0 to 2**64 - 1; take it from `derive_seed` so that no two purposes share a sequence.
        indices: ``(n,)`` integers from 0.
        num: Numbers wanted for each index.

    Returns:
        ``(n, num)`` in [0, 1). A larger ``num`` keeps the first columns as they are.

    Raises:
        OptionError: The seed does not fit 64 bits.

    Example:
        >>> uniforms(7, [5, 6], 3)[1].tolist() == uniforms(7, [6], 3)[0].tolist()
        True
    """
    if not 0 <= seed < 1 << 64:
        raise OptionError(f"A seed lies between 0 and 2**64 - 1, but {seed} came; choose one in that range.")
    index = np.atleast_1d(np.asarray(indices, dtype=np.int64)).astype(np.uint64)
    blocks = (num + 1) // 2
    counter = np.zeros((4, len(index), blocks), np.uint64)
    counter[0] = (index & np.uint64(0xFFFFFFFF))[:, None]
    counter[1] = (index >> np.uint64(32))[:, None]
    counter[2] = np.arange(blocks, dtype=np.uint64)
    words = philox4x32(counter.reshape(4, -1), (seed & 0xFFFFFFFF, seed >> 32))
    pairs = (words[0::2] << np.uint64(32)) | words[1::2]
    doubles = (pairs >> np.uint64(64 - _BITS_OF_DOUBLE)) * 2.0**-_BITS_OF_DOUBLE
    return np.asarray(doubles.T.reshape(len(index), 2 * blocks)[:, :num])
