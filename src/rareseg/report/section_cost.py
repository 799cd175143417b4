"""The section 'Cost': what each strategy spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rareseg.report.load_runs import StudyRuns
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style

__all__ = ["cost_section"]


def cost_section(study: StudyRuns) -> Section | None:
    """Tell size, work, time and memory of each strategy; None where no run recorded it."""
    rows = []
    for index, strategy in enumerate(study.strategies):
        found = [item for run in study.finished(strategy) if (item := run.json("cost"))]
        if found:
            rows.append({"name": strategy, "style": strategy_style(index), **_mean_cost(found)})
    if not rows:
        return None
    hardware = list(dict.fromkeys(_hardware(run.json("provenance")) for run in study.runs if run.finished))
    body = render_fragment("report_cost.html.j2", rows=rows, hardware=[text for text in hardware if text])
    return Section("cost", "Cost", body, lead="Equal steps need not cost equal time.")


def _mean_cost(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    seconds = [item["train_seconds"] for item in found if item.get("train_seconds")]
    patches = [item["patches"] / item["train_seconds"] for item in found if item.get("train_seconds")]
    return {
        "parameters": found[0].get("parameters"),
        "macs": found[0].get("macs_per_patch"),
        "activations": found[0].get("activation_bytes"),
        "megapixels": found[0].get("megapixels"),
        "seconds": sum(seconds) / len(seconds) if seconds else None,
        "shortest": min(seconds, default=None),
        "longest": max(seconds, default=None),
        "rate": sum(patches) / len(patches) if patches else None,
        "memory": max((item.get("peak_memory_bytes") or 0 for item in found), default=0) or None,
    }


def _hardware(provenance: Mapping[str, Any] | None) -> str:
    if not provenance:
        return ""
    if provenance.get("gpu"):
        return str(provenance["gpu"])
    threads = provenance.get("threads")
    words = f", {threads} {'thread' if threads == 1 else 'threads'}" if threads else ""
    return f"{provenance.get('processor') or provenance.get('device')}{words}"
