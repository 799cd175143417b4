"""Which judged images a study leaves out of its figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rareseg.errors import OptionError, did_you_mean
from rareseg.metrics.counts_table import CountsTable

__all__ = ["LeftOut", "find_left_out"]


@dataclass(frozen=True)
class LeftOut:
    """Split and name of images that do not count.

    Args:
        blank: Images without a pixel of any class but the first.
        named: Images that were named.
    """

    blank: frozenset[tuple[str, str]] = frozenset()
    named: frozenset[tuple[str, str]] = frozenset()

    @property
    def images(self) -> frozenset[tuple[str, str]]:
        """All of them."""
        return self.blank | self.named

    def num(self, split: str) -> int:
        """How many images of a split."""
        return sum(own == split for own, _ in self.images)


def find_left_out(
    tables: Iterable[CountsTable], *, background: str, blank: bool = False, names: Sequence[str] = ()
) -> LeftOut:
    """Find what is to be left out of figures; the counts of all images are kept.

    Leaving out blank images hides every false alarm on them: precision then speaks of images that are known to
    hold something. A figure without them should stand beside the one with them.

    Args:
        tables: Counts of the runs, by the labels that settle what is blank.
        background: The class that blank images hold.
        blank: Whether blank images are left out.
        names: Images that are left out.

    Raises:
        OptionError: A named image was never judged, or nothing is left of a split.

    Example:
        >>> table = CountsTable()
        >>> for image, crack in (("a", [5, 0, 1, 94]), ("b", [0, 7, 0, 93])):
        ...     table.append(step=1, split="test", image=image, group="", class_names=["good", "crack"],
        ...                  counts=[[93, 1, 0, 6], crack])
        >>> sorted(find_left_out([table], background="good", blank=True).images)
        [('test', 'b')]
    """
    support: dict[tuple[str, str], int] = {}
    for table in tables:
        rare = np.where(table["class"] == background, 0, table["tp"] + table["fn"])
        keys = zip(table["split"].tolist(), table["image"].tolist(), strict=True)
        for key, pixels in zip(keys, rare.tolist(), strict=True):
            support[key] = max(support.get(key, 0), pixels)
    judged = {image for _, image in support}
    for name in names:
        if name not in judged:
            raise OptionError(
                f"`scoring.leave_out` names the image '{name}', which was not judged.{did_you_mean(name, judged)} "
                "Mend study.yaml and start `rareseg run` again; it keeps finished runs."
            )
    found = LeftOut(
        blank=frozenset(key for key, pixels in support.items() if blank and not pixels),
        named=frozenset(key for key in support if key[1] in names),
    )
    for split in {split for split, _ in support}:
        if found.num(split) == sum(own == split for own, _ in support):
            raise OptionError(
                f"`scoring` leaves out all {found.num(split)} images of {split}, so no figure is left; leave out "
                "fewer in study.yaml and start `rareseg run` again; it keeps finished runs."
            )
    return found
