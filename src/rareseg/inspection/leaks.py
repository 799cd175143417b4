"""Duplicates that a split tears apart, and those that it keeps together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rareseg.inspection.duplicates import Duplicate
from rareseg.inspection.finding import Finding, counted
from rareseg.inspection.transforms import TRANSFORMS, Box

if TYPE_CHECKING:
    from rareseg.data.source import Source
    from rareseg.data.splits import Splits

__all__ = ["Leak", "leak_findings", "sort_leaks"]

PARTS = ("train", "val", "test")
LEAST_OVERLAP = 0.01
"""Shared area, as a share of the image, from which two regions of duplicates count as overlapping."""


@dataclass(frozen=True)
class Leak:
    """Two images that show the same thing and the parts they lie in.

    Args:
        a: Sample id.
        b: Sample id.
        split_a: Part of a; None where it is in no part.
        split_b: Part of b.
        similarity: 0 to 1.
        transform: What turns a into b.
        same_group: Whether their group key says that they belong together.
    """

    a: str
    b: str
    split_a: str | None
    split_b: str | None
    similarity: float
    transform: str
    same_group: bool

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``fingerprint.json``."""
        return asdict(self)


def sort_leaks(
    source: Source, splits: Splits, duplicates: Sequence[Duplicate]
) -> tuple[list[Leak], list[Leak]]:
    """Tell duplicates across parts from those within a part.

    Where images are cut into regions, two duplicates leak only if a region of one part comes to lie over a
    region of another part once they are aligned.

    Returns:
        Leaks, and all other duplicates; in a leak, ``a`` lies in the earlier of train, val and test.
    """
    boxes = _boxes(source, splits)
    leaks, inside = [], []
    for pair in duplicates:
        turned = [(part, TRANSFORMS[pair.transform].box(box)) for part, box in boxes.get(pair.a, [])]
        there = boxes.get(pair.b, [])
        same = source.group(pair.a) == source.group(pair.b)
        torn = {
            (p, q)
            for p, box_a in turned
            for q, box_b in there
            if p != q and _shared(box_a, box_b) > LEAST_OVERLAP
        }
        for p, q in sorted(torn, key=lambda parts: (PARTS.index(parts[0]), PARTS.index(parts[1]))):
            if PARTS.index(p) < PARTS.index(q):
                leaks.append(Leak(pair.a, pair.b, p, q, pair.similarity, pair.transform, same))
            elif (q, p) not in torn:
                inverse = TRANSFORMS[pair.transform].inverse
                leaks.append(Leak(pair.b, pair.a, q, p, pair.similarity, inverse, same))
        if not torn:
            parts = [next((part for part, _ in boxes.get(sample, [])), None) for sample in (pair.a, pair.b)]
            inside.append(Leak(pair.a, pair.b, parts[0], parts[1], pair.similarity, pair.transform, same))
    return leaks, inside


def leak_findings(
    leaks: Sequence[Leak], inside: Sequence[Leak], *, has_groups: bool, paths: Mapping[str, str]
) -> Iterator[Finding]:
    """Say in plain words what duplicates mean for scores.

    Args:
        leaks: Duplicates across parts.
        inside: Other duplicates.
        has_groups: Whether the dataset has a group key.
        paths: Image file of every sample.
    """
    if leaks:
        first = leaks[0]
        how = "" if first.transform == "identity" else f", one the {first.transform} of the other"
        cure = (
            "Merge the groups of such images"
            if has_groups
            else "Give images of one object a common group key"
        )
        yield Finding(
            "leak",
            "serious",
            f"{counted(len(leaks), 'pair of images shows', 'pairs of images show')} the same thing in"
            f" different parts, such as '{first.a}' ({first.split_a}) and '{first.b}' ({first.split_b}){how}:"
            f" scores will look better than they are. {cure} and split again.",
            _files(leaks, paths),
        )
    stray = [pair for pair in inside if not pair.same_group]
    if stray:
        cure = (
            "Merge their groups, so that no later split tears them apart."
            if has_groups
            else "Set 'group' in dataset.yaml, so that no later split tears them apart."
        )
        yield Finding(
            "duplicate",
            "warning",
            f"{counted(len(stray), 'pair of images shows', 'pairs of images show')} the same thing within one"
            f" part without a common group, such as '{stray[0].a}' and '{stray[0].b}'. {cure}",
            _files(stray, paths),
        )


def _boxes(source: Source, splits: Splits) -> dict[str, list[tuple[str, Box]]]:
    boxes: dict[str, list[tuple[str, Box]]] = {}
    for part in (splits.train, splits.val, splits.test):
        for sample, window in part.regions if part is not None else ():
            height, width = source.size(sample)
            box = Box(
                window.row / height,
                (window.row + window.height) / height,
                window.col / width,
                (window.col + window.width) / width,
            )
            boxes.setdefault(sample, []).append((part.name if part else "", box))
    return boxes


def _shared(a: Box, b: Box) -> float:
    height = min(a.bottom, b.bottom) - max(a.top, b.top)
    width = min(a.right, b.right) - max(a.left, b.left)
    return max(0.0, height) * max(0.0, width)


def _files(pairs: Sequence[Leak], paths: Mapping[str, str]) -> list[str]:
    return sorted({paths[sample] for pair in pairs for sample in (pair.a, pair.b)})
