"""Tune the decision of one run: chosen on validation, judged on both parts, kept in its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rareseg.artefacts import read_json, read_yaml, write_json
from rareseg.config.aim import AimSettings
from rareseg.errors import ArtefactError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.outcomes import outcome_of_tables
from rareseg.metrics.rates import rates
from rareseg.study.build_aim import build_aim
from rareseg.study.choose_decision import ChosenDecision, choose_decision
from rareseg.study.gate_records import read_gate
from rareseg.study.judge_decision import JudgedDecision, judge_decisions
from rareseg.study.make_score_maps import make_score_maps, missing_score_maps
from rareseg.study.progress import Progress
from rareseg.study.run_folder import RunFolder
from rareseg.study.stored_scores import StoredScores, TestScores, ValScores
from rareseg.study.trade_off import trade_off

__all__ = ["TunedRun", "tune_run"]


@dataclass(frozen=True)
class TunedRun:
    """What tuning made of a run.

    Attributes:
        folder: ``RUNS/<strategy>/seed-<n>``.
        class_names: The background first.
        chosen: The decision.
        before: What the run's own decision gives on ``val`` and ``test``.
        after: What the tuned one gives.
        trade_off: What moved thresholds would give on each part, see `trade_off`.
    """

    folder: Path
    class_names: tuple[str, ...]
    chosen: ChosenDecision
    before: Mapping[str, JudgedDecision]
    after: Mapping[str, JudgedDecision]
    trade_off: Mapping[str, Sequence[Mapping[str, float]]]


def tune_run(
    folder: Path,
    aim: AimSettings,
    *,
    left_out: frozenset[tuple[str, str]] = frozenset(),
    root: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> TunedRun:
    """Choose a decision for a finished run and write ``decisions/<aim>.json`` and ``decision.json``.

    Scores that the run did not keep are made once and stay. A decision that was chosen for the same aim on the same
    scores is kept, so that a study that was cut off goes on with the next run.

    Args:
        folder: ``RUNS/<strategy>/seed-<n>``.
        aim: What the decision is for.
        left_out: Split and name of judged images that do not count.
        root: Folder of the data, should scores have to be made.
        device: Torch device for the same.
        progress: Told how far things are.

    Raises:
        ArtefactError: The run is not finished, or was not judged on validation.
        RaresegError: Scores have to be made and the dataset is not there; a class of the cost table is unknown.
    """
    progress = progress or Progress()
    place = RunFolder(Path(folder))
    if place.state != "finished":
        raise ArtefactError(f"'{folder}' is no finished run; finish it with `rareseg run` first.")
    counts = CountsTable.read(place.file("counts.parquet"))
    step = counts.last_step()
    if "val" not in counts.splits:
        raise ArtefactError(
            f"'{folder}' was not judged on validation, where decisions are chosen; run it with 'val' in `evaluate`."
        )
    build_aim(aim, counts.class_names, counted=())  # a wrong cost table shows before anything is inferred
    with place.owned():
        _complete(place, counts, step=step, root=root, device=device, progress=progress)
        gate = read_gate(place.file("gate.json")) if place.file("gate.json").exists() else None
        stored: dict[str, StoredScores] = {}
        for kind in (ValScores, TestScores):
            if kind.name in counts.splits:
                stored[kind.name] = kind.of(place.path, counts, left_out=left_out)
        path = place.file("decisions") / f"{aim.name}.json"
        made_of = {"aim": aim.model_dump(mode="json"), "step": step, "left_out": sorted(map(list, left_out))}
        chosen = _kept(path, made_of)
        if chosen is None:
            val = stored["val"]
            assert isinstance(val, ValScores)
            title = f"{place.path.parent.name} {place.path.name}"
            with progress.task(f"{title}: choosing for {aim.title}") as update:
                del update  # how long a search goes on is not known before
                chosen = choose_decision(val, aim, gate=gate)
        decisions = {
            "before": (read_yaml(place.file("config.yaml"))["strategy"]["decision"], gate),
            "after": (chosen.decision, chosen.gate),
        }
        judged = {name: judge_decisions(part, decisions, step=step) for name, part in stored.items()}
        moved = _kept_trade_off(path, made_of) or {
            name: trade_off(part, aim, chosen.decision, gate=chosen.gate) for name, part in stored.items()
        }
        tuned = TunedRun(
            folder=place.path,
            class_names=counts.class_names,
            chosen=chosen,
            before={name: found["before"] for name, found in judged.items()},
            after={name: found["after"] for name, found in judged.items()},
            trade_off=moved,
        )
        record = {**made_of, **_record(tuned, aim)}
        write_json(path, record, kind="decision")
        write_json(place.file("decision.json"), record, kind="decision")
    return tuned


def _complete(
    place: RunFolder, counts: CountsTable, *, step: int, root: Path | None, device: str, progress: Progress
) -> None:
    """Make the score maps that are not there."""
    last = counts.select(step=step)
    images = list(dict.fromkeys(zip(last["split"].tolist(), last["image"].tolist(), strict=True)))
    missing = missing_score_maps(place.path, images, step=step)
    if missing:
        progress.note(
            f"'{place.path}' keeps no scores of {len(missing)} of {len(images)} judged images: its network looks at "
            "them once more, and the scores stay there."
        )
        make_score_maps(place.path, missing, step=step, root=root, device=device, progress=progress)


def _kept(path: Path, made_of: Mapping[str, Any]) -> ChosenDecision | None:
    """The decision that was chosen for the same aim on the same scores before, where there is one."""
    if not path.exists():
        return None
    found = read_json(path, kind="decision")
    if any(found.get(key) != value for key, value in made_of.items()):
        return None
    groups = {name: (number[0], number[1]) for name, number in found["validation_regions"].items()}
    return ChosenDecision(found["decision"], found["gate_threshold"], tuple(found["kept_argmax"]), groups)


def _kept_trade_off(path: Path, made_of: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The same of what stands beside it."""
    found = read_json(path, kind="decision") if _kept(path, made_of) else {}
    return found.get("trade_off")


def _record(tuned: TunedRun, aim: AimSettings) -> dict[str, Any]:
    chosen = tuned.chosen
    return {
        "chosen_on": "val",
        "decision": dict(chosen.decision),
        "gate_threshold": chosen.gate,
        "kept_argmax": list(chosen.kept),
        "validation_regions": {name: list(number) for name, number in chosen.groups.items()},
        "figures": {
            split: {
                "before": _figures(tuned.before[split], aim),
                "after": _figures(tuned.after[split], aim),
            }
            for split in tuned.after
        },
        "trade_off": dict(tuned.trade_off),
    }


def _figures(judged: JudgedDecision, aim: AimSettings) -> dict[str, Any]:
    """The aim's figure, and rates of each class pooled over pixels."""
    truth, outcome, cube = outcome_of_tables(judged.counts, judged.regions)
    held = [
        name for name, pixels in zip(cube.class_names[1:], truth.pixels.sum(axis=0), strict=True) if pixels
    ]
    built = build_aim(aim, cube.class_names, counted=held)
    value = float(built.figure(built.statistics(truth, outcome).sum(axis=0))) if held else float("nan")
    classes = {}
    for name, count in judged.counts.pooled().items():
        found = rates(*count)
        classes[name] = {
            "iou": float(found.iou),
            "tpr": float(found.tpr),
            "precision": float(found.precision),
        }
    false = float(outcome.false.sum() / truth.megapixels.sum()) if truth.megapixels.sum() else float("nan")
    return {"aim": value, "classes": classes, "false_regions_per_megapixel": false}
