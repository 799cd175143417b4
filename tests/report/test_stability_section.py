"""The section 'Stability': deviations with marks, rankings, and what to add where something is missing."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest

from rareseg.report.load_runs import load_runs
from rareseg.report.results import RARE
from rareseg.report.stability_rows import rows_over_runs, rows_over_steps
from rareseg.report.write_report import write_report

NAMES = ("agglomeration", "crack", "cavity")


def tpr(runs, strategy, seed, split, step, names=NAMES):
    """Mean over classes of the pooled TPR, straight from the file."""
    rows = pq.read_table(runs / strategy / f"seed-{seed}" / "counts.parquet").to_pylist()
    found = []
    for name in names:
        keep = [r for r in rows if (r["step"], r["split"], r["class"]) == (step, split, name)]
        tp, fn = (sum(row[key] for row in keep) for key in ("tp", "fn"))
        found.append(tp / (tp + fn))
    return float(np.mean(found))


def test_deviations_are_those_of_the_counts(runs):
    study = load_runs(runs)
    between_runs = rows_over_runs(study, split="test", counted=NAMES)
    assert list(between_runs) == [RARE, *NAMES]
    found = {row.name: row for row in between_runs[RARE]}
    values = [tpr(runs, "baseline", seed, "test", 1000) for seed in (0, 1, 2)]
    assert found["baseline"].sd["tpr"] == pytest.approx(np.std(values, ddof=1))
    assert (found["baseline"].num_evaluations, found["wce_icf"].num_evaluations) == (3, 2)
    crack = {row.name: row for row in between_runs["crack"]}
    values = [tpr(runs, "focal_iscf", seed, "test", 1000, ("crack",)) for seed in (0, 1, 2)]
    assert crack["focal_iscf"].sd["tpr"] == pytest.approx(np.std(values, ddof=1))
    between_steps = rows_over_steps(study, split="val", counted=NAMES)
    deviations = [
        np.std([tpr(runs, "baseline", seed, "val", step) for step in (800, 1000)], ddof=1)
        for seed in (0, 1, 2)
    ]
    baseline = {row.name: row for row in between_steps[RARE]}["baseline"]
    assert baseline.sd["tpr"] == pytest.approx(np.mean(deviations))
    assert sum(baseline.marks.values()) == 3


def test_marks_follow_the_deviations(report, parse):
    page = parse(report.read_text())
    rows = [row for row in page.cells("") if len(row) == 9 and re.match("[✓✗\N{EN DASH}]", row[1])]
    assert len(rows) == 4 * 4 * 3  # strategies; mean and three classes; seeds on both splits, checkpoints
    for row in rows[:16]:
        over = [float(cell) >= 0.05 for cell in row[2:5] if "\N{MINUS SIGN}" not in cell]
        assert row[1].startswith("✗" if any(over) else "✓"), row


def test_strategy_without_a_seed_is_left_out_of_the_ranking(report, parse):
    html = report.read_text()
    page = parse(html)
    assert re.search(r"Ranked by .*IoU.* without wce_icf: lacks seed 2\.", page.words)
    chart = json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', html.split("<h4>Rank by")[1], re.S)[1]
    )
    marks = {trace["name"]: trace["x"] for trace in chart["data"] if "name" in trace}
    assert set(marks) == {"baseline", "focal_iscf", "oversampled_cavity"}
    assert np.sum(list(marks.values()), axis=0).tolist() == [6, 6, 6]
    rows = {row[0]: row for row in page.cells("") if len(row) == 5 and "seed" in row[1]}
    assert rows["IoU"][2:] == ["100 %", "0.778", "0.556"]


def test_what_to_add_is_said(maker, parse, tmp_path):
    recipe = maker.Recipe(
        strategies=("baseline",), seeds=(0,), splits=("val",), failed=(), pictures=False, steps=(1000,)
    )
    html = write_report(maker.make_runs(tmp_path / "runs", recipe), tmp_path / "r.html").read_text()
    page = parse(html)
    assert "There is only one seed" in page.words and "seeds: [0, 1, 2]" in page.words
    assert "No run kept checkpoints of the last 30 % of its steps" in page.words
    assert "record:\n  checkpoint_steps: [700, 750, 800, 850, 900, 950]" in html


def test_checkpoints_are_judged_on_validation(report, parse):
    captions = [" ".join(caption.split()) for caption in parse(report.read_text()).captions]
    assert sum("judged on the validation images" in caption for caption in captions) == 2
