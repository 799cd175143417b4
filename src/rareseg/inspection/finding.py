"""One thing that inspection noticed and a person should know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Finding", "Level", "counted", "some"]

Level = Literal["serious", "warning", "note"]


@dataclass(frozen=True)
class Finding:
    """A warning in plain words.

    Args:
        kind: What it is about, one word for programs: ``"leak"``, ``"drift"``.
        level: ``"serious"`` makes scores wrong, ``"warning"`` makes them doubtful, ``"note"`` is good to
            know.
        text: One or two sentences that end in what to do about it.
        files: Files that it is about, as far as it is about files.
    """

    kind: str
    level: Level
    text: str
    files: Sequence[str] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``fingerprint.json``."""
        return {"kind": self.kind, "level": self.level, "text": self.text, "files": list(self.files)}


def some(names: Sequence[str], *, most: int = 3) -> str:
    """The first few names in quotes, and how many follow.

    Example:
        >>> some(["a", "b", "c", "d", "e"])
        "'a', 'b', 'c' and 2 more"
        >>> some(["a", "b"])
        "'a' and 'b'"
    """
    shown = [f"'{name}'" for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else ""


def counted(number: int, singular: str, plural: str) -> str:
    """A number with its noun and verb.

    Example:
        >>> counted(1, "image is", "images are"), counted(2, "image is", "images are")
        ('1 image is', '2 images are')
    """
    return f"{number} {singular if number == 1 else plural}"
