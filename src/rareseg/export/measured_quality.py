"""What a run reached where it was judged, for the bundle that is made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rareseg.artefacts import read_json, read_yaml
from rareseg.errors import ArtefactError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.estimate import Estimate
from rareseg.metrics.left_out import find_left_out
from rareseg.metrics.runs_summary import RunsEstimate, summarise_runs
from rareseg.metrics.summary import summarise

__all__ = ["measured_quality"]

_RATES = ("iou", "dice", "tpr", "precision")
_INTERVAL = 0.95


def measured_quality(run: Path, *, step: int, decision: Path | None) -> dict[str, Any]:
    """Rates of each class on the test part, or on validation where there is no test part.

    Rates are pooled over pixels, with intervals over groups of images, and leave out the images that the study's
    scoring leaves out. Beside the run's own stand those of all seeds of its strategy.

    Args:
        run: ``RUNS/<strategy>/seed-<n>``.
        step: Step of the weights.
        decision: File of the decision in place of the run's own, with the figures that were reached with it.

    Returns:
        ``{"split", "interval", "num_images", "num_groups", "num_seeds", "classes"}``, where a class has
        ``num_images`` and ``num_groups`` that hold it, each rate as ``{"value", "low", "high"}``, and the same over
        ``seeds``; what is undefined is None. Empty where the run was not judged with these weights and this decision.
    """
    tables = {path.parent.name: path for path in sorted(run.parent.glob("seed-*/counts.parquet"))}
    if run.name not in tables:
        return {}
    own = CountsTable.read(tables[run.name])
    if step not in own.steps:
        return {}
    if decision is not None:
        return _of_decision(decision)
    split = "test" if "test" in own.splits else own.splits[0]
    counts = _scored(
        run, [own, *(CountsTable.read(path) for name, path in tables.items() if name != run.name)]
    )
    # Seeds may end at different steps, where training stops early; earlier steps are compared one by one.
    at_end = step == own.last_step()
    judged = [
        table.select(step=table.last_step() if at_end else step, split=split)
        for table in counts
        if at_end or step in table.steps
    ]
    of_run = summarise(judged[0], interval=_INTERVAL)
    of_seeds = summarise_runs(judged, interval=_INTERVAL)
    return {
        "split": split,
        "interval": _INTERVAL,
        "num_images": of_run[0].num_images,
        "num_groups": of_run[0].num_groups,
        "num_seeds": len(judged),
        "classes": {
            found.class_name: {
                "num_images": found.num_images_with_class,
                "num_groups": found.num_groups_with_class,
                **{rate: _figures(found.pooled[rate].value, found.pooled[rate]) for rate in _RATES},
                "seeds": {rate: _figures(seeds.pooled[rate].mean, seeds.pooled[rate]) for rate in _RATES},
            }
            for found, seeds in zip(of_run, of_seeds, strict=False)
        },
    }


def _figures(value: float, estimate: Estimate | RunsEstimate) -> dict[str, float | None]:
    return {"value": _number(value), "low": _number(estimate.low), "high": _number(estimate.high)}


def _number(value: float) -> float | None:
    """Four digits; null where undefined."""
    return None if value != value else round(float(value), 4)


def _scored(run: Path, tables: Sequence[CountsTable]) -> list[CountsTable]:
    """The tables without the images that the study's scoring leaves out."""
    path = run.parent.parent / "study.yaml"
    scoring = (read_yaml(path).get("scoring") or {}) if path.exists() else {}
    blank, names = bool(scoring.get("leave_out_blank")), scoring.get("leave_out") or ()
    if not blank and not names:
        return list(tables)
    background = tables[0].class_names[0]
    left_out = find_left_out(tables, background=background, blank=blank, names=names)
    return [table.without(left_out.images) for table in tables]


def _of_decision(path: Path) -> dict[str, Any]:
    """Figures that a decision file brings along, without intervals."""
    try:
        figures: Mapping[str, Any] = read_json(path, kind="decision").get("figures") or {}
    except ArtefactError:
        return {}
    split = next((name for name in ("test", "val") if name in figures), None)
    if split is None:
        return {}
    classes = {
        name: {rate: {"value": value} for rate, value in rates.items()}
        for name, rates in figures[split]["after"]["classes"].items()
    }
    return {"split": split, "classes": classes}
