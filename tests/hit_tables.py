"""Tables of counts made of hits; shared by tests of metrics."""

from __future__ import annotations

from collections.abc import Sequence

from rareseg.metrics.counts_table import CountsTable

NAMES = ("background", "crack")


def run(
    hits: Sequence[int],
    *,
    groups: Sequence[str] | None = None,
    class_names: Sequence[str] = NAMES,
    step: int = 1,
) -> CountsTable:
    """A table whose crack recall in image i is ``hits[i] / 100``."""
    table = CountsTable()
    for index, hit in enumerate(hits):
        table.append(
            step=step,
            split="test",
            image=f"i{index}",
            group=groups[index] if groups else "",
            counts=[[800, 100 - hit, 10, hit], [hit, 10, 100 - hit, 800]],
            class_names=class_names,
        )
    return table
