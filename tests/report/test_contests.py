"""Means as contests take them, recomputed from the files: mean IoU with the background, contest Dice, gates."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rareseg.report.contest_results import contest_results
from rareseg.report.load_runs import load_runs
from rareseg.report.markdown_summary import markdown_summary
from rareseg.report.results import split_results
from rareseg.report.section_contests import contest_sentences, contests_section

CLASSES = ("background", "agglomeration", "crack", "cavity")
KEYS = ("tp", "fp", "fn", "tn")


@pytest.fixture(scope="module")
def gated(maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two strategies on test images of which three are blank. The second has a gate: what it left are counts in which
    the blank images hold no false alarm, and what it took away stands in ``ungated``."""
    recipe = maker.Recipe(
        strategies=("baseline", "wce_icf"),
        seeds=(0, 1),
        splits=("test",),
        failed=(),
        steps=(1000,),
        blank=2,
        pictures=False,
    )
    runs = maker.make_runs(tmp_path_factory.mktemp("contests") / "runs", recipe)
    for seed in (0, 1):
        folder = runs / "wce_icf" / f"seed-{seed}"
        (folder / "ungated").mkdir()
        shutil.copy(folder / "counts.parquet", folder / "ungated" / "counts.parquet")
        rows = pq.read_table(folder / "counts.parquet").to_pylist()
        for row in rows:
            if row["image"] in ("test_07", "test_08", "test_09"):
                background = row["class"] == "background"
                row["tp" if background else "tn"] += row["fn" if background else "fp"]
                row["fn" if background else "fp"] = 0
        pq.write_table(pa.Table.from_pylist(rows), folder / "counts.parquet")
    return runs


def figures(path: Path) -> dict[str, float]:
    """All figures of one table, the long way."""
    rows = pq.read_table(path).to_pylist()
    total = {
        name: np.sum([[r[k] for k in KEYS] for r in rows if r["class"] == name], axis=0) for name in CLASSES
    }
    iou = {name: tp / (tp + fp + fn) for name, (tp, fp, fn, _) in total.items()}
    dice = {name: 2 * tp / (2 * tp + fp + fn) for name, (tp, fp, fn, _) in total.items()}
    pairs = []
    for row in rows:
        if row["class"] != "background":
            tp, fp, fn, _ = (row[key] for key in KEYS)
            pairs.append(2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 1)
    return {
        "iou_all": float(np.mean(list(iou.values()))),
        "iou": float(np.mean([iou[name] for name in CLASSES[1:]])),
        "dice": float(np.mean([dice[name] for name in CLASSES[1:]])),
        "contest": float(np.mean(pairs)),
    }


def test_every_mean_is_that_of_the_files(gated: Path) -> None:
    study = load_runs(gated)
    found = contest_results(study, split_results(study, split="test", num_resamples=9), num_resamples=9)
    assert found is not None
    assert [(row.name, row.gate) for row in found.rows] == [
        ("baseline", ""),
        ("wce_icf", "with"),
        ("wce_icf", "without"),
    ]
    for row in found.rows:
        place = "ungated/counts.parquet" if row.gate == "without" else "counts.parquet"
        seeds = [figures(gated / row.name / f"seed-{seed}" / place) for seed in (0, 1)]
        for key in ("iou_all", "iou", "dice", "contest"):
            assert getattr(row, key).mean == pytest.approx(np.mean([seed[key] for seed in seeds])), (
                row.name,
                key,
            )
    assert found.rows[1].contest.mean > found.rows[2].contest.mean + 0.05


def test_silence_is_the_share_of_pairs_without_the_class(gated: Path) -> None:
    study = load_runs(gated)
    found = contest_results(study, split_results(study, split="test", num_resamples=2), num_resamples=2)
    rows = pq.read_table(gated / "baseline" / "seed-0" / "counts.parquet").to_pylist()
    without = [row["tp"] + row["fn"] == 0 for row in rows if row["class"] != "background"]
    assert found is not None
    assert found.silence == pytest.approx(np.mean(without))


def test_the_page_and_the_markdown_show_both_with_and_without_the_gate(gated: Path, parse) -> None:
    study = load_runs(gated)
    found = contest_results(study, split_results(study, split="test", num_resamples=50), num_resamples=50)
    assert found is not None
    told = contest_sentences(found)
    assert told[0].startswith("The mean IoU of all 4 classes counts 'background'")
    assert told[2].startswith("The gate of 'wce_icf' moves contest Dice from 0.")
    section = contests_section(study, [found], interval=0.95)
    assert section is not None
    page = parse(section.body)
    assert page.problems == []
    assert [row[0] for row in page.cells("")] == [
        "Strategy",
        "baseline",
        "wce_icf with its gate",
        "wce_icf without its gate",
    ]
    lines = markdown_summary(study).splitlines()
    assert any(line.startswith("| wce_icf, without its gate |") for line in lines)
    heads = next(line for line in lines if "contest Dice (empty and empty is 1)" in line)
    assert heads.startswith(
        "| strategy | mean IoU of all 4 classes | mean IoU without background | Dice, pooled |"
    )


def test_images_that_are_left_out_are_left_out_here_too(gated: Path) -> None:
    study = load_runs(gated)
    run = study.finished("wce_icf")[0]
    table = run.ungated
    assert table is not None
    less = dataclasses.replace(run, left_out=frozenset({("test", "test_07")})).ungated
    assert less is not None
    assert set(table["image"]) - set(less["image"]) == {"test_07"}
    assert dataclasses.replace(run, labels="exact").ungated is None


def test_the_headline_tells_the_mean_with_the_background(report, runs: Path, parse) -> None:
    page = parse(report.read_text())
    study = load_runs(runs)
    found = contest_results(study, split_results(study, split="test", num_resamples=2), num_resamples=2)
    assert found is not None
    best = max(found.rows, key=lambda row: row.iou.mean)
    assert (
        f"With background counted too, the mean IoU of all 4 classes is {best.iou_all.mean:.3f}."
        in page.words
    )
