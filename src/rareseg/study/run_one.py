"""One run of a study: train a strategy with a seed, judge it, leave its artefacts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import torch

from rareseg.device import Precision, resolve_precision
from rareseg.errors import Interrupted, TrainingError
from rareseg.inference.decision import build_decision
from rareseg.inference.gate import ImageGate
from rareseg.inference.judge import Judge
from rareseg.inference.predictor import Predictor
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.network import Network
from rareseg.models.weights_file import load_weights
from rareseg.sampling.seeds import derive_seed
from rareseg.strategies.build_core import build_core
from rareseg.strategies.heads import build_head
from rareseg.strategies.strategy import Strategy
from rareseg.study.evaluate import EvaluationTables, evaluate
from rareseg.study.gate_records import choose_gate, score_images, scorer_of, write_gate
from rareseg.study.quick_score import quick_score
from rareseg.study.run_context import RunContext
from rareseg.study.run_folder import RunFolder
from rareseg.study.run_records import write_records
from rareseg.study.validation_sample import validation_sample
from rareseg.training.recorder import StepReport
from rareseg.training.train import TrainOutcome, train

__all__ = ["build_network", "run_one"]


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
        ArtefactError: The folder holds another run.
        BusyError: Another process is at work on it.
    """
    with folder.owned():
        config = folder.claim(_config(context, strategy, seed=seed))
        if folder.state == "finished":
            return False
        label = f"{strategy.name} seed {seed}"
        network = build_network(config, context.training.class_names, seed=seed)
        judge = _judge(network, strategy, context, precision=config["decided"]["precision"])
        outcome = _train(
            context,
            strategy,
            folder,
            network,
            judge,
            seed=seed,
            precision=config["decided"]["precision"],
            label=label,
            stop_requested=stop_requested,
        )
        _judge_all(context, strategy, network, judge, outcome, folder, label=label)
        write_records(context, network, outcome, folder, seed=seed)
        folder.write_status("finished", step=outcome.step, steps=context.budget_of(strategy).steps)
    return True


def _train(
    context: RunContext,
    strategy: Strategy,
    folder: RunFolder,
    network: Network,
    judge: Judge,
    *,
    seed: int,
    precision: Precision,
    label: str,
    stop_requested: Callable[[], bool],
) -> TrainOutcome:
    """Train with progress and status; the status of a failed run names the last logged step."""
    budget = context.budget_of(strategy)
    steps = budget.steps
    folder.write_status("running", step=0, steps=steps)
    reached = 0
    with context.progress.training(label, start=0, steps=steps) as show:

        def on_step(report: StepReport) -> None:
            nonlocal reached
            reached = report.step
            show(report)

        try:
            outcome = train(
                strategy,
                network,
                context.training,
                folder.path,
                seed=seed,
                budget=budget,
                record=context.record_of(strategy),
                device=context.device,
                precision=precision,
                validate=_validator(context, judge),
                on_step=on_step,
                stop_requested=stop_requested,
                note=lambda text: context.progress.note(f"[yellow]{label}[/yellow]: {text}"),
                num_workers=context.num_workers,
            )
        except TrainingError as error:
            folder.write_status("failed", step=reached, steps=steps, message=str(error))
            raise
    if outcome.interrupted:
        folder.write_status("running", step=outcome.step, steps=steps, message="interrupted")
        raise Interrupted(
            f"{label} stopped at step {outcome.step} of {steps}; the same command continues it."
        )
    return outcome


def _validator(context: RunContext, judge: Judge) -> Callable[[Network], float]:
    train_pixels = context.training.class_pixels
    regions = validation_sample(context.splits.val, context.pixels, train_pixels, context.settings)
    num_classes, majority = len(context.training.class_names), int(np.argmax(train_pixels))

    def validate(network: Network) -> float:
        network.eval()
        return quick_score(judge, context.source, regions, num_classes=num_classes, majority=majority)

    return validate


def build_network(config: Mapping[str, Any], class_names: tuple[str, ...], *, seed: int) -> Network:
    """The freshly initialised network of a run's resolved configuration; initial weights follow from the seed."""
    decided, strategy = config["decided"], config["strategy"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "init"))
        core = build_core(strategy["head"], strategy["model"], len(decided["mean"]), class_names)
    return Network(core, mean=decided["mean"], std=decided["std"])


def _config(context: RunContext, strategy: Strategy, *, seed: int) -> dict[str, Any]:
    """The run as resolved; ``decided`` holds what this machine and these data settled."""
    described = asdict(strategy)
    for key in ("optimizer", "schedule", "patch_sizes", "early_stopping"):
        part = getattr(strategy, key)
        described[key] = None if part is None else part.model_dump(mode="json")
    described["phases"] = [phase.model_dump(mode="json") for phase in strategy.phases]
    described["loss"] = [dict(term) for term in strategy.loss]
    return {
        "study": context.settings.name,
        "strategy": described,
        "seed": seed,
        "budget": context.budget_of(strategy).model_dump(mode="json"),
        "classes": list(context.training.class_names),
        "checkpoint_steps": list(context.record_of(strategy).checkpoint_steps),
        "whole_megapixels": context.settings.whole_megapixels,
        "decided": {
            "precision": resolve_precision(context.settings.precision, device=context.device),
            "device": context.device,
            "mean": list(context.mean),
            "std": list(context.std),
            **context.reading.to_config(),
            "class_pixels": [int(n) for n in context.training.class_pixels],
        },
    }


def _judge(network: Network, strategy: Strategy, context: RunContext, *, precision: Precision) -> Judge:
    engine = TorchEngine(network, device=context.device, precision=precision)
    predictor = Predictor(engine, whole_megapixels=context.settings.whole_megapixels)
    return Judge(
        predictor,
        build_head(strategy.head),
        build_decision(strategy.decision, class_names=context.training.class_names),
    )


def _judge_all(
    context: RunContext,
    strategy: Strategy,
    network: Network,
    judge: Judge,
    outcome: TrainOutcome,
    folder: RunFolder,
    *,
    label: str,
) -> None:
    """Evaluate the kept checkpoints and the judged weights; write the tables at the end."""
    kept = [step for step in context.record_of(strategy).checkpoint_steps if step <= outcome.judged_step]
    tables = EvaluationTables(context.training.class_names)
    for step in sorted({*kept, outcome.judged_step}):
        load_weights(folder.file(f"step-{step:06d}.safetensors"), network)
        network.eval()
        final = step == outcome.judged_step
        now = judge
        if final and judge.head.gate is not None:
            now = _with_gate(context, judge, folder, label=label)
        for part in context.judged:
            with context.progress.task(f"{label}: judging step {step} on {part.name}") as update:
                keeps_scores = final and context.settings.record.score_maps
                evaluate(
                    now,
                    context.source,
                    part,
                    tables,
                    step=step,
                    predictions=folder.file("predictions") if final else None,
                    score_maps=folder.path if keeps_scores else None,
                    progress=update,
                )
    tables.write(folder.path)


def _with_gate(context: RunContext, judge: Judge, folder: RunFolder, *, label: str) -> Judge:
    """The judge with its image gate, whose threshold is chosen on validation; writes gate.json."""
    scorer = scorer_of(judge, context.settings.budget)
    parts = {part.name: part for part in (context.splits.val, *context.judged)}
    rows = {}
    for part in parts.values():
        with context.progress.task(f"{label}: gate on {part.name}") as update:
            rows[part.name] = score_images(scorer, context.source, part, progress=update)
    choice = choose_gate(judge, rows["val"])
    write_gate(folder.file("gate.json"), choice, rows)
    scores = {
        region: row.score
        for part in parts.values()
        for region, row in zip(part.regions, rows[part.name], strict=True)
    }
    return replace(judge, gate=ImageGate(scorer, choice.threshold, scores))
