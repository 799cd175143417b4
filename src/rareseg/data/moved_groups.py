"""Groups that the settings put into a part by name, whatever part the split gave them."""

from __future__ import annotations

from collections.abc import Mapping

from rareseg.data.source import Source
from rareseg.errors import SplitError, UnknownNameError

__all__ = ["move_groups"]


def move_groups(source: Source, part_of: Mapping[str, str], move: Mapping[str, str]) -> dict[str, str]:
    """Put whole groups into other parts; all other samples stay where they are.

    Samples that the split leaves out stay out. A group that is in its part already is no mistake, so that the
    same line serves every fold and seed.

    Args:
        source: Knows the group of every sample.
        part_of: Part by sample id; samples that are not in it, or in none of train, val and test, are left out.
        move: Part by group.

    Returns:
        Part by sample id; ``part_of`` is not changed.

    Raises:
        UnknownNameError: There is no such group.
        SplitError: All samples of a group are left out of the split, or a part lost its last group.
    """
    held = {name: part for name, part in part_of.items() if part in _PARTS}
    group_of = {name: source.group(name) for name in source.sample_ids}
    parts_of_group: dict[str, set[str]] = {}
    for name, part in held.items():
        parts_of_group.setdefault(group_of[name], set()).add(part)
    known = set(group_of.values())
    for group in move:
        if group not in known:
            raise UnknownNameError("group (key of split.move)", group, known)
        if group not in parts_of_group:
            raise SplitError(
                f"split.move should move the group '{group}' to {move[group]}, but the split leaves all of its "
                "samples out; name a group that is in a part, or give its samples one."
            )
    moved = {name: move.get(group_of[name], part) for name, part in held.items()}
    for part in _PARTS:
        if part in held.values() and part not in moved.values():
            gone = [group for group, parts in parts_of_group.items() if part in parts and group in move]
            raise SplitError(
                f"The part '{part}' is empty once split.move has taken {', '.join(map(repr, sorted(gone)))} out of "
                f"it; move another group to {part}, or take one off that list."
            )
    return {**part_of, **moved}


_PARTS = ("train", "val", "test")
