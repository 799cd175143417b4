"""The section 'What was run': strategies in one line each, the budget, and the state of every run."""

from __future__ import annotations

from typing import Any

from rareseg.config.load import parse_settings
from rareseg.config.study import StudySettings
from rareseg.report.describe_strategy import PARTS, describe_strategy
from rareseg.report.load_runs import Run, StudyRuns
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style

__all__ = ["runs_section"]


def runs_section(study: StudyRuns) -> Section:
    """Tell what each strategy is and what it was allowed to spend."""
    names = list(dict.fromkeys(run.strategy for run in study.runs))
    described: dict[str, dict[str, str]] = {}
    notes: dict[str, str] = {}
    for name in names:
        configs = [run.config for run in study.runs if run.strategy == name and run.config]
        strategy = configs[0].get("strategy", {}) if configs else _planned(study, name)
        described[name] = describe_strategy(strategy)
        notes[name] = strategy.get("note") or ""
    known = [parts for parts in described.values() if parts]
    shared = {
        part: known[0][part]
        for part in PARTS
        if known and part in known[0] and all(parts.get(part) == known[0][part] for parts in known)
    }
    columns = [part for part in PARTS if part not in shared and any(part in parts for parts in known)]
    rows = [
        {
            "name": name,
            "style": strategy_style(index),
            "parts": [described[name].get(part, "") for part in columns],
            "note": notes[name],
            "runs": [run for run in study.runs if run.strategy == name],
        }
        for index, name in enumerate(names)
    ]
    budgets = _budgets(study)
    body = render_fragment(
        "report_runs.html.j2",
        rows=rows,
        columns=columns,
        shared=shared,
        budgets=budgets,
        dividing=list(dict.fromkeys(run.strategy for run in study.runs if _divides_steps(run))),
        troubled=[run for run in study.runs if not run.finished],
    )
    return Section("runs", "What was run", body, lead="Every strategy, and the budget that it could spend.")


def _planned(study: StudyRuns, name: str) -> dict[str, Any]:
    """What the study says of a strategy of which no run has begun."""
    settings = parse_settings(StudySettings, study.study, where=str(study.folder / "study.yaml"))
    return settings.recipe(name).model_dump(mode="json")


def _divides_steps(run: Run) -> bool:
    """Whether several models share the steps of the budget, so that each has fewer."""
    return bool(run.config and run.config["strategy"]["head"].get("budget") == "shared")


def _budgets(study: StudyRuns) -> list[dict[str, Any]]:
    """The distinct budgets with their strategies and numbers of runs: a single one where all are equal."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for run in study.runs:
        budget = run.config.get("budget")
        if not budget or _divides_steps(run):
            continue
        height, width = budget["patch_size"]
        key = (budget["steps"], budget["batch_size"], height, width)
        entry = found.setdefault(
            key,
            {
                "steps": budget["steps"],
                "batch": budget["batch_size"],
                "height": height,
                "width": width,
                "pixels": budget["steps"] * budget["batch_size"] * height * width,
                "strategies": {},
                "num_runs": 0,
            },
        )
        entry["strategies"][run.strategy] = None
        entry["num_runs"] += 1
    return list(found.values())
