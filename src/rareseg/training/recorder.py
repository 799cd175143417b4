"""The callback that logs, validates, checkpoints, guards against non-finite losses and stops on request."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch

from rareseg.config.recipe import EarlyStoppingSettings
from rareseg.config.study import RecordSettings
from rareseg.errors import NonFiniteLossError
from rareseg.models.weights_file import save_weights
from rareseg.sampling.exposure import ExposureCounter
from rareseg.training.checkpoint import save_checkpoint
from rareseg.training.run_log import RunLog
from rareseg.training.task import SegmentationTask
from rareseg.training.term_log import TermLog

__all__ = ["LATEST", "Recorder", "StepReport", "logs_at"]

LATEST = "latest.safetensors"


def logs_at(step: int, steps: int, record: RecordSettings) -> bool:
    """Whether the step that ends with this number gets a row in log.csv."""
    return (
        step % record.log_every == 0 or _validates_at(step, steps, record) or step in record.checkpoint_steps
    )


def _validates_at(step: int, steps: int, record: RecordSettings) -> bool:
    return step % (record.validate_every or max(1, steps // 10)) == 0 or step == steps


@dataclass(frozen=True)
class StepReport:
    """What a progress bar shows after a step."""

    step: int
    steps: int
    loss: float
    val_score: float | None
    patches_per_second: float


class Recorder(lightning.Callback):
    """Everything that is written while one run trains.

    Args:
        folder: The run's folder.
        start: Steps that are already done.
        record: When to log, validate and checkpoint.
        exposures: Counts what each part saw, by its name; continued from the checkpoint on resume.
        elapsed: Training seconds of earlier sessions.
        recent_losses: Losses since the last row of the log, from the checkpoint.
        early_stopping: When to end before the budget does.
        keeps_best: Whether the weights of the best validation score are kept.
        validate: Gives the validation score of the network as it stands.
        describe: Names the windows of a batch for the message on a non-finite loss.
        on_step: Called after each logged step.
        stop_requested: Asked after each step; True ends training after a checkpoint.
    """

    def __init__(
        self,
        folder: Path,
        *,
        start: int,
        record: RecordSettings,
        exposures: Mapping[str, ExposureCounter],
        elapsed: float,
        recent_losses: Sequence[float],
        early_stopping: EarlyStoppingSettings | None,
        keeps_best: bool,
        validate: Callable[[], float],
        describe: Callable[[dict[str, Any]], str],
        on_step: Callable[[StepReport], None],
        stop_requested: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._record = record
        self._exposures = exposures
        self._early_stopping = early_stopping
        self._keeps_best = keeps_best
        self._validate = validate
        self._describe = describe
        self._on_step = on_step
        self._stop_requested = stop_requested
        self._log = RunLog(folder / "log.csv", keep_until=start)
        self._terms = TermLog(folder / "terms.csv", keep_until=start)
        self._elapsed_before = elapsed
        self._pending: list[tuple[torch.Tensor, dict[str, Any]]] = []
        self._losses = list(recent_losses)
        self._val_score: float | None = None
        self.done = start
        self.ended = False
        self.interrupted = False
        self._start = start
        self._trained_seconds = 0.0
        self._mark = time.perf_counter()
        self._saved_at = time.perf_counter()
        self._patches_since_log = 0

    @property
    def elapsed(self) -> float:
        """Seconds spent in training steps, without validation and checkpoints, over all sessions."""
        return self._elapsed_before + self._trained_seconds

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Start the clock of the first step."""
        if self.done == self._start:
            self._mark = time.perf_counter()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Book one step: exposure, log, validation, checkpoint, in this order."""
        task: SegmentationTask = pl_module
        self.done = batch["step"] + 1
        for counter, part in zip(self._exposures.values(), batch["parts"], strict=True):
            counter.add(part["region_index"].numpy(), part["host_masks"].numpy())
            self._patches_since_log += len(part["region_index"])
        keys = ("region_index", "rows", "cols")
        where = {
            "step": batch["step"],
            "parts": [{key: part[key] for key in keys} for part in batch["parts"]],
        }
        self._pending.append((outputs["losses"], where))
        last = self.done == task.steps
        if logs_at(self.done, task.steps, self._record):
            self._write_row(task, batch["step"])
            self.ended = last or task.history.should_stop(self._early_stopping)
        if self.done in self._record.checkpoint_steps or self.ended:
            self._check_finite()
            self._save_weights(task, f"step-{self.done:06d}.safetensors")
        stop = self._stop_requested()
        due = time.perf_counter() - self._saved_at >= self._record.checkpoint_seconds
        if self.ended or stop or due:
            self.save(trainer, task)
        self.interrupted = stop and not self.ended
        if stop or self.ended:
            trainer.should_stop = True

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Close the logs when training breaks off."""
        self._close()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Close the logs."""
        self._close()

    def save(self, trainer: Any, task: SegmentationTask) -> None:
        """Write the checkpoint that a resumed run continues from."""
        self._check_finite()
        started = time.perf_counter()
        save_checkpoint(
            self._folder / LATEST,
            network=task.network,
            optimizer=trainer.optimizers[0],
            average=None if task.average is None else task.average.average,
            bookkeeping={
                "step": self.done,
                "ended": self.ended,
                "elapsed": self.elapsed + (started - self._mark),
                "exposures": {name: counter.state() for name, counter in self._exposures.items()},
                "history": task.history.state(),
                "recent_losses": self._losses,
            },
        )
        self._saved_at = time.perf_counter()
        self._mark += self._saved_at - started

    def _write_row(self, task: SegmentationTask, step: int) -> None:
        self._check_finite()
        now = time.perf_counter()
        seconds = max(now - self._mark, 1e-9)
        self._trained_seconds += seconds
        rate = self._patches_since_log / seconds
        # The rate of the step just made; a validation may change that of the next.
        lr = task.learning_rate(step)
        score = None
        if _validates_at(self.done, task.steps, self._record):
            score = self._val_score = self._score(task)
        loss = sum(self._losses) / len(self._losses)
        self._log.append(
            self.done,
            loss=loss,
            lr=lr,
            val_score=score,
            patches_per_second=rate,
            elapsed_seconds=self.elapsed,
        )
        self._terms.append(self.done, task.shares)
        self._on_step(StepReport(self.done, task.steps, loss, self._val_score, rate))
        self._losses.clear()
        self._patches_since_log = 0
        self._mark = time.perf_counter()

    def _score(self, task: SegmentationTask) -> float:
        """Validate the weights that would be judged; keep them where they are the best so far."""
        with _judged_weights(task):
            score = self._validate()
        if task.history.add(self.done, score) and self._keeps_best:
            self._save_weights(task, f"best-{self.done:06d}.safetensors")
            for older in self._folder.glob("best-*.safetensors"):
                if int(older.stem.removeprefix("best-")) < self.done:
                    older.unlink()
        task.network.train()
        return score

    def _save_weights(self, task: SegmentationTask, name: str) -> None:
        with _judged_weights(task):
            save_weights(self._folder / name, task.network, metadata={})

    def _check_finite(self) -> None:
        """Fetch the losses since the last check; raise at the first that is not finite, before anything is saved."""
        if not self._pending:
            return
        values = torch.stack([losses.float() for losses, _ in self._pending]).tolist()
        for (_, where), losses in zip(self._pending, values, strict=True):
            for value, part in zip(losses, where["parts"], strict=True):
                if not math.isfinite(value):
                    raise NonFiniteLossError(
                        f"The loss became {value} at step {where['step'] + 1}; its batch was {self._describe(part)}. "
                        "Lower optimizer.lr, set clip_gradient: 1.0 or precision: float32 in study.yaml, and look at "
                        "these windows."
                    )
        self._losses.extend(sum(losses) / len(losses) for losses in values)
        self._pending.clear()

    def _close(self) -> None:
        self._log.close()
        self._terms.close()


def _judged_weights(task: SegmentationTask) -> contextlib.AbstractContextManager[None]:
    """Inside, the network holds the weights that are validated, kept and judged."""
    return contextlib.nullcontext() if task.average is None else task.average.in_place()
