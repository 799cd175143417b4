"""The first study of a dataset."""

from __future__ import annotations

from pathlib import Path

from rareseg.config.dataset import load_dataset_settings
from rareseg.config.load import parse_settings
from rareseg.config.study import StudySettings
from rareseg.metrics.late_checkpoints import first_late_step
from rareseg.study.plan_study import plan_study


def test_planned_study_tells_stability_over_iterations(tiny_dataset: Path, tmp_path: Path) -> None:
    planned = plan_study(
        load_dataset_settings(tiny_dataset),
        dataset_path=tiny_dataset / "dataset.yaml",
        study_path=tmp_path / "study.yaml",
    )
    study = parse_settings(StudySettings, planned, where="study.yaml")
    kept = [*study.record.checkpoint_steps, study.budget.steps]
    assert kept == [7000, 7500, 8000, 8500, 9000, 9500, 10_000]  # section 3.5.1 of the foil thesis
    assert kept[0] == first_late_step(study.budget.steps)
    assert len(study.seeds) > 1
