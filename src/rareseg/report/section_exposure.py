"""The section 'Exposure': what training really showed each strategy, against what was planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rareseg.report.exposure_chart import exposure_chart
from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import digits
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import strategy_style

__all__ = ["exposure_section"]


def exposure_section(study: StudyRuns) -> Section | None:
    """Tell the share of pixels and patches of each class; None where no run recorded it."""
    train = study.data["splits"].get("train", {}).get("class_pixels", {})
    total = sum(train.values())
    natural = {name: train.get(name, 0) / total for name in study.class_names} if total else {}
    rows = []
    for index, strategy in enumerate(study.strategies):
        found = [item for run in study.finished(strategy) if (item := run.json("exposure"))]
        if found:
            rows.append(_row(study, strategy, index, found, natural))
    if not rows:
        return None
    body = render_fragment(
        "report_exposure.html.j2",
        chart=exposure_chart(study, {row["name"]: row["shares"] for row in rows}, natural),
        rows=rows,
        classes=[
            {"name": name, "color": study.class_colors[name], "natural": natural.get(name)}
            for name in study.class_names
        ],
        has_plan=any(row["has_plan"] for row in rows),
        parts=[row for row in rows if len(row["parts"]) > 1],
        plans=[row for row in rows if any(plan["figures"] for plan in row["plans"])],
    )
    return Section(
        "exposure",
        "Exposure",
        body,
        lead="What each strategy really saw while it trained, counted as it went by.",
    )


def _row(
    study: StudyRuns,
    strategy: str,
    index: int,
    found: Sequence[Mapping[str, Any]],
    natural: Mapping[str, float],
) -> dict[str, Any]:
    """Sums over the seeds."""
    pixels = {name: sum(item["pixels"].get(name, 0) for item in found) for name in study.class_names}
    patches = sum(item["num_patches"] for item in found)
    seen = max(1, sum(pixels.values()))
    planned = found[0].get("planned") or {}
    planned_pixels, planned_patches = planned.get("pixels") or {}, planned.get("patches_with") or {}
    cells = []
    for name in study.class_names:
        share = pixels[name] / seen
        cells.append(
            {
                "name": name,
                "share": share,
                "factor": share / natural[name] if natural.get(name) else float("nan"),
                "patches": sum(item["patches_with"].get(name, 0) for item in found) / max(1, patches),
                "planned": planned_pixels.get(name),
                "planned_patches": planned_patches.get(name),
            }
        )
    return {
        "name": strategy,
        "style": strategy_style(index),
        "cells": cells,
        "shares": {cell["name"]: cell["share"] for cell in cells},
        "num_patches": patches / len(found),
        "ignored": sum(item.get("ignored_pixels", 0) for item in found)
        / (seen + sum(i.get("ignored_pixels", 0) for i in found)),
        "has_plan": bool(planned_pixels or planned_patches),
        "parts": _parts(study, found),
        "plans": [_plan(plan) for plan in found[0].get("plans") or ()],
    }


def _parts(study: StudyRuns, found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What each part that is trained by itself saw (a member, a gate), summed over the seeds."""
    parts = []
    for name in found[0].get("parts") or ():
        seen = [item["parts"][name] for item in found if name in (item.get("parts") or {})]
        pixels = {label: sum(item["pixels"].get(label, 0) for item in seen) for label in study.class_names}
        patches = sum(item["num_patches"] for item in seen)
        total = max(1, sum(pixels.values()))
        parts.append(
            {
                "name": name,
                "num_patches": patches / len(seen),
                "cells": [
                    {
                        "share": pixels[label] / total,
                        "patches": sum(item["patches_with"].get(label, 0) for item in seen) / max(1, patches),
                    }
                    for label in study.class_names
                ],
            }
        )
    return parts


def _plan(plan: Mapping[str, Any]) -> dict[str, Any]:
    """One plan in words, and the figures that it gives about itself."""
    return {
        "part": plan.get("part", ""),
        "plan": plan.get("plan", ""),
        "figures": [
            (key.replace("_", " "), _figure(value))
            for key, value in plan.items()
            if key not in ("part", "plan") and value not in (None, "", {}, [])
        ],
    }


def _figure(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_figure(item)}" for key, item in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(_figure(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return digits(value) if isinstance(value, int | float) else str(value)
