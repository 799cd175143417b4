"""Seeds for separate purposes from the one seed of a run."""

from __future__ import annotations

import hashlib
import json

__all__ = ["derive_seed"]


def derive_seed(seed: int, *names: str | int) -> int:
    """Return a seed for one purpose, the same on every machine and in every version of Python.

    Windows, initial weights, augmentation and bootstrap of one run each take their own, so that none of them
    repeats or correlates with another's numbers.

    Args:
        seed: The seed of the run.
        names: What it is for, as words and numbers.

    Returns:
        An integer from 0 to 2**64 - 1, a keyless BLAKE2b digest of the arguments.

    Example:
        >>> derive_seed(0, "patches") == derive_seed(0, "init")
        False
    """
    text = json.dumps([seed, *names], ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
