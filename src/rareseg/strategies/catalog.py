"""Remedies with a name and a source, as changes to a base recipe."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["CATALOG", "CatalogEntry"]


@dataclass(frozen=True)
class CatalogEntry:
    """A remedy: what it changes in a recipe, what it does in one line, and who proposed it."""

    summary: str
    source: str
    change: dict[str, Any] = field(default_factory=dict)


CATALOG: dict[str, CatalogEntry] = {
    "baseline": CatalogEntry(
        "plain cross-entropy on uniform patches", "Ronneberger et al., arXiv 1505.04597"
    ),
    "wce_icf": CatalogEntry(
        "cross-entropy weighted by inverse class frequency",
        "foil thesis, equations 3.4 to 3.7",
        {"loss": {"name": "cross_entropy", "weights": "icf"}},
    ),
    "wce_iscf": CatalogEntry(
        "cross-entropy weighted by inverse square root class frequency",
        "foil thesis, equations 3.4 to 3.7",
        {"loss": {"name": "cross_entropy", "weights": "iscf"}},
    ),
    "focal": CatalogEntry(
        "focal loss, gamma 2", "Lin et al., arXiv 1708.02002", {"loss": {"name": "focal", "gamma": 2.0}}
    ),
    "focal_icf": CatalogEntry(
        "focal loss weighted by inverse class frequency",
        "foil thesis, section 3.4.2",
        {"loss": {"name": "focal", "gamma": 2.0, "weights": "icf"}},
    ),
    "focal_iscf": CatalogEntry(
        "focal loss weighted by inverse square root class frequency",
        "foil thesis, section 3.4.2",
        {"loss": {"name": "focal", "gamma": 2.0, "weights": "iscf"}},
    ),
}
"""Remedies that need no knowledge of the classes."""
