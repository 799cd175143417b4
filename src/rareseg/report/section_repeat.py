"""The section 'How to repeat this': command, versions, hardware, seeds and the words used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rareseg.report.load_runs import StudyRuns
from rareseg.report.numerals import level
from rareseg.report.page import Section, render_fragment
from rareseg.report.results import BETA

__all__ = ["repeat_section"]


def repeat_section(study: StudyRuns, *, interval: float) -> Section:
    """Tell what another person needs to make the same numbers, and what the words mean."""
    found = [item for run in study.runs if (item := run.json("provenance"))]
    body = render_fragment(
        "report_repeat.html.j2",
        commands=_distinct(found, "command"),
        facts=[
            (label, ", ".join(values))
            for label, key in (
                ("Code", "code"),
                ("Python", "python"),
                ("System", "platform"),
                ("Processor", "processor"),
                ("GPU", "gpu"),
                ("Device", "device"),
                ("Threads", "threads"),
            )
            if (values := _distinct(found, key))
        ],
        versions=_versions(found),
        seeds=sorted({run.seed for run in study.runs}),
        digest=study.data.get("digest"),
        folder=study.folder.name,
        interval=level(interval),
        beta=BETA,
        majority=study.majority,
    )
    return Section("repeat", "How to repeat this", body)


def _distinct(found: list[Mapping[str, Any]], key: str) -> list[str]:
    return list(dict.fromkeys(str(item[key]) for item in found if item.get(key) not in (None, "")))


def _versions(found: list[Mapping[str, Any]]) -> list[tuple[str, str]]:
    packages = dict.fromkeys(name for item in found for name in item.get("versions", {}))
    return [
        (
            name,
            ", ".join(
                dict.fromkeys(item["versions"][name] for item in found if name in item.get("versions", {}))
            ),
        )
        for name in packages
    ]
