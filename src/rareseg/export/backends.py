"""Programs that can run a bundle, and which of them to take."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from rareseg.errors import MissingExtraError, OptionError, UnknownNameError
from rareseg.inference.engine import Engine

__all__ = ["BACKENDS", "Backend", "fastest", "possible_backends"]


@dataclass(frozen=True)
class Backend:
    """One program.

    Attributes:
        formats: Formats that it can run, the best first.
        package: What must be installed for it, and the extra that brings it; None where nothing must.
    """

    formats: tuple[str, ...]
    package: tuple[str, str] | None = None


BACKENDS: Mapping[str, Backend] = {
    "torch": Backend(("safetensors",)),
    "onnxruntime": Backend(("onnx",), ("onnxruntime", "onnx")),
    "openvino": Backend(("openvino", "onnx"), ("openvino", "openvino")),
}
"""From the name that ``--backend`` takes to what it needs."""


def possible_backends(formats: set[str], asked: str) -> dict[str, str]:
    """Backends that can run a bundle here, each with the format that it takes.

    Args:
        formats: Formats that the bundle holds.
        asked: Name of a backend, or ``auto`` for all that are installed.

    Raises:
        UnknownNameError: There is no such backend.
        OptionError: The bundle holds no format that the backend can run.
        MissingExtraError: The backend is not installed, or none that could run the bundle is.
    """
    if asked != "auto" and asked not in BACKENDS:
        raise UnknownNameError("backend", asked, ["auto", *BACKENDS])
    names = [asked] if asked != "auto" else list(BACKENDS)
    fitting = {
        name: next((form for form in BACKENDS[name].formats if form in formats), None) for name in names
    }
    able = {name: form for name, form in fitting.items() if form is not None}
    if not able:
        raise OptionError(
            f"The bundle holds {', '.join(sorted(formats))}, which {asked} cannot run; export the run with --format "
            f"{BACKENDS[names[0]].formats[0]} too, or leave --backend out."
        )
    found = {name: form for name, form in able.items() if _is_installed(name)}
    if not found:
        package, extra = BACKENDS[next(iter(able))].package or ("torch", "")
        raise MissingExtraError(package, extra=extra, purpose="Running this bundle")
    return found


def fastest(
    engines: Mapping[str, Callable[[], Engine]], *, tile: int, repeats: int = 3
) -> tuple[str, Engine]:
    """Open every engine, time a small tile on each in turn, and keep the one with the least median.

    Args:
        engines: What opens each engine.
        tile: Rows and columns of the tiles that it will get; at most 512 are timed.
        repeats: Rounds, after one that is not counted.
    """
    opened = {name: open_engine() for name, open_engine in engines.items()}
    if len(opened) == 1:
        return next(iter(opened.items()))
    taken: dict[str, list[float]] = {name: [] for name in opened}
    for number in range(repeats + 1):
        for name, engine in opened.items():
            side = max(engine.stride, min(tile, 512) // engine.stride * engine.stride)
            mean = np.asarray(engine.mean, np.float32)[None, :, None, None]
            batch = torch.from_numpy(np.broadcast_to(mean, (1, len(engine.mean), side, side)).copy())
            start = time.perf_counter()
            engine.run(batch)
            if number:
                taken[name].append(time.perf_counter() - start)
    best = min(taken, key=lambda name: statistics.median(taken[name]))
    return best, opened[best]


def _is_installed(name: str) -> bool:
    package = BACKENDS[name].package
    return package is None or importlib.util.find_spec(package[0]) is not None
