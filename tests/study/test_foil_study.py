"""The 13 models of the foil thesis, from making the data to the report that puts both sets of labels on trial."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from rareseg.artefacts import read_json
from rareseg.cli.main import main
from rareseg.config.study import load_study_settings

STUDY = Path(__file__).resolve().parents[2] / "studies" / "foil_thesis"
MODELS = [
    "baseline",
    "equal_samples",
    "oversampled",
    "equal_pixels",
    "binary",
    "binary_balanced",
    "wce_icf",
    "wce_iscf",
    "focal",
    "focal_icf",
    "focal_iscf",
    "binary_focal",
    "binary_focal_iscf",
]


@pytest.mark.parametrize("name", ["study.yaml", "study-full.yaml"])
def test_the_study_holds_the_thirteen_models(name: str) -> None:
    settings = load_study_settings(STUDY / name)
    assert list(settings.strategies) == MODELS
    # The document's focal loss has 0.25 for the background and 0.75 for the others.
    assert settings.recipe("focal").loss[0]["weights"] == "focal_paper"
    assert len(settings.seeds) == 3
    assert set(settings.recipe("oversampled").sampling["shares"]) == {"cavity"}


def test_every_model_runs_on_foils_and_is_judged_by_both_labels(tmp_path: Path) -> None:
    assert main(["demo", "--data-only", "--size", "160", "--out", str(tmp_path), "--quiet"]) == 0
    settings = yaml.safe_load((STUDY / "study.yaml").read_text())
    settings["dataset"] = str(tmp_path / "data" / "dataset.yaml")
    settings["seeds"] = [0]
    settings["budget"] = {"steps": 2, "batch_size": 2, "patch_size": 64}
    settings["record"] = {"validate_every": 2, "validate_megapixels": 0.01}
    settings["base"]["model"] = {"name": "unet", "base_channels": 2, "depth": 2}
    study = tmp_path / "study.yaml"
    study.write_text(yaml.safe_dump(settings, sort_keys=False))
    runs = tmp_path / "runs"
    assert main(["run", str(study), "--out", str(runs), "--device", "cpu", "--quiet"]) == 0
    for name in MODELS:
        folder = runs / name / "seed-0"
        cost = read_json(folder / "cost.json", kind="cost")
        assert cost["patches"] == (16 if name.startswith("binary") else 4)
        assert (folder / "against" / "exact" / "counts.parquet").exists()
    assert main(["report", str(runs), "--out", str(tmp_path / "report.html")]) == 0
    page = (tmp_path / "report.html").read_text()
    assert "Judged by other labels" in page
    assert all(name in page for name in MODELS)
