"""Train one strategy with one seed, from scratch or from where it stopped."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch

from rareseg.allocator import tune_allocator
from rareseg.config.study import BudgetSettings, RecordSettings
from rareseg.data.store import PixelStore
from rareseg.device import Precision
from rareseg.models.network import Network
from rareseg.sampling.exposure import ExposureCounter
from rareseg.strategies.strategy import Strategy
from rareseg.training.checkpoint import load_checkpoint
from rareseg.training.lay_out import LaidOutPart, TrainingData, lay_out
from rareseg.training.patch_data import PatchData, patch_loader
from rareseg.training.planned_exposure import planned_exposure
from rareseg.training.recorder import LATEST, Recorder, StepReport, logs_at
from rareseg.training.score_history import ScoreHistory
from rareseg.training.task import SegmentationTask

__all__ = ["TrainOutcome", "train"]


@dataclass(frozen=True)
class TrainOutcome:
    """How training ended.

    Attributes:
        step: Steps done.
        judged_step: Step of the weights that the recipe wants judged.
        interrupted: Whether a stop was requested before the end.
        seconds: Training seconds.
        exposures: What each part saw, by its name.
        planned: What the plans promised, see `planned_exposure`.
        parts: What was trained.
    """

    step: int
    judged_step: int
    interrupted: bool
    seconds: float
    exposures: dict[str, ExposureCounter]
    planned: dict[str, dict[str, float]]
    parts: tuple[LaidOutPart, ...]


def train(
    strategy: Strategy,
    network: Network,
    data: TrainingData,
    folder: Path,
    *,
    seed: int,
    budget: BudgetSettings,
    record: RecordSettings,
    device: str,
    precision: Precision,
    validate: Callable[[Network], float],
    on_step: Callable[[StepReport], None],
    stop_requested: Callable[[], bool],
    note: Callable[[str], None] = lambda text: None,
    num_workers: int = 0,
) -> TrainOutcome:
    """Train ``network`` in place; the weights to judge are in ``step-<judged_step>.safetensors`` of ``folder``.

    Continues from ``latest.safetensors`` in ``folder`` where there is one. Patches, random numbers and learning
    rates are functions of (seed, step), so on a CPU the result is bit for bit that of an uninterrupted run.

    Args:
        strategy: What to train with.
        network: Freshly initialised network, as the strategy's head builds it.
        data: The train split.
        folder: The run's folder.
        seed: Seed of the run.
        budget: Steps, batch size, patch size.
        record: When to log, validate and checkpoint.
        device: Torch device.
        precision: Number format.
        validate: Gives the validation score of the network.
        on_step: Called after each logged step.
        stop_requested: Asked after each step.
        note: Told what looks wrong but stops nothing.
        num_workers: Processes that fetch patches; 0 fetches in this one.

    Raises:
        NonFiniteLossError: The loss became NaN or infinite.
        ConfigError: The strategy names something unknown.
    """
    parts = lay_out(strategy, data, seed=seed, budget=budget)
    samples = [region.sample for region in data.store.regions]
    exposures = {
        part.part.name: ExposureCounter(class_names=data.class_names, samples=samples) for part in parts
    }
    network.to(device).train()
    # The stubs of torch know no memory_format for modules.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    task = SegmentationTask(
        network,
        parts=parts,
        steps=budget.steps,
        optimizer=strategy.optimizer,
        schedule=strategy.schedule,
        clip=strategy.clip_gradient,
        ema=strategy.ema,
        history=ScoreHistory(),
        logs=lambda step: logs_at(step, budget.steps, record),
        note=note,
        seed=seed,
    )
    book = _resume(folder / LATEST, task, exposures)

    def outcome(step: int, seconds: float, *, interrupted: bool = False) -> TrainOutcome:
        judged = step if interrupted else _keep_judged(strategy, folder, task.history, last=step)
        planned = planned_exposure(parts)
        return TrainOutcome(step, judged, interrupted, seconds, exposures, planned, parts)

    start = int(book.get("step", 0))
    if book.get("ended", False):
        return outcome(start, book["elapsed"])
    recorder = Recorder(
        folder,
        start=start,
        record=record,
        exposures=exposures,
        elapsed=book.get("elapsed", 0.0),
        recent_losses=book.get("recent_losses", []),
        early_stopping=strategy.early_stopping,
        keeps_best=strategy.weights == "best",
        validate=lambda: validate(network),
        describe=lambda where: _describe_windows(where, data.store, budget.patch_size),
        on_step=on_step,
        stop_requested=stop_requested,
    )
    if device == "cpu":
        tune_allocator()
    loader = patch_loader(
        PatchData(data.store, [part.feed for part in parts], fill=network.mean),
        start=start,
        num_workers=num_workers,
        pin_memory=device.startswith("cuda"),
    )
    _fit(task, loader, recorder, folder, device=device, precision=precision)
    return outcome(recorder.done, recorder.elapsed, interrupted=recorder.interrupted)


def _resume(path: Path, task: SegmentationTask, exposures: dict[str, ExposureCounter]) -> dict[str, Any]:
    """Put everything back to where the checkpoint was made; what it knows besides."""
    if not path.exists():
        return {}
    optimizer = task.configure_optimizers()
    average = None if task.average is None else task.average.average
    book = load_checkpoint(path, network=task.network, optimizer=optimizer, average=average)
    task.resume_optimizer_from(optimizer)
    task.history = ScoreHistory(book["history"])
    for name, counter in exposures.items():
        counter.load_state(book["exposures"].get(name, {}))
    return book


def _keep_judged(strategy: Strategy, folder: Path, history: ScoreHistory, *, last: int) -> int:
    """The step whose weights are judged. The best ones get the name of a kept step, of which they are the last."""
    best = history.best_step
    if strategy.weights == "last" or best is None:
        return last
    source, kept = (folder / f"{kind}-{best:06d}.safetensors" for kind in ("best", "step"))
    if source.exists():
        source.replace(kept)
    for later in folder.glob("step-*.safetensors"):
        if int(later.stem.removeprefix("step-")) > best:
            later.unlink()
    return best


def _fit(
    task: SegmentationTask,
    loader: Any,
    recorder: Recorder,
    folder: Path,
    *,
    device: str,
    precision: Precision,
) -> None:
    kind, _, number = device.partition(":")
    accelerator = {"cpu": "cpu", "cuda": "gpu", "mps": "mps"}[kind]
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # Lightning advises on loader workers, logging intervals and its own deprecations; none concerns the user.
        warnings.filterwarnings("ignore", module=r"lightning(\..*)?")
        warnings.filterwarnings("ignore", message=r".*(isinstance\(treespec, LeafSpec\)|lr_scheduler).*")
        trainer = lightning.Trainer(
            accelerator=accelerator,
            devices=[int(number)] if number else 1,
            precision="bf16-mixed" if precision == "bfloat16" else "32-true",
            max_epochs=1,
            callbacks=[recorder],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,
            num_sanity_val_steps=0,
            default_root_dir=folder,
        )
        trainer.fit(task, train_dataloaders=loader)


def _describe_windows(where: dict[str, Any], store: PixelStore, patch_size: Sequence[int]) -> str:
    """The first windows of a batch in the sample's own coordinates."""
    names = []
    for index, row, col in zip(where["region_index"][:4], where["rows"][:4], where["cols"][:4], strict=True):
        region = store.regions[int(index)]
        top, left = region.window.row + int(row), region.window.col + int(col)
        names.append(f"{region.sample} rows {top}..{top + patch_size[0]} cols {left}..{left + patch_size[1]}")
    more = len(where["rows"]) - len(names)
    return "; ".join(names) + (f"; and {more} more" if more > 0 else "")
