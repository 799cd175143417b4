"""How much memory this process may still take."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["free_memory"]

_CAUTIOUS = 4 << 30


def free_memory() -> int:
    """Bytes that can be taken without swapping: the machine's, or a container's where that is less.

    Where the system does not say, half of the memory that is built in, else 4 GiB.

    Example:
        >>> free_memory() > 0
        True
    """
    limits = [value for value in (_machine(), _container()) if value is not None]
    return min(limits) if limits else _built_in()


def _machine() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None


def _container() -> int | None:
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = (folder / "memory.current").read_text().strip()
    except OSError:
        return None
    return max(int(limit) - int(used), 0) if limit.isdigit() else None


def _built_in() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return _CAUTIOUS
