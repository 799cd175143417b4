"""`rareseg tune` from the command line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rareseg.cli.main import main


@pytest.fixture
def runs(finished_study: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished_study, tmp_path / "runs")
    return tmp_path / "runs"


def test_tunes_every_run_and_writes_a_page(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "costs.yaml"
    table.write_text("missed_region: {square: 50, line: 5}\nfalse_region: 1\nfalse_stop: 3\n")
    notes = tmp_path / "tune.md"
    arguments = ["tune", str(runs), "--aim", "cost", "--costs", str(table), "--device", "cpu"]
    assert main([*arguments, "--markdown", str(notes)]) == 0
    shown = capsys.readouterr()
    assert "keeps no scores of 6 of 6 judged images" in shown.err.replace("\n", " ")
    assert "cost an image" in shown.out
    for run in runs.glob("*/seed-*"):
        assert (run / "decision.json").exists()
        assert (run / "score_maps" / "test" / "im07.parquet").exists()
    page = (runs / "tune.html").read_text(encoding="utf-8")
    for word in (
        "Decisions tuned for cost",
        "baseline",
        "remedy",
        "Smallest region",
        "Precision over recall",
    ):
        assert word in page
    assert "| baseline | cost an image |" in notes.read_text()
    # Scores are stored now, so that neither dataset nor network is needed.
    shutil.rmtree(runs / "baseline" / "seed-0" / "score_maps" / "val")
    (runs / "study.yaml").write_text((runs / "study.yaml").read_text().replace("/data/", "/gone/"))
    assert main([*arguments, "--only", "remedy", "--quiet"]) == 0
    assert main([*arguments, "--only", "baseline", "--quiet"]) == 2
    assert "gone" in capsys.readouterr().err


def test_tunes_one_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = runs / "remedy" / "seed-1"
    assert main(["tune", str(run), "--device", "cpu", "--quiet"]) == 0
    assert [path.parent.name for path in runs.glob("*/*/decision.json")] == ["seed-1"]
    assert main(["tune", str(run), "--aim", "recall", "--max-false-alarms", "100", "--quiet"]) == 0
    assert sorted(path.name for path in (run / "decisions").iterdir()) == ["f_beta.json", "recall.json"]
    assert '"name": "recall"' in (run / "decision.json").read_text()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--aim", "f_betta"], "There is no aim named 'f_betta'. Did you mean 'f_beta'?"),
        (["--aim", "cost"], "needs --costs, a yaml file"),
        (["--aim", "recall"], "needs --max-false-alarms"),
        (["--beta", "0"], "greater than 0"),
        (["--aim", "recall", "--max-false-alarms", "1", "--beta", "2"], "--beta is for the aim 'f_beta'"),
        (["--only", "remdy"], "Did you mean 'remedy'?"),
        (
            ["--aim", "cost", "--costs", "COSTS: {missed_region: {sqare: 5}, false_stop: 1}"],
            "Did you mean 'square'?",
        ),
        (
            ["--aim", "cost", "--costs", "COSTS: {missed_region: {background: 5}, false_stop: 1}"],
            "is the background",
        ),
        (
            ["--aim", "cost", "--costs", "COSTS: {missed_region: 5}"],
            "cheapest when everything is called a defect",
        ),
        (["--aim", "cost", "--costs", "COSTS: {false_stop: 5}"], "cheapest when nothing is ever seen"),
        (["--aim", "cost", "--costs", "COSTS: {mised_region: 5}"], "Did you mean 'missed_region'?"),
        (["--aim", "cost", "--costs", "nowhere.yaml"], "'nowhere.yaml' does not exist"),
    ],
)
def test_mistakes_end_in_one_line(
    runs: Path, tmp_path: Path, options: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if options[-1].startswith("COSTS: "):
        (tmp_path / "costs.yaml").write_text(options[-1].removeprefix("COSTS: "))
        options = [*options[:-1], str(tmp_path / "costs.yaml")]
    assert main(["tune", str(runs), *options, "--device", "cpu", "--quiet"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith("error: ")
    assert text in line


def test_unfinished_runs_are_refused_or_left_out(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = runs / "remedy" / "seed-1" / "status.json"
    status.write_text(status.read_text().replace('"finished"', '"running"'))
    assert main(["tune", str(runs / "remedy" / "seed-1")]) == 2
    assert "is not finished (running)" in capsys.readouterr().err
    assert main(["tune", str(runs), "--only", "remedy", "--device", "cpu"]) == 0
    assert "1 of 2 runs are not finished and left out" in capsys.readouterr().err
    assert not (runs / "remedy" / "seed-1" / "decision.json").exists()
