"""The figures of a bundle, against numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rareseg.artefacts import write_json, write_yaml
from rareseg.export.measured_quality import measured_quality
from rareseg.metrics.counts_table import CountsTable


def write_counts(folder: Path, hits: dict[tuple[int, str, str], int]) -> None:
    """Images of 100 pixels, 10 of them crack, of which so many are hit and none else is called so."""
    table = CountsTable()
    for (step, split, image), hit in hits.items():
        crack = [hit, 0, 10 - hit, 90]
        table.append(
            step=step,
            split=split,
            image=image,
            group=image,
            counts=np.array([[90, 10 - hit, 0, hit], crack]),
            class_names=("background", "crack"),
        )
    folder.mkdir(parents=True, exist_ok=True)
    table.write(folder / "counts.parquet")


def test_a_run_and_its_seeds(tmp_path: Path) -> None:
    first, second = (tmp_path / "focal" / f"seed-{seed}" for seed in (0, 1))
    write_counts(first, {(5, "test", "a"): 1, (9, "val", "v"): 3, (9, "test", "a"): 6, (9, "test", "b"): 8})
    write_counts(second, {(9, "test", "a"): 4, (9, "test", "b"): 4})
    found = measured_quality(first, step=9, decision=None)
    assert (found["split"], found["num_images"], found["num_groups"], found["num_seeds"]) == ("test", 2, 2, 2)
    crack = found["classes"]["crack"]
    # 14 of 20 pixels; a bootstrap over two images draws 6, 7 or 8 of 10.
    assert crack["tpr"] == {"value": 0.7, "low": 0.6, "high": 0.8}
    assert (crack["precision"]["value"], crack["iou"]["value"]) == (1.0, 0.7)
    assert crack["dice"]["value"] == pytest.approx(2 * 14 / 34, abs=1e-4)
    assert crack["seeds"]["tpr"]["value"] == pytest.approx((0.7 + 0.4) / 2)
    assert crack["num_images"] == 2
    earlier = measured_quality(first, step=5, decision=None)
    assert earlier["classes"]["crack"]["tpr"] == {"value": 0.1, "low": None, "high": None}
    assert earlier["num_seeds"] == 1


def test_scoring_leaves_out_the_same_images(tmp_path: Path) -> None:
    write_counts(tmp_path / "focal" / "seed-0", {(9, "test", "a"): 6, (9, "test", "b"): 8})
    write_yaml(tmp_path / "study.yaml", {"scoring": {"leave_out": ["b"]}})
    found = measured_quality(tmp_path / "focal" / "seed-0", step=9, decision=None)
    assert found["num_images"] == 1 and found["classes"]["crack"]["tpr"]["value"] == 0.6


def test_another_decision_brings_its_own_figures(tmp_path: Path) -> None:
    run = tmp_path / "focal" / "seed-0"
    write_counts(run, {(9, "test", "a"): 6})
    rates = {"before": {"classes": {"crack": {"tpr": 0.6}}}, "after": {"classes": {"crack": {"tpr": 0.9}}}}
    write_json(run / "decision.json", {"figures": {"val": {}, "test": rates}}, kind="decision")
    found = measured_quality(run, step=9, decision=run / "decision.json")
    assert found == {"split": "test", "classes": {"crack": {"tpr": {"value": 0.9}}}}


def test_nothing_is_said_of_what_was_not_judged(tmp_path: Path) -> None:
    run = tmp_path / "focal" / "seed-0"
    assert measured_quality(run, step=9, decision=None) == {}
    write_counts(run, {(9, "test", "a"): 6})
    assert measured_quality(run, step=8, decision=None) == {}
    assert measured_quality(run, step=9, decision=Path("argmax")) == {}
