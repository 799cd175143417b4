"""One run of a study: train a strategy with a seed, judge it, leave its artefacts."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.artefacts import read_json, write_json
from rareseg.config.study import StudySettings
from rareseg.data.source import Source
from rareseg.data.splits import Splits, TestSplit, ValSplit
from rareseg.device import resolve_precision
from rareseg.errors import Interrupted, OptionError, TrainingError
from rareseg.inference.decision import build_decision
from rareseg.inference.predictor import Predictor
from rareseg.losses.terms import build_loss
from rareseg.models.build import build_model
from rareseg.models.cost import cost_table
from rareseg.models.network import Network
from rareseg.models.weights_file import load_weights
from rareseg.provenance import collect_provenance
from rareseg.sampling.plans import build_plan
from rareseg.sampling.seeds import derive_seed
from rareseg.strategies.heads import build_head
from rareseg.strategies.strategy import Strategy
from rareseg.study.evaluate import EvaluationTables, Judge, evaluate, quick_score
from rareseg.study.progress import Progress
from rareseg.study.run_folder import RunFolder
from rareseg.training.augmentation import AugmentationSettings
from rareseg.training.train import TrainingData, TrainOutcome, train
from rareseg.types import Region

__all__ = ["RunContext", "build_network", "run_one"]


@dataclass(frozen=True)
class RunContext:
    """What all runs of a study share."""

    settings: StudySettings
    source: Source
    splits: Splits
    judged: tuple[ValSplit | TestSplit, ...]
    training: TrainingData
    mean: tuple[float, ...]
    std: tuple[float, ...]
    bands: tuple[int, ...] | None
    pixels: Mapping[Region, NDArray[np.int64]]
    device: str
    num_workers: int
    progress: Progress

    def check(self, strategy: Strategy) -> None:
        """Build every part of a strategy once, so that mistakes show before anything is trained.

        Raises:
            ConfigError: A name or an option is wrong.
        """
        names, budget = self.training.class_names, self.settings.budget
        head = build_head(strategy.head)
        build_decision(strategy.decision)
        AugmentationSettings.parse(strategy.augmentation, patch_size=budget.patch_size)
        if strategy.schedule.warmup_steps >= budget.steps:
            raise OptionError(
                f"{strategy.name}: schedule.warmup_steps is {strategy.schedule.warmup_steps}, but the run has only "
                f"{budget.steps} steps; shorten the warm-up."
            )
        with torch.device("meta"):
            build_model(
                strategy.model, in_channels=self.source.num_bands, num_classes=head.num_outputs(len(names))
            )
        for phase in strategy.phases_of(budget.steps):
            build_loss(phase.loss, class_pixels=self.training.class_pixels.tolist(), class_names=names)
            build_plan(
                phase.sampling,
                regions=self.training.store.regions,
                locations=self.training.locations,
                patch_size=budget.patch_size,
                class_names=names,
            )


def run_one(
    context: RunContext,
    strategy: Strategy,
    folder: RunFolder,
    *,
    seed: int,
    stop_requested: Callable[[], bool],
) -> bool:
    """Train, judge and write all artefacts of one run.

    Returns:
        False where the run was finished already.

    Raises:
        TrainingError: The run failed; its status says so.
        Interrupted: A stop was requested; the run continues when it is started again.
    """
    config = folder.claim(_config(context, strategy, seed=seed))
    if folder.state == "finished":
        return False
    steps = context.settings.budget.steps
    folder.write_status("running", step=0, steps=steps)
    decided = config["decided"]
    network = build_network(config, context.training.class_names, seed=seed)
    judge = _judge(network, strategy, context, precision=decided["precision"])
    quick = _validation_sample(context)
    majority = int(np.argmax(context.training.class_pixels))

    def validate(_: Network) -> float:
        judge.predictor.network.eval()
        return quick_score(
            judge, context.source, quick, num_classes=len(context.training.class_names), majority=majority
        )

    label = f"{strategy.name} seed {seed}"
    with context.progress.training(label, start=0, steps=steps) as on_step:
        try:
            outcome = train(
                strategy,
                network,
                context.training,
                folder.path,
                seed=seed,
                budget=context.settings.budget,
                record=context.settings.record,
                device=context.device,
                precision=decided["precision"],
                validate=validate,
                on_step=on_step,
                stop_requested=stop_requested,
                num_workers=context.num_workers,
            )
        except TrainingError as error:
            folder.write_status("failed", step=0, steps=steps, message=str(error))
            raise
    if outcome.interrupted:
        folder.write_status("running", step=outcome.step, steps=steps, message="interrupted")
        raise Interrupted(
            f"{label} stopped at step {outcome.step} of {steps}; the same command continues it."
        )
    _judge_all(context, judge, folder, label=label)
    _write_records(context, strategy, network, outcome, folder, seed=seed)
    folder.write_status("finished", step=outcome.step, steps=steps)
    return True


def build_network(config: Mapping[str, Any], class_names: tuple[str, ...], *, seed: int) -> Network:
    """The freshly initialised network of a run's resolved configuration; initial weights follow from the seed."""
    decided = config["decided"]
    head = build_head(config["strategy"]["head"])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "init"))
        core = build_model(
            config["strategy"]["model"],
            in_channels=len(decided["mean"]),
            num_classes=head.num_outputs(len(class_names)),
        )
    return Network(core, mean=decided["mean"], std=decided["std"])


def _config(context: RunContext, strategy: Strategy, *, seed: int) -> dict[str, Any]:
    """The run as resolved; ``decided`` holds what this machine and these data settled."""
    described = asdict(strategy)
    for key in ("optimizer", "schedule"):
        described[key] = getattr(strategy, key).model_dump(mode="json")
    described["phases"] = [phase.model_dump(mode="json") for phase in strategy.phases]
    described["loss"] = [dict(term) for term in strategy.loss]
    return {
        "study": context.settings.name,
        "strategy": described,
        "seed": seed,
        "budget": context.settings.budget.model_dump(mode="json"),
        "classes": list(context.training.class_names),
        "checkpoint_steps": list(context.settings.record.checkpoint_steps),
        "decided": {
            "precision": resolve_precision(context.settings.precision, device=context.device),
            "device": context.device,
            "mean": list(context.mean),
            "std": list(context.std),
            "bands": None if context.bands is None else list(context.bands),
            "class_pixels": [int(n) for n in context.training.class_pixels],
        },
    }


def _judge(network: Network, strategy: Strategy, context: RunContext, *, precision: Any) -> Judge:
    predictor = Predictor(network, device=context.device, precision=precision)
    return Judge(predictor, build_head(strategy.head), build_decision(strategy.decision))


def _validation_sample(context: RunContext) -> tuple[Region, ...]:
    """A fixed few validation regions, those with the rarest classes first, up to the size that the study allows."""
    regions = context.splits.val.regions
    counts = np.array([context.pixels[region][:-1] for region in regions], dtype=float)
    rarity = 1 / np.maximum(context.training.class_pixels.astype(float), 1)
    majority = int(np.argmax(context.training.class_pixels))
    rarity[majority] = 0
    order = np.argsort(-((counts > 0) * rarity).max(axis=1), kind="stable")
    budget, record = context.settings.budget, context.settings.record
    trained = budget.steps * budget.batch_size * budget.patch_size[0] * budget.patch_size[1]
    limit = record.validate_megapixels * 1e6 if record.validate_megapixels else max(2.5e5, trained / 50)
    chosen: list[Region] = []
    area = 0.0
    for index in _round_robin(order, counts, rarity):
        if chosen and area + regions[index].window.area > limit:
            continue
        chosen.append(regions[index])
        area += regions[index].window.area
    return tuple(chosen)


def _round_robin(
    order: NDArray[np.int64], counts: NDArray[np.float64], rarity: NDArray[np.float64]
) -> list[int]:
    """Images class by class in turn, rarest class first, then the rest."""
    queues = [[int(i) for i in order if counts[i, c] > 0] for c in np.argsort(-rarity) if rarity[c] > 0]
    queues.append([int(i) for i in order])
    taken: dict[int, None] = {}
    for depth in range(len(order)):
        for queue in queues:
            if depth < len(queue):
                taken.setdefault(queue[depth])
    return list(taken)


def _judge_all(context: RunContext, judge: Judge, folder: RunFolder, *, label: str) -> None:
    """Evaluate the kept checkpoints on validation and the last on every judged part; write the tables at the end."""
    record, last = context.settings.record, context.settings.budget.steps
    tables = EvaluationTables(context.training.class_names)
    for step in sorted({*record.checkpoint_steps, last}):
        load_weights(folder.file(f"step-{step:06d}.safetensors"), judge.predictor.network)
        judge.predictor.network.eval()
        for part in context.judged:
            with context.progress.task(f"{label}: judging step {step} on {part.name}") as update:
                predictions = folder.file("predictions") if step == last else None
                evaluate(
                    judge, context.source, part, tables, step=step, predictions=predictions, progress=update
                )
    tables.write(folder.path)


def _write_records(
    context: RunContext,
    strategy: Strategy,
    network: Network,
    outcome: TrainOutcome,
    folder: RunFolder,
    *,
    seed: int,
) -> None:
    budget = context.settings.budget
    exposure = {**outcome.exposure.to_dict(), "planned": outcome.planned}
    write_json(folder.file("exposure.json"), exposure, kind="exposure")
    layers = cost_table(network.core, (1, context.source.num_bands, *budget.patch_size))
    patches = budget.steps * budget.batch_size
    write_json(
        folder.file("cost.json"),
        {
            "parameters": sum(p.numel() for p in network.parameters()),
            "macs_per_patch": sum(layer.macs for layer in layers),
            "activation_bytes": sum(layer.activation_bytes for layer in layers) * budget.batch_size,
            "train_seconds": outcome.seconds,
            "steps": budget.steps,
            "patches": patches,
            "megapixels": patches * budget.patch_size[0] * budget.patch_size[1] / 1e6,
            "peak_memory_bytes": _peak_memory(context.device),
            "layers": [asdict(layer) for layer in layers],
        },
        kind="cost",
    )
    provenance = collect_provenance(device=context.device)
    data = read_json(folder.path.parent.parent / "data.json", kind="data")
    write_json(
        folder.file("provenance.json"),
        {**provenance, "seed": seed, "data": data["digest"]},
        kind="provenance",
    )


def _peak_memory(device: str) -> int:
    """Most memory that this process (or its GPU) held at once, in bytes."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
