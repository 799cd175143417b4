"""Runs made by code, shared by all tests of the report."""

from __future__ import annotations

import importlib.util
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


def _load_maker() -> ModuleType:
    """The helper beside this file; tests are no package, so it is loaded by its path."""
    name = "rareseg_tests_make_runs"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("make_runs.py"))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def maker() -> ModuleType:
    """The module ``make_runs``: ``make_runs(folder, Recipe(...))``."""
    return _load_maker()


@pytest.fixture(scope="session")
def runs(maker: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four strategies, three seeds, val and test, one failed run. Tests only read it."""
    return maker.make_runs(tmp_path_factory.mktemp("report") / "runs")


@pytest.fixture(scope="session")
def report(runs: Path) -> Path:
    """The page of `runs`."""
    from rareseg.report.write_report import write_report

    return write_report(runs, runs.parent / "report.html")


class Page(HTMLParser):
    """A page taken apart: tags with attributes, text, rows of tables, and whether tags are balanced."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input", "path", "circle"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.rows: list[list[str]] = []
        self.captions: list[str] = []
        self.text: list[str] = []
        self.problems: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag == "caption":
            self.captions.append("")
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self._open[-1:]} at {self.getpos()}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if {"script", "style"} & set(self._open):
            return
        self.text.append(data)
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data
        if "caption" in self._open:
            self.captions[-1] += data

    @property
    def words(self) -> str:
        """All visible text, spaces of any kind made plain."""
        return " ".join("".join(self.text).split())

    def cells(self, *start: str) -> list[list[str]]:
        """Rows whose first cells begin with these words."""
        plain = [[" ".join(cell.split()) for cell in row] for row in self.rows]
        return [row for row in plain if len(row) >= len(start) and all(map(str.startswith, row, start))]


@pytest.fixture(scope="session")
def parse() -> type[Page]:
    """``parse(html)`` takes a page apart."""
    return Page
