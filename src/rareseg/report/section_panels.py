"""The section 'Panels': pictures of the spots where strategies differ and where rare classes are missed."""

from __future__ import annotations

from rareseg.report.load_runs import StudyRuns
from rareseg.report.overlays import IGNORED_COLOR
from rareseg.report.page import Section, render_fragment
from rareseg.report.palette import ERROR_COLORS, strategy_style
from rareseg.report.panels import make_panels

__all__ = ["panels_section"]


def panels_section(study: StudyRuns, *, split: str) -> Section | None:
    """Show input, annotation, predictions and errors; None where the runs left no pictures."""
    panels = make_panels(study, split=split)
    if not panels:
        return None
    seeds = {view.seed for panel in panels for view in panel.views}
    body = render_fragment(
        "report_panels.html.j2",
        panels=panels,
        seed=seeds.pop() if len(seeds) == 1 else None,
        split={"test": "test", "val": "validation"}[split],
        styles={name: strategy_style(index) for index, name in enumerate(study.strategies)},
        classes=[{"name": name, "color": study.class_colors[name]} for name in study.rare_classes],
        errors=ERROR_COLORS,
        ignored=IGNORED_COLOR,
        unit=study.data.get("unit") or "px",
        pixel_size=study.data.get("pixel_size"),
    )
    return Section(
        "panels",
        "Panels",
        body,
        lead="Chosen by the counts: where rare classes are missed, and where strategies differ.",
    )
