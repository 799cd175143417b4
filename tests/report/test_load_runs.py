from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from rareseg.artefacts import read_yaml, write_yaml
from rareseg.errors import ArtefactError
from rareseg.report.load_runs import load_runs


def test_order_states_and_splits(runs):
    study = load_runs(runs)
    assert study.strategies == ("baseline", "focal_iscf", "oversampled_cavity", "wce_icf")
    assert [(run.seed, run.state) for run in study.runs if run.strategy == "wce_icf"] == [
        (0, "finished"),
        (1, "finished"),
        (2, "failed"),
    ]
    assert study.splits == ("test", "val")
    assert study.majority == "background"
    assert study.rare_classes == ("agglomeration", "crack", "cavity")


def test_runs_that_the_study_does_not_name_come_last(runs, tmp_path):
    folder = shutil.copytree(runs, tmp_path / "runs")
    shutil.copytree(folder / "baseline" / "seed-0", folder / "another" / "seed-7")
    assert load_runs(folder).strategies[-1] == "another"


def test_log_with_a_torn_last_line_is_read(runs, tmp_path):
    folder = shutil.copytree(runs, tmp_path / "runs")
    path = folder / "baseline" / "seed-0" / "log.csv"
    whole = load_runs(runs).runs[0].log
    path.write_text(path.read_text() + "1020,0.0")
    torn = load_runs(folder).runs[0].log
    np.testing.assert_array_equal(torn["loss"], whole["loss"])
    assert np.isnan(torn["val_score"][0]) and torn["step"][-1] == 1000


def test_trained_but_not_judged_is_not_finished(runs, tmp_path):
    folder = shutil.copytree(runs, tmp_path / "runs")
    (folder / "baseline" / "seed-0" / "counts.parquet").unlink()
    first = load_runs(folder).runs[0]
    assert first.state == "running" and first.message == "trained, not yet judged"


def test_damaged_table_is_one_clear_line(runs, tmp_path):
    folder = shutil.copytree(runs, tmp_path / "runs")
    (folder / "baseline" / "seed-0" / "counts.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(ArtefactError, match="cannot be read as Parquet"):
        _ = load_runs(folder).runs[0].counts


def test_status_of_another_version_is_refused(runs, tmp_path):
    folder = shutil.copytree(runs, tmp_path / "runs")
    path = folder / "baseline" / "seed-0" / "status.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "artefact": "status/9"}))
    with pytest.raises(ArtefactError, match="should be a status/1 file, but is status/9"):
        load_runs(folder)


def test_the_strategy_called_baseline_comes_first(runs, tmp_path):
    copy = tmp_path / "runs"
    shutil.copytree(runs, copy)
    study = read_yaml(copy / "study.yaml")
    names = list(study["strategies"])
    study["strategies"] = {name: study["strategies"][name] for name in reversed(names)}
    write_yaml(copy / "study.yaml", study)
    found = load_runs(copy).strategies
    assert found[0] == "baseline"
    assert list(found[1:]) == [name for name in reversed(names) if name in found and name != "baseline"]
