"""The 13 models of the foil thesis, from making the data to the report that puts both sets of labels on trial."""

from __future__ import annotations

import csv
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml

from rareseg.artefacts import read_json
from rareseg.cli.main import main
from rareseg.config.study import load_study_settings
from rareseg.metrics.compare import PairedDifference
from rareseg.report.load_runs import load_runs

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


@pytest.fixture(scope="module")
def conclusions() -> ModuleType:
    spec = importlib.util.spec_from_file_location("foil_conclusions", STUDY / "conclusions.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["study.yaml", "study-full.yaml"])
def test_the_study_holds_the_thirteen_models(name: str) -> None:
    settings = load_study_settings(STUDY / name)
    assert list(settings.strategies) == MODELS
    # The document's focal loss has 0.25 for the background and 0.75 for the others.
    assert settings.recipe("focal").loss[0]["weights"] == "focal_paper"
    assert len(settings.seeds) == 3
    assert set(settings.recipe("oversampled").sampling["shares"]) == {"cavity"}


def test_every_model_runs_on_foils_and_is_judged_by_both_labels(
    tmp_path: Path, conclusions: ModuleType
) -> None:
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
    text = conclusions.conclusions(load_runs(runs))
    assert all(f"\n| {name} | 1 |" in text for name in MODELS)
    assert text.count("| tpr of ") == 6


def test_printed_rates_follow_from_the_documents_counts(
    conclusions: ModuleType, reference_tables: Path
) -> None:
    counts: dict[str, list[tuple[float, float]]] = {}
    with (reference_tables / "foil_thesis_counts.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            tp, fn = int(row["tp"]), int(row["fn"])
            fp = int(row["n"]) - int(row["tn"])  # one printed FP lacks a digit
            counts.setdefault(row["model"], []).append((tp / (tp + fn), tp / (tp + fp)))
    means = [np.mean(pairs, axis=0) for pairs in counts.values()]
    np.testing.assert_allclose(list(conclusions.PRINTED.values()), means, atol=6e-4)


@pytest.mark.parametrize(
    ("ends", "no_more", "verdict"),
    [
        (((0.1, 0.3), (0.2, 0.4)), False, "about the models: holds by both"),
        (((-0.3, -0.1), (-0.4, -0.2)), False, "contradicted by both"),
        (((0.1, 0.3), (-0.1, 0.4)), False, "holds by the annotator's labels alone"),
        (((-0.1, 0.3), (-0.4, -0.1)), False, "contradicted by the exact labels alone"),
        (((0.1, 0.3), (-0.4, -0.1)), False, "about the labels: turned round"),
        (((-0.1, 0.3), (-0.4, 0.1)), False, "not settled by either"),
        (((-0.1, 0.3), (-0.4, 0.1)), True, "contradicted by neither"),
        (((0.1, 0.3), (0.2, 0.4)), True, "contradicted by both"),
    ],
)
def test_a_claim_is_about_the_models_if_both_labels_say_so(
    conclusions: ModuleType, ends: tuple[tuple[float, float], ...], no_more: bool, verdict: str
) -> None:
    sides = [
        PairedDifference(("crack",), "tpr", "pooled", (low + high) / 2, low, high, 0.9, (3, 3), 26)
        for low, high in ends
    ]
    row = conclusions._row(conclusions.Claim("it helps", "a", "b", "tpr", no_more), sides)
    assert row.endswith(f"| {verdict} |")
    assert row.startswith("| it helps | tpr of a - b |")
