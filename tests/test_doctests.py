"""Examples in docstrings run, and every public name has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import rareseg

MODULES = sorted(
    info.name
    for info in pkgutil.walk_packages(rareseg.__path__, prefix="rareseg.")
    if not info.ispkg and not info.name.endswith("__main__")
)
PUBLIC = [name for name in rareseg.__all__ if name != "__version__"]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)
    assert outcome.failed == 0, capsys.readouterr().out
    assert not list(tmp_path.iterdir()), "an example left files behind"


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_explained(name: str) -> None:
    text = inspect.getdoc(getattr(rareseg, name)) or ""
    summary = text.split("\n\n")[0]
    assert summary.endswith((".", ":")), f"'{name}' has no sentence that says what it does"
    assert doctest.DocTestParser().get_examples(text), f"'{name}' has no example to run"
