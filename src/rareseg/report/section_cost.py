"""The section 'Cost': what each strategy spent, all of its members and gates included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rareseg.report.cost_chart import cost_chart
from rareseg.report.load_runs import Run, StudyRuns
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style
from rareseg.report.results import SplitResults

__all__ = ["cost_section"]


def cost_section(study: StudyRuns, results: SplitResults) -> Section | None:
    """Tell what training and inference cost, in sum and against the cheapest; None where no run recorded it.

    Args:
        study: The runs.
        results: Figures of the judging split, for score against cost.
    """
    rows = []
    for index, strategy in enumerate(study.strategies):
        runs = [run for run in study.finished(strategy) if run.json("cost")]
        if runs:
            rows.append({"name": strategy, "style": strategy_style(index), **_mean_cost(runs)})
    if not rows:
        return None
    for key in ("megapixels", "inference"):
        known = [row[key] for row in rows if row[key]]
        for row in rows:
            row[f"{key}_times"] = row[key] / min(known) if known and row[key] else None
    hardware = list(dict.fromkeys(_hardware(run.json("provenance")) for run in study.runs if run.finished))
    unequal = [row for row in rows if row["megapixels_times"] and row["megapixels_times"] > 1.01]
    spent = {row["name"]: row["megapixels"] for row in rows if row["megapixels"]}
    body = render_fragment(
        "report_cost.html.j2",
        rows=rows,
        unequal=", ".join(f"'{row['name']}' {row['megapixels_times']:.1f} times" for row in unequal),
        parts=[row for row in rows if len(row["parts"]) > 1],
        # Where all spent the same, the marks stand in one column and tell nothing new.
        chart=cost_chart(results, spent) if unequal else None,
        equal=len(rows) > 1 and not unequal and all(row["megapixels"] for row in rows),
        hardware=[text for text in hardware if text],
    )
    return Section("cost", "Cost", body, lead="Equal steps need not cost equal pixels, nor equal time.")


def _mean_cost(runs: Sequence[Run]) -> dict[str, Any]:
    found = [cost for run in runs if (cost := run.json("cost"))]
    first = found[0]
    seconds = [item["train_seconds"] for item in found if item.get("train_seconds")]
    rates = [_total(item, "patches") / item["train_seconds"] for item in found if item.get("train_seconds")]
    patches = [_total(item, "patches") for item in found]
    megapixels = [_total(item, "megapixels") for item in found]
    return {
        "parameters": first.get("parameters"),
        "macs": first.get("macs_per_patch"),
        "inference": _macs_per_megapixel(first, runs[0]),
        "activations": first.get("activation_bytes"),
        "patches": sum(patches) / len(patches),
        "megapixels": sum(megapixels) / len(megapixels),
        "parts": first.get("parts") or [],
        "seconds": sum(seconds) / len(seconds) if seconds else None,
        "shortest": min(seconds, default=None),
        "longest": max(seconds, default=None),
        "rate": sum(rates) / len(rates) if rates else None,
        "memory": max((item.get("peak_memory_bytes") or 0 for item in found), default=0) or None,
    }


def _total(cost: Mapping[str, Any], key: str) -> float:
    """Sum over the parts; runs of older versions have one network and no parts."""
    parts = cost.get("parts")
    return float(sum(part[key] for part in parts) if parts else cost.get(key) or 0)


def _macs_per_megapixel(cost: Mapping[str, Any], run: Run) -> float | None:
    """Multiply-adds that the whole network, all members and gates of it, takes for a million pixels."""
    if not cost.get("macs_per_patch"):
        return None
    size = (run.config.get("budget") or {}).get("patch_size")
    if size:
        return float(cost["macs_per_patch"] / (size[0] * size[1]) * 1e6)
    pixels = _total(cost, "megapixels")
    return float(cost["macs_per_patch"] * _total(cost, "patches") / pixels) if pixels else None


def _hardware(provenance: Mapping[str, Any] | None) -> str:
    if not provenance:
        return ""
    if provenance.get("gpu"):
        return str(provenance["gpu"])
    threads = provenance.get("threads")
    words = f", {threads} {'thread' if threads == 1 else 'threads'}" if threads else ""
    return f"{provenance.get('processor') or provenance.get('device')}{words}"
