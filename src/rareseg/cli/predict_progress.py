"""What ``rareseg predict`` shows while it works: images, megapixels, their number in a second, and the time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rareseg.inference.predict_job import JobWatcher

__all__ = ["PredictProgress"]

_SECONDS = 60.0
"""Between two lines where standard error is no terminal."""


class PredictProgress(JobWatcher):
    """A bar on standard error; where that is no terminal, a line a minute.

    Args:
        num_images: Of the job.
        num_pixels: Of all images together.
        quiet: Whether to show nothing at all.
    """

    def __init__(self, *, num_images: int, num_pixels: int, quiet: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._quiet = quiet
        self._num_images, self._num_pixels = num_images, num_pixels
        self._images = self._pixels = self._pixels_now = 0
        self._console = Console(stderr=True, quiet=quiet)
        columns = (TextColumn("predicting {task.fields[images]}"), BarColumn(bar_width=24))
        self._bar = Progress(
            *columns,
            TextColumn("{task.fields[figures]}"),
            console=self._console,
            transient=True,
            disable=quiet,
        )
        self._task = self._bar.add_task("", total=max(num_pixels, 1), images="", figures="")

    def __enter__(self) -> Self:
        self._started = self._said = time.monotonic()
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def moved(self, pixels: int, *, now: bool, images: int = 0) -> None:
        """Count, and show what was counted."""
        self._images += images
        self._pixels += pixels
        self._pixels_now += pixels if now else 0
        shown, figures = f"{self._images}/{self._num_images}", self._figures()
        self._bar.update(self._task, completed=self._pixels, images=shown, figures=figures)
        if not self._console.is_terminal and time.monotonic() - self._said > _SECONDS:
            self._said = time.monotonic()
            self.note(f"predicted {shown} images, {figures}")

    def _figures(self) -> str:
        done = f"{self._pixels / 1e6:.1f}/{self._num_pixels / 1e6:.1f} megapixels"
        elapsed = time.monotonic() - self._started
        if not self._pixels_now or elapsed <= 0:
            return done
        speed = self._pixels_now / elapsed
        left = round(max(0, self._num_pixels - self._pixels) / speed)
        return (
            f"{done}, {speed / 1e6:.2f} a second, {left // 3600}:{left // 60 % 60:02d}:{left % 60:02d} left"
        )
