"""The callback that logs, validates, checkpoints, guards against non-finite losses and stops on request."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch

from rareseg.config.study import RecordSettings
from rareseg.errors import NonFiniteLossError
from rareseg.models.weights_file import save_weights
from rareseg.sampling.exposure import ExposureCounter
from rareseg.training.checkpoint import save_checkpoint
from rareseg.training.run_log import RunLog
from rareseg.training.task import SegmentationTask

__all__ = ["Recorder", "StepReport"]

LATEST = "latest.safetensors"


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
        exposure: Counts what the network saw; continued from the checkpoint on resume.
        elapsed: Training seconds of earlier sessions.
        recent_losses: Losses since the last row of the log, from the checkpoint.
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
        exposure: ExposureCounter,
        elapsed: float,
        recent_losses: Sequence[float],
        validate: Callable[[], float],
        describe: Callable[[dict[str, Any]], str],
        on_step: Callable[[StepReport], None],
        stop_requested: Callable[[], bool],
    ) -> None:
        self._folder = folder
        self._record = record
        self._exposure = exposure
        self._validate = validate
        self._describe = describe
        self._on_step = on_step
        self._stop_requested = stop_requested
        self._log = RunLog(folder / "log.csv", keep_until=start)
        self._elapsed_before = elapsed
        self._pending: list[tuple[torch.Tensor, dict[str, Any]]] = []
        self._losses = list(recent_losses)
        self._val_score: float | None = None
        self.done = start
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
        step = batch["step"]
        self._exposure.add(batch["region_index"].numpy(), batch["host_masks"].numpy())
        where = {key: batch[key] for key in ("step", "region_index", "rows", "cols")}
        self._pending.append((outputs["loss"].detach(), where))
        self._patches_since_log += batch["images"].shape[0]
        self.done = step + 1
        last = self.done == task.steps
        every = self._record.validate_every or max(1, task.steps // 10)
        validates = self.done % every == 0 or last
        if self.done % self._record.log_every == 0 or validates or self.done in self._record.checkpoint_steps:
            self._write_row(task, step, validates=validates)
        if self.done in self._record.checkpoint_steps or last:
            self._check_finite()
            save_weights(self._folder / f"step-{self.done:06d}.safetensors", task.network, metadata={})
        stop = self._stop_requested()
        due = time.perf_counter() - self._saved_at >= self._record.checkpoint_seconds
        if last or stop or due:
            self.save(trainer, task)
        if stop and not last:
            self.interrupted = True
            trainer.should_stop = True

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Close the log when training breaks off."""
        self._log.close()

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Close the log."""
        self._log.close()

    def save(self, trainer: Any, task: SegmentationTask) -> None:
        """Write the checkpoint that a resumed run continues from."""
        self._check_finite()
        started = time.perf_counter()
        save_checkpoint(
            self._folder / LATEST,
            network=task.network,
            optimizer=trainer.optimizers[0],
            bookkeeping={
                "step": self.done,
                "elapsed": self.elapsed + (started - self._mark),
                "exposure": self._exposure.state(),
                "val_score": self._val_score,
                "recent_losses": self._losses,
            },
        )
        self._saved_at = time.perf_counter()
        self._mark += self._saved_at - started

    def _write_row(self, task: SegmentationTask, step: int, *, validates: bool) -> None:
        self._check_finite()
        now = time.perf_counter()
        seconds = max(now - self._mark, 1e-9)
        self._trained_seconds += seconds
        rate = self._patches_since_log / seconds
        score = None
        if validates:
            score = self._val_score = self._validate()
            task.network.train()
        loss = sum(self._losses) / len(self._losses)
        self._log.append(
            self.done,
            loss=loss,
            lr=task.learning_rate(step),
            val_score=score,
            patches_per_second=rate,
            elapsed_seconds=self.elapsed,
        )
        self._on_step(StepReport(self.done, task.steps, loss, self._val_score, rate))
        self._losses.clear()
        self._patches_since_log = 0
        self._mark = time.perf_counter()

    def _check_finite(self) -> None:
        """Fetch the losses since the last check; raise at the first that is not finite, before anything is saved."""
        if not self._pending:
            return
        values = torch.stack([loss.float() for loss, _ in self._pending]).tolist()
        for (_, where), value in zip(self._pending, values, strict=True):
            if not math.isfinite(value):
                raise NonFiniteLossError(
                    f"The loss became {value} at step {where['step'] + 1}; its batch was {self._describe(where)}. "
                    "Lower optimizer.lr, set clip_gradient: 1.0 or precision: float32 in study.yaml, and look at "
                    "these windows."
                )
        self._losses.extend(values)
        self._pending.clear()
