"""The script that measures ensembles: its figures by hand, and a run of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "studies" / "ensembles" / "measure.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ensembles_measure", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_ranking_of_errors_by_hand(script: ModuleType) -> None:
    ranking = script.ErrorRanking()
    ranking.add(np.array([0.9, 0.5, 0.5, 0.1], np.float32), np.array([True, True, False, False]))
    # Of the four pairs of a wrong and a right pixel, three are in order and one is a tie.
    assert ranking.area == pytest.approx(3.5 / 4)
    assert ranking.found(0.25) == pytest.approx(0.5)
    assert ranking.found(0.5) == pytest.approx(0.75)
    assert ranking.found(1.0) == pytest.approx(1.0)
    assert np.isnan(script.ErrorRanking().area)


def test_gain_by_hand(script: ModuleType) -> None:
    def measured(*overlaps: int) -> object:
        counts = [np.array([[0, 0, 0, 0], [tp, 10 - tp, 0, 90]]) for tp in overlaps]
        return script.Measured(counts)

    gain, low, high = script.gain(measured(8, 8, 8), [measured(5, 5, 5), measured(3, 3, 3)], ["a", "b", "c"])
    assert (gain, low, high) == pytest.approx((0.4, 0.4, 0.4))
    gain, low, high = script.gain(measured(8, 2), [measured(5, 5)], ["a", "b"])
    assert (gain, low, high) == pytest.approx((0.0, -0.3, 0.3))


def test_the_script_measures_a_study(
    script: ModuleType, finished_study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script.main([str(finished_study), "remedy", "--part", "test", "--tta", "flips"])
    rows = [line.split(" | ") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    names = [row[0].strip("| ") for row in rows]
    assert names == [
        "seed 0",
        "seed 1",
        "seed 0, 2 checkpoints",
        "seed 0, flips",
        "2 seeds",
        "2 seeds, flips",
    ]
    for row in rows:
        assert 0 <= float(row[1]) <= 1
        assert 0 <= float(row[3]) <= 1
        assert (row[4] == "-") == (row[0].strip("| ") in ("seed 0", "seed 1"))
