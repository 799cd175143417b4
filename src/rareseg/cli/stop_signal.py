"""Ctrl-C and SIGTERM: finish the step, save, then stop."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any, Self

__all__ = ["StopSignal"]

_STEP_AT_MOST = 20.0


class StopSignal:
    """While in use, the first Ctrl-C asks training to stop after its step; a second one stops at once.

    Outside of training (nobody has asked for `requested` lately) the first one stops at once too. Files are
    written whole or not at all, so either is safe.
    """

    def __init__(self) -> None:
        self._requested = False
        self._asked_at = 0.0
        self._previous: dict[int, Any] = {}

    def requested(self) -> bool:
        """Whether the user wants to stop; training asks this after each step."""
        self._asked_at = time.monotonic()
        return self._requested

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._requested or time.monotonic() - self._asked_at > _STEP_AT_MOST:
            raise KeyboardInterrupt
        self._requested = True
        print("stopping after this step; press Ctrl-C again to stop at once", file=sys.stderr)
