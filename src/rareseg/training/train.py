"""Train one strategy with one seed, from scratch or from where it stopped."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.config.study import BudgetSettings, RecordSettings
from rareseg.data.store import PixelStore
from rareseg.device import Precision
from rareseg.losses.terms import build_loss
from rareseg.models.network import Network
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.exposure import ExposureCounter
from rareseg.sampling.plans import build_plan
from rareseg.sampling.seeds import derive_seed
from rareseg.sampling.stream import PatchStream
from rareseg.strategies.strategy import Strategy
from rareseg.training.allocator import tune_allocator
from rareseg.training.augmentation import AugmentationSettings
from rareseg.training.checkpoint import load_checkpoint
from rareseg.training.patch_data import PatchData, patch_loader
from rareseg.training.recorder import LATEST, Recorder, StepReport
from rareseg.training.task import SegmentationTask

__all__ = ["TrainOutcome", "TrainingData", "train"]


@dataclass(frozen=True)
class TrainingData:
    """What training may see: pixels and class locations of the train split only."""

    store: PixelStore
    locations: ClassLocations
    class_names: tuple[str, ...]

    @property
    def class_pixels(self) -> NDArray[np.int64]:
        """Pixels of each class in the train split, ``(k,)``."""
        return self.locations.class_pixels


@dataclass(frozen=True)
class TrainOutcome:
    """How training ended."""

    step: int
    interrupted: bool
    seconds: float
    exposure: ExposureCounter
    planned: dict[str, dict[str, float]]


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
    num_workers: int = 0,
) -> TrainOutcome:
    """Train ``network`` in place; on return it holds the weights of the last step.

    Continues from ``latest.safetensors`` in ``folder`` where there is one. Patches, random numbers and learning
    rates are functions of (seed, step), so on a CPU the result is bit for bit that of an uninterrupted run.

    Args:
        strategy: What to train with.
        network: Freshly initialised network.
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
        num_workers: Processes that fetch patches; 0 fetches in this one.

    Raises:
        NonFiniteLossError: The loss became NaN or infinite.
        ConfigError: The strategy names something unknown.
    """
    streams, planned = _build_streams(strategy, data, seed=seed, budget=budget)
    task = _build_task(strategy, network, data, seed=seed, budget=budget)
    exposure = ExposureCounter(
        class_names=data.class_names, samples=[region.sample for region in data.store.regions]
    )
    network.to(device).train()
    # The stubs of torch know no memory_format for modules.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    start, book = _resume(folder / LATEST, task, exposure)
    if start >= budget.steps:
        return TrainOutcome(start, False, book["elapsed"], exposure, planned)
    recorder = Recorder(
        folder,
        start=start,
        record=record,
        exposure=exposure,
        elapsed=book.get("elapsed", 0.0),
        recent_losses=book.get("recent_losses", []),
        validate=lambda: validate(network),
        describe=lambda where: _describe_windows(where, data.store, budget.patch_size),
        on_step=on_step,
        stop_requested=stop_requested,
    )
    if device == "cpu":
        tune_allocator()
    loader = patch_loader(
        PatchData(data.store, streams),
        start=start,
        num_workers=num_workers,
        pin_memory=device.startswith("cuda"),
    )
    _fit(task, loader, recorder, folder, device=device, precision=precision, clip=strategy.clip_gradient)
    return TrainOutcome(recorder.done, recorder.interrupted, recorder.elapsed, exposure, planned)


def _build_streams(
    strategy: Strategy, data: TrainingData, *, seed: int, budget: BudgetSettings
) -> tuple[list[tuple[int, PatchStream]], dict[str, dict[str, float]]]:
    streams = []
    planned: dict[str, dict[str, float]] = {"pixels": {}, "patches_with": {}}
    fixes_pixels = True
    for phase in strategy.phases_of(budget.steps):
        plan = build_plan(
            phase.sampling,
            regions=data.store.regions,
            locations=data.locations,
            patch_size=budget.patch_size,
            class_names=data.class_names,
        )
        stream = PatchStream(plan, seed=derive_seed(seed, "patches"), batch_size=budget.batch_size)
        streams.append((phase.end, stream))
        share = (phase.end - phase.start) / budget.steps
        for kind, shares in (("pixels", plan.planned), ("patches_with", plan.planned_patches)):
            for name, value in shares.items():
                planned[kind][name] = planned[kind].get(name, 0.0) + share * value
        fixes_pixels &= bool(plan.planned)
    if not fixes_pixels:
        planned["pixels"] = {}
    return streams, planned


def _build_task(
    strategy: Strategy, network: Network, data: TrainingData, *, seed: int, budget: BudgetSettings
) -> SegmentationTask:
    phases = strategy.phases_of(budget.steps)
    losses = [
        build_loss(phase.loss, class_pixels=data.class_pixels.tolist(), class_names=data.class_names)
        for phase in phases
    ]
    return SegmentationTask(
        network,
        phases=phases,
        losses=losses,
        optimizer=strategy.optimizer,
        schedule=strategy.schedule,
        augmentation=AugmentationSettings.parse(strategy.augmentation, patch_size=budget.patch_size),
        seed=seed,
    )


def _resume(path: Path, task: SegmentationTask, exposure: ExposureCounter) -> tuple[int, dict[str, Any]]:
    if not path.exists():
        return 0, {}
    optimizer = task.configure_optimizers()
    book = load_checkpoint(path, network=task.network, optimizer=optimizer)
    task.resume_optimizer_from(optimizer)
    exposure.load_state(book["exposure"])
    return int(book["step"]), book


def _fit(
    task: SegmentationTask,
    loader: Any,
    recorder: Recorder,
    folder: Path,
    *,
    device: str,
    precision: Precision,
    clip: float | None,
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
            gradient_clip_val=clip,
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
