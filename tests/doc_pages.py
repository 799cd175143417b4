"""The pages of the documentation and what stands in them: code, commands, links and anchors; shared by tests."""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)


class Block(NamedTuple):
    """A block of code: its page, what follows the fence (empty for an indented block), and its text."""

    page: str
    language: str
    text: str


def name_of(page: Path) -> str:
    """Path of a page below the repository."""
    return page.relative_to(ROOT).as_posix()


def fenced(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page."""
    for found in _FENCE.finditer(page.read_text(encoding="utf-8")):
        yield Block(name_of(page), found[1], found[2])


def prose(page: Path) -> str:
    """The text of a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def shell_lines(page: Path) -> Iterator[str]:
    """Lines of shell blocks and of indented blocks; the latter may hold other things than commands."""
    for block in fenced(page):
        if block.language == "bash":
            yield from block.text.splitlines()
    for line in prose(page).splitlines():
        if line.startswith("    "):
            yield line.strip()


def inline_code(page: Path) -> Iterator[str]:
    """Spans of code within the prose of a page."""
    text = "\n".join(line for line in prose(page).splitlines() if not line.startswith("    "))
    for span in re.findall(r"`([^`]+)`", text):
        yield re.sub(r"\s+", " ", span)


def links(page: Path) -> Iterator[str]:
    """Targets of the links of a page."""
    text = re.sub(r"(?m)^    .*$|(?<!\[)`[^`\n]+`", "", prose(page))
    yield from re.findall(r"\]\(([^)\s]+)\)", text)


def anchors(page: Path) -> set[str]:
    """What a link to a page may have behind the ``#``: its headings as Python-Markdown and GitHub spell them."""
    found: set[str] = set(re.findall(r"^::: (\S+)$", prose(page), re.M))
    for heading in re.findall(r"^#+ (.+)$", prose(page), re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)|`", r"\1", heading)
        text = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
        found.add(re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower()))
    return found


def script(name: str) -> ModuleType:
    """A Python file of the folder scripts as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
