"""Time several ways of doing one thing in turn, and tell how much memory each of them takes.

    from timing import compare, format_table
    timings = compare({"plain": plain, "ours": ours}, repeats=9)
    print(format_table(timings, work=12.5, unit="megapixels"))

The first entry is the plain way: ratios are its median time over the other's: 3.0 is three times faster.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import resource
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

__all__ = ["Timing", "compare", "format_table", "peak_memory"]


@dataclass(frozen=True)
class Timing:
    """One way's times in seconds and its memory in bytes.

    ``steady`` is False where the median stayed above twice the minimum in every attempt: another process was
    using the machine, and the figures should not be quoted. ``peak_bytes`` is None where it was not measured.
    """

    name: str
    median: float
    minimum: float
    ratio: float
    peak_bytes: int | None
    steady: bool


def compare(
    ways: Mapping[str, Callable[[], Any]], *, repeats: int = 9, attempts: int = 3, memory: bool = True
) -> list[Timing]:
    """Time every way ``repeats`` times, one after the other in each round, after one unmeasured call.

    Args:
        ways: Name and function without arguments; the first is what the ratios refer to.
        repeats: Rounds.
        attempts: How often all rounds are done again when one way's median is over twice its minimum.
        memory: Whether to measure peak memory too, which calls every way once more.
    """
    for way in ways.values():
        way()
    for _ in range(attempts):
        times = _rounds(ways, repeats)
        steady = {name: statistics.median(taken) <= 2 * min(taken) for name, taken in times.items()}
        if all(steady.values()):
            break
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    plain = next(iter(medians.values()))
    return [
        Timing(
            name=name,
            median=medians[name],
            minimum=min(times[name]),
            ratio=plain / medians[name],
            peak_bytes=peak_memory(way) if memory else None,
            steady=steady[name],
        )
        for name, way in ways.items()
    ]


def format_table(timings: Sequence[Timing], *, work: float | None = None, unit: str = "") -> str:
    """Lay timings out as text; ``work`` is how many ``unit`` one call does, for a column of rates."""
    width = max(len(timing.name) for timing in timings)
    head = f"{'way':<{width}}  {'median ms':>10}  {'min ms':>10}  {'ratio':>7}  {'peak MiB':>9}"
    lines = [head if work is None else f"{head}  {unit}/s"]
    for timing in timings:
        peak = "-" if timing.peak_bytes is None else f"{timing.peak_bytes / 2**20:.1f}"
        line = (
            f"{timing.name:<{width}}  {timing.median * 1e3:>10.3f}  {timing.minimum * 1e3:>10.3f}"
            f"  {timing.ratio:>7.2f}  {peak:>9}"
        )
        rate = "" if work is None else f"  {work / timing.median:.4g}"
        lines.append(line + rate + ("" if timing.steady else "  (unsteady: median over twice the minimum)"))
    return "\n".join(lines)


def peak_memory(way: Callable[[], Any], *, timeout: float = 120.0) -> int | None:
    """Bytes that one call adds at its peak to what the process held before.

    On Linux a forked child calls ``way`` and its resident set is read, so that memory of torch and numba
    counts too; elsewhere tracemalloc sees what Python and numpy allocate. None if the call does not work in
    a child (such as one that uses a GPU).
    """
    gc.collect()
    if sys.platform != "linux":
        tracemalloc.start()
        way()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak
    # Freed heap pages still count as resident and would hide what the call takes: hand them back first.
    getattr(ctypes.CDLL(None), "malloc_trim", bool)(0)
    fork = multiprocessing.get_context("fork")
    reader, writer = fork.Pipe(duplex=False)
    child = fork.Process(target=_measure, args=(way, writer), daemon=True)
    child.start()
    writer.close()
    try:
        peak = reader.recv() if reader.poll(timeout) else None
    except EOFError:
        peak = None
    if peak is None:
        child.kill()
    child.join()
    return peak


def _measure(way: Callable[[], Any], writer: Connection) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    way()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    writer.send((after - before) * 1024)


def _rounds(ways: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return times
