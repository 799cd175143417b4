"""Unequal costs, parts that are trained one by one, and what plans say of themselves."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from rareseg.report.write_report import write_report


@pytest.fixture(scope="module")
def unequal(runs, tmp_path_factory):
    """The page of runs in which 'focal_iscf' has four members and its plan tells of its windows."""
    folder = tmp_path_factory.mktemp("unequal") / "runs"
    shutil.copytree(runs, folder)
    for seed in (0, 1, 2):
        place = folder / "focal_iscf" / f"seed-{seed}"
        cost = json.loads((place / "cost.json").read_text())
        part = {key: cost[key] for key in ("patches", "megapixels", "parameters", "macs_per_patch")}
        cost["parts"] = [{"name": name, **part} for name in ("agglomeration", "crack", "cavity", "gate")]
        for key in ("patches", "megapixels", "parameters", "macs_per_patch"):
            cost[key] *= 4
        (place / "cost.json").write_text(json.dumps(cost))
        seen = json.loads((place / "exposure.json").read_text())
        half = {
            "num_patches": 4000,
            "pixels": {"background": 900, "crack": 100},
            "patches_with": {"crack": 1000},
        }
        seen["parts"] = {"crack": half, "gate": {**half, "pixels": {"background": 500}}}
        seen["plans"] = [
            {
                "part": "crack",
                "plan": "equal pixels, 5 % apart",
                "distinct_windows": 1234,
                "repeats": {"mean": 2.5, "max": 17},
                "even": True,
            },
            {"part": "gate", "plan": "uniform"},
        ]
        (place / "exposure.json").write_text(json.dumps(seen))
    return write_report(folder, folder.parent / "r.html")


def test_members_are_added_up_and_told(unequal, parse):
    page = parse(unequal.read_text())
    assert page.problems == []
    rows = {row[0]: row for row in page.cells("") if len(row) == 10 and "Mpx" not in row[6]}
    rows = {name: row for name, row in rows.items() if "min" in row[3]}
    times = "\N{MULTIPLICATION SIGN}"
    assert rows["focal_iscf"][1] == "32 000" and rows["baseline"][1] == "8 000"
    assert rows["focal_iscf"][2] == f"131 4.0 {times}" and rows["baseline"][2] == f"32.8 1.0 {times}"
    # 411 041 792 multiply-adds for 64 x 64 pixels are 100.35 G for a million; the whole network takes four times that.
    assert rows["baseline"][6] == f"100 G 1.0 {times}" and rows["focal_iscf"][6] == f"401 G 4.0 {times}"
    assert "training read focal_iscf 4.0 times the pixels" in page.words
    parts = [row for row in page.cells("focal_iscf") if len(row) == 6 and row[5] == "411 M"]
    assert [row[1] for row in parts] == ["agglomeration", "crack", "cavity", "gate"]
    assert parts[0][2] == "8 000"


def test_score_stands_against_pixels(unequal):
    html = unequal.read_text().split("<h4>Score against all pixels that training read")[1]
    chart = json.loads(re.search(r'<script type="application/json">(.*?)</script>', html, re.S)[1])
    x = {trace["name"]: trace["x"][0] for trace in chart["data"]}
    assert x["focal_iscf"] == pytest.approx(4 * x["baseline"]) == pytest.approx(4 * 32.768)


def test_equal_costs_are_said_in_a_line(report, parse):
    html = report.read_text()
    assert "The training of every strategy read equally many pixels." in parse(html).words
    assert "Score against all pixels" not in html


def test_parts_and_plans_of_exposure(unequal, parse):
    page = parse(unequal.read_text())
    rows = [row for row in page.cells("focal_iscf", "crack") if len(row) == 11]
    # 10 % of the pixels and a quarter of the patches of this member are crack.
    assert rows[0][6:8] == ["10.0 %", "25.0 %"] and rows[0][10] == "4 000"
    plans = [row for row in page.cells("focal_iscf") if len(row) == 3]
    assert plans[0][1:] == [
        "equal pixels, 5 % apart",
        "distinct windows 1 234; repeats mean 2.50, max 17; even yes",
    ]
    assert plans[1][1:] == ["uniform", "none"]


def test_planned_shares_of_patches_are_told(report, parse):
    rows = [row for row in parse(report.read_text()).cells("oversampled_cavity") if len(row) == 10]
    exposure = next(row for row in rows if "plan" in row[7])
    assert exposure[8].endswith("plan ≥ 33.0 %")
    baseline = next(row for row in parse(report.read_text()).cells("baseline") if len(row) == 10)
    assert "≥" not in baseline[8]
