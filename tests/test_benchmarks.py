"""Benchmarks are run by hand; that they still start with the code as it is, is checked here."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).resolve().parents[1] / "benchmarks").glob("*.py"))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_what_a_benchmark_imports_is_there(path: Path) -> None:
    names = [
        (node.module, alias.name)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "rareseg"
        for alias in node.names
    ]
    for module, name in names:
        assert hasattr(importlib.import_module(module), name), f"{path.name}: {module} has no {name}"


def test_there_are_benchmarks() -> None:
    assert len(SCRIPTS) > 5
