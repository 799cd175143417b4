"""The section 'Exposure': what training really showed each strategy, against what was planned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rareseg.report.exposure_chart import exposure_chart
from rareseg.report.load_runs import StudyRuns
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
    cells = []
    for name in study.class_names:
        share = pixels[name] / seen
        cells.append(
            {
                "name": name,
                "share": share,
                "factor": share / natural[name] if natural.get(name) else float("nan"),
                "patches": sum(item["patches_with"].get(name, 0) for item in found) / max(1, patches),
                "planned": planned.get(name),
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
        "has_plan": bool(planned),
    }
