"""Fixtures that every test folder shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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
