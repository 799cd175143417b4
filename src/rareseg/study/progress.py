"""What a study tells its user while it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rareseg.training.recorder import StepReport

__all__ = ["Progress", "RichProgress"]


class Progress:
    """Takes note of nothing; the base of progress displays."""

    def note(self, text: str) -> None:
        """A line worth keeping."""

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Callable[[int, int], None]]:
        """A piece of work; the value is called with (done, total)."""
        yield lambda done, total: None

    @contextmanager
    def training(self, title: str, *, start: int, steps: int) -> Iterator[Callable[[StepReport], None]]:
        """A training run; the value is called after each logged step."""
        yield lambda report: None


class RichProgress(Progress):
    """Progress bars in the terminal, on standard error; plain lines where that is no terminal."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)

    def note(self, text: str) -> None:
        """Print a line."""
        self._console.print(text, highlight=False, soft_wrap=True)

    @contextmanager
    def task(self, title: str, total: int | None = None) -> Iterator[Callable[[int, int], None]]:
        """A bar with share done and time left."""
        from rich.progress import BarColumn, MofNCompleteColumn, TimeRemainingColumn

        with self._bar(MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(compact=True)) as bar:
            task = bar.add_task(title, total=total)
            yield lambda done, total: bar.update(task, completed=done, total=total)

    @contextmanager
    def training(self, title: str, *, start: int, steps: int) -> Iterator[Callable[[StepReport], None]]:
        """A bar with loss, validation score, speed and time left."""
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

        columns = (
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(compact=True),
        )
        with self._bar(*columns) as bar:
            task = bar.add_task(title, total=steps, completed=start, figures="")

            shown: float | None = None

            def update(report: StepReport) -> None:
                nonlocal shown
                score = "" if report.val_score is None else f" rare Dice {report.val_score:.3f}"
                figures = f"loss {report.loss:.4f}{score} {report.patches_per_second:.1f} patches/s"
                bar.update(task, completed=report.step, figures=figures)
                if not self._console.is_terminal and report.val_score != shown:
                    shown = report.val_score
                    self.note(f"{title}: step {report.step} of {report.steps} {figures}")

            yield update

    def _bar(self, *columns: Any) -> Any:
        from rich.progress import Progress as Bar
        from rich.progress import TextColumn

        return Bar(TextColumn("{task.description}"), *columns, console=self._console, transient=True)
