"""Remedies with a name and a source, as changes to a base recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rareseg.registry import Registry

__all__ = ["CATALOG", "CatalogEntry"]


@dataclass(frozen=True)
class CatalogEntry:
    """A remedy: its group, what it does in one line, who proposed it, and what it changes in a recipe."""

    group: str
    summary: str
    source: str
    change: dict[str, Any] = field(default_factory=dict)


CATALOG: Registry[CatalogEntry] = Registry("strategy")
"""Every strategy that ``use`` in study.yaml may name. None names a class of the user's data."""


def _file(group: str, name: str, summary: str, source: str, **change: Any) -> None:
    CATALOG.register(name)(CatalogEntry(group, summary, source, change))


_THESIS = "foil thesis"

_file("Baseline", "baseline", "plain cross-entropy on uniform patches", "arXiv 1505.04597")

for _name, _title, _source in (
    ("icf", "inverse class frequency", f"{_THESIS}, eq. 3.4 to 3.7"),
    ("iscf", "inverse square root class frequency", f"{_THESIS}, eq. 3.4 to 3.7"),
    ("effective_number", "the effective number of samples", "arXiv 1901.05555"),
    ("median_frequency", "median over class frequency", "arXiv 1511.00561"),
):
    _file(
        "Loss",
        f"wce_{_name}",
        f"cross-entropy weighted by {_title}",
        _source,
        loss={"name": "cross_entropy", "weights": _name},
    )
_file("Loss", "focal", "focal loss, gamma 2", "arXiv 1708.02002", loss={"name": "focal", "gamma": 2.0})
for _name, _title, _source in (
    (
        "paper",
        "0.25 for the background and 0.75 for the others",
        "arXiv 1708.02002; foil thesis, section 3.4.2",
    ),
    ("icf", "inverse class frequency", f"{_THESIS}, section 3.4.2"),
    ("iscf", "inverse square root class frequency", f"{_THESIS}, section 3.4.2"),
):
    _file(
        "Loss",
        f"focal_{_name}",
        f"focal loss weighted by {_title}",
        _source,
        loss={"name": "focal", "gamma": 2.0, "weights": "focal_paper" if _name == "paper" else _name},
    )
