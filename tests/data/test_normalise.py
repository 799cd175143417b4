"""Ranges given in dataset.yaml instead of training statistics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rareseg.artefacts import read_yaml
from rareseg.cli.main import main
from rareseg.config.dataset import DatasetSettings
from rareseg.data.normalise import given_ranges
from rareseg.data.open_dataset import open_dataset
from rareseg.errors import ConfigError
from tiny import make_tiny_dataset, make_tiny_study

Make = Callable[..., DatasetSettings]


def test_low_becomes_0_and_high_1(
    make_folder: Make, save: Callable[[Path, Any], Path], tmp_path: Path
) -> None:
    settings = make_folder({"a": np.zeros((4, 5))}, normalise={"low": [180], "high": [4123]})
    assert given_ranges(settings, open_dataset(settings)) == ((180.0,), (3943.0,))
    save(tmp_path / "images/a.png", np.zeros((4, 5, 3), np.uint8))
    ranges = {"low": [10, 20], "high": [110, 70]}
    chosen = make_folder({}, bands=[2, 0], normalise=ranges)
    assert given_ranges(chosen, open_dataset(chosen)) == ((10.0, 20.0), (100.0, 50.0))
    plain = make_folder({})
    assert given_ranges(plain, open_dataset(plain)) is None


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"low": [1, 2], "high": [3]}, "'low' has 2 values and 'high' 1"),
        ({"low": [1, 5], "high": [3, 5]}, "'high' must be above 'low', but place 1 has 5 and 5"),
        ({"low": [], "high": []}, "at least 1 item"),
        ({"low": [float("nan")], "high": [1]}, "finite number"),
        ({"low": [1]}, r"the key 'normalise\.high' is missing"),
    ],
)
def test_ranges_that_cannot_be(make_settings: Make, ranges: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_settings(normalise=ranges)


def _study(tmp_path: Path, **changes: Any) -> tuple[Path, Path]:
    data = make_tiny_dataset(tmp_path / "data")
    settings = yaml.safe_load((data / "dataset.yaml").read_text())
    (data / "dataset.yaml").write_text(yaml.safe_dump({**settings, **changes}))
    budget = {"steps": 2, "batch_size": 2, "patch_size": 32}
    return data, make_tiny_study(
        tmp_path / "study", data, budget=budget, record={}, strategies={"baseline": {}}, evaluate=["val"]
    )


def test_a_run_is_normalised_by_the_ranges(tmp_path: Path) -> None:
    _, study = _study(tmp_path, normalise={"low": [20], "high": [220]})
    assert main(["run", str(study), "--out", str(tmp_path / "runs"), "--device", "cpu", "--quiet"]) == 0
    decided = read_yaml(tmp_path / "runs/baseline/seed-0/config.yaml")["decided"]
    assert (decided["mean"], decided["std"]) == ([20.0], [200.0])


def test_a_wrong_number_of_ranges_stops_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, study = _study(tmp_path, normalise={"low": [20, 20], "high": [220, 220]})
    for command in (["run", str(study), "--out", str(tmp_path / "runs")], ["inspect", str(data)]):
        assert main([*command, "--quiet"]) == 2
        message = " ".join(capsys.readouterr().err.split())
        assert (
            "`normalise` has ranges for 2 bands, but images have 1 (after the choice of `bands`)" in message
        )
    assert not (tmp_path / "runs/baseline").exists()
