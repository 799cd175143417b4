"""Settings of the C library's memory allocator that suit large tensors on a CPU."""

from __future__ import annotations

import ctypes
import ctypes.util
import platform

__all__ = ["tune_allocator"]

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_GIBIBYTE = 1 << 30


def tune_allocator() -> bool:
    """Keep freed memory in the process instead of handing it back after every step.

    Activations of a few hundred megabytes are otherwise mapped, zeroed and unmapped by the kernel in each
    step or tile. Works on glibc only and does nothing elsewhere.

    Returns:
        Whether the settings were taken.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        library = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6")
        values = (
            (_M_MMAP_THRESHOLD, _GIBIBYTE),
            (_M_TRIM_THRESHOLD, 2 * _GIBIBYTE - 1),
            (_M_TOP_PAD, 1 << 28),
        )
        return all([library.mallopt(option, value) == 1 for option, value in values])  # noqa: C419 (set all three)
    except (OSError, AttributeError):
        return False
