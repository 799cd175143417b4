"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import jaxtyping
import pytest

from tiny import make_tiny_dataset, make_tiny_study
from torchvision_operators import declare_operators

declare_operators()

# The hook sees only what is imported after it, so this file imports nothing of rareseg at its top.
_CHECKED = ("losses", "models", "metrics", "strategies", "training", "inference")
jaxtyping.install_import_hook([f"rareseg.{room}" for room in _CHECKED], "shapes.check_shapes")

SHARED = Path(os.environ.get("RARESEG_SHARED", Path(__file__).resolve().parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real datasets; the test is skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"real datasets are not on this machine (looked in {SHARED / 'data'})")
    return SHARED / "data"


@pytest.fixture(scope="session")
def reference_tables() -> Path:
    """Folder of the tables that the documents printed; the test is skipped where it is absent."""
    if not (SHARED / "reference").is_dir():
        pytest.skip(f"reference tables are not on this machine (looked in {SHARED / 'reference'})")
    return SHARED / "reference"


@pytest.fixture
def shapes_unchecked() -> Iterator[None]:
    """Leave out the check of shapes, for tests that pass wrong ones on purpose or have torch trace the code."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


@pytest.fixture
def tiny_dataset(tmp_path: Path) -> Path:
    """Folder of a small dataset made by code, its own for each test."""
    return make_tiny_dataset(tmp_path / "data")


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the finished runs of a tiny study: two strategies, two seeds. Read it, do not write to it."""
    from rareseg.cli.main import main

    folder = tmp_path_factory.mktemp("finished")
    study = make_tiny_study(folder, make_tiny_dataset(folder / "data"), seeds=[0, 1])
    assert main(["run", str(study), "--out", str(folder / "runs"), "--device", "cpu", "--quiet"]) == 0
    return folder / "runs"
