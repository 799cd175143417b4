"""The counter-based generator under every random window: Philox 4x32-10, vectorised."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["philox4x32"]

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_NUM_ROUNDS = 10
_LOW_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


def philox4x32(counter: NDArray[np.uint64], key: tuple[int, int]) -> NDArray[np.uint64]:
    """Encipher counters into random words; equal counter and key always give equal words.

    Use it where number ``i`` of a sequence is wanted without the numbers before it.

    Args:
        counter: ``(4, n)``, words below 2**32.
        key: Two words below 2**32.

    Returns:
        ``(4, n)`` random words below 2**32.

    Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

    Example:
        >>> words = philox4x32(np.zeros((4, 1), np.uint64), (0, 0))
        >>> [f"{int(word):08x}" for word in words[:, 0]]
        ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    multipliers = np.array(_MULTIPLIERS, np.uint64)[:, None]
    even, odd = counter[0::2], counter[1::2]  # words 0 and 2 are multiplied, words 1 and 3 are mixed in
    for keys in _round_keys(key):
        product = (even * multipliers)[::-1]  # the two halves change places in every round
        even, odd = (product >> _HALF) ^ odd ^ keys, product & _LOW_WORD
    words = np.empty_like(counter)
    words[0::2], words[1::2] = even, odd
    return words


def _round_keys(key: tuple[int, int]) -> NDArray[np.uint64]:
    """``(rounds, 2, 1)``: the key of each round, which grows by a fixed step modulo 2**32."""
    rounds = np.arange(_NUM_ROUNDS, dtype=np.uint64)[:, None]
    keys = (np.array(key, np.uint64) + rounds * np.array(_KEY_STEPS, np.uint64)) & _LOW_WORD
    return np.asarray(keys[:, :, None])
