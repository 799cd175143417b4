"""Image gates and the pull of loss terms, as a run leaves them, come out in the report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from rareseg.artefacts import write_json
from rareseg.report.describe_strategy import describe_strategy
from rareseg.report.load_runs import load_runs
from rareseg.report.markdown_summary import markdown_summary
from rareseg.report.section_gate import gate_section
from rareseg.report.term_charts import term_charts

IMAGES = [
    ("test", True, True),
    ("test", True, True),
    ("test", True, False),
    ("test", False, False),
    ("test", False, True),
    ("val", False, False),
]


@pytest.fixture
def gated(runs: Path, tmp_path: Path) -> Path:
    """The runs of the other tests with a gate and a summed loss in the first of them."""
    copy = tmp_path / "runs"
    shutil.copytree(runs, copy)
    folder = next(copy.glob("*/seed-0"))
    rows = [
        {"split": split, "image": str(number), "score": 0.5, "holds": holds, "open": is_open}
        for number, (split, holds, is_open) in enumerate(IMAGES)
    ]
    write_json(
        folder / "gate.json",
        {"threshold": 0.25, "reason": "highest F2 on validation", "chosen_on": "val", "images": rows},
        kind="gate",
    )
    (folder / "terms.csv").write_text(
        "step,part,term,value,gradient_share\n"
        "20,segmenter,dice,0.9,0.25\n20,segmenter,cross_entropy,1.2,0.75\n"
        "40,segmenter,dice,0.7,0.4\n40,segmenter,cross_entropy,0.6,0.6\n"
    )
    return copy


def test_a_gate_is_told_by_images(gated: Path) -> None:
    section = gate_section(load_runs(gated))
    assert section is not None
    text = " ".join(section.body.replace("<td", " <td").split())
    assert ">2 of 3</td>" in text  # images with a defect that pass
    assert ">1 of 2</td>" in text  # blank images that are skipped
    assert ">0 of 0</td>" in text  # no image of val holds a defect
    assert "highest F2 on validation" in text


def test_the_confusion_matrix_is_drawn(gated: Path, parse) -> None:
    section = gate_section(load_runs(gated))
    assert section is not None
    page = parse(section.body)
    assert page.problems == []
    # Of three images with a defect two pass, of two blank ones one is skipped.
    found = [[cell.split()[0] for cell in row] for row in page.cells("with a defect") + page.cells("blank")]
    shown = [row[-2:] for row in found]
    assert shown == [["2", "1"], ["0", "0"], ["1", "1"], ["0", "1"]]
    kinds = [attrs["class"].split()[1] for tag, attrs in page.tags if tag == "td" and "style" in attrs]
    assert kinds == ["right", "wrong", "wrong", "right"] * 2
    shares = [attrs["style"] for tag, attrs in page.tags if tag == "td" and "style" in attrs]
    assert shares[:4] == ["--share:67%", "--share:33%", "--share:50%", "--share:50%"]


def test_seeds_are_added_up_in_the_matrix(gated: Path, parse) -> None:
    first = next(gated.glob("*/seed-0"))
    shutil.copy(first / "gate.json", first.with_name("seed-1") / "gate.json")
    section = gate_section(load_runs(gated))
    assert section is not None
    page = parse(section.body)
    assert "2 seeds added up" in page.words
    assert [cell.split()[0] for cell in page.cells("with a defect")[0]][-2:] == ["4", "2"]


def test_without_a_gate_there_is_no_section(runs: Path) -> None:
    assert gate_section(load_runs(runs)) is None


def test_terms_are_drawn_for_summed_losses_alone(gated: Path) -> None:
    (chart,) = term_charts(load_runs(gated))
    assert {trace["name"]: (trace["x"], trace["y"]) for trace in chart.data} == {
        "dice": ([20, 40], [0.25, 0.4]),
        "cross_entropy": ([20, 40], [0.75, 0.6]),
    }


def test_what_is_as_usual_is_not_told() -> None:
    strategy = {
        "optimizer": {"name": "adamw", "lr": 1e-3, "weight_decay": 1e-5, "momentum": 0.9},
        "schedule": {"name": "step", "every": 100, "factor": 0.5, "patience": 3, "warmup_steps": 0},
        "ema": 0.99,
    }
    assert describe_strategy(strategy) == {
        "optimizer": "adamw (lr 0.001)",
        "schedule": "step (every 100, factor 0.5)",
        "ema": "0.99",
    }


def test_the_markdown_has_a_row_for_each_seed_and_split(gated: Path) -> None:
    first = next(gated.glob("*/seed-0")).parent.name
    text = markdown_summary(load_runs(gated))
    test_part, val_part = text.split("### Validation")
    assert f"| {first} | 0 | 0.250 | 2 | 1 | 1 | 1 |" in test_part
    assert f"| {first} | 0 | 0.250 | 0 | 0 | 0 | 1 |" in val_part
    assert text.count("Images by what the gate did") == 2
