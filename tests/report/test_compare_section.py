"""The section 'Comparison', the lines below tables, and the chart of chances."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from rareseg.metrics.compare import paired_difference
from rareseg.report.chance_chart import chance_chart
from rareseg.report.comparison import all_pairs, pair_sentence, top_pairs
from rareseg.report.load_runs import load_runs
from rareseg.report.results import judged_table, split_results
from rareseg.report.write_report import write_report

RARE = ("agglomeration", "crack", "cavity")


@pytest.fixture(scope="module")
def study(runs):
    return load_runs(runs)


@pytest.fixture(scope="module")
def results(study):
    return split_results(study, split="test")


def chart_of(html, title):
    """The chart below a heading of the page."""
    after = html.split(f"<h4>{title}")[1]
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', after, re.S)[1])


def test_pairs_are_those_of_the_metrics(study, results):
    pairs = {(pair.a, pair.b): pair for pair in all_pairs(study, results, interval=0.95)}
    assert len(pairs) == 6
    assert [pair[0] for pair in pairs][:3] == ["focal_iscf"] * 3  # the best comes first
    sides = [
        [judged_table(run, "test") for run in study.finished(name)] for name in ("focal_iscf", "baseline")
    ]
    *classes, mean = paired_difference(*sides, class_names=RARE)
    found = pairs["focal_iscf", "baseline"]
    assert found.mean == mean and list(found.classes.values()) == classes


def test_matrix_of_the_page_is_antisymmetric_and_tells_the_pairs(study, results, report):
    html = report.read_text()
    heat = chart_of(html, "Chance in percent that the row beats the column")["data"][0]
    z = np.array(heat["z"], float)
    known = ~np.isnan(z)
    assert known.sum() == 12 and not known.diagonal().any()
    assert np.allclose((z + z.T)[known], 1)
    pair = next(pair for pair in all_pairs(study, results, interval=0.95) if pair.b == "baseline")
    row, column = heat["y"].index("1 focal_iscf"), int(heat["y"][2].split()[0]) - 1
    assert heat["y"][column].endswith("baseline")
    assert z[row, column] == pytest.approx(pair.mean.probability_better)
    assert heat["text"][row][column] == f"{100 * pair.mean.probability_better:.0f}"


def test_winner_is_told_in_words(study, results, parse, report):
    words = parse(report.read_text()).words
    runner_up, reference = results.ranked[1].name, "baseline"
    told = {pair.b: pair for pair in top_pairs(study, results, interval=0.95)}
    assert set(told) == {reference, runner_up}
    sentence = " ".join(pair_sentence(told[reference], interval=0.95).split())
    assert re.fullmatch(
        r"focal_iscf against baseline: \+0\.\d{3} in mean IoU \(95 % interval \+0\.\d{3} to \+0\.\d{3}\), "
        r"better with a chance of \d\d\.\d %\.",
        sentence,
    )
    assert sentence in words
    assert f"focal_iscf against {runner_up} (the runner-up)" in words
    assert "Two seeds in common tell next to nothing" in words  # wce_icf lost one of three


def test_one_seed_speaks_of_the_images_alone(maker, parse, tmp_path):
    recipe = maker.Recipe(
        strategies=("baseline", "focal_iscf"), seeds=(0,), splits=("test",), failed=(), pictures=False
    )
    page = parse(write_report(maker.make_runs(tmp_path / "runs", recipe), tmp_path / "r.html").read_text())
    assert "With one seed in common nothing is known of the seeds" in page.words
    assert "All strategies share one seed only" in page.words
    assert "There is only one seed, so nothing can be said about the spread between trainings" in page.words
    assert page.problems == []


def test_groups_that_are_too_few_give_no_chance(maker, parse, tmp_path):
    """Two images of one group: no interval anywhere, and no matrix."""
    recipe = maker.Recipe(
        strategies=("baseline", "focal_iscf"), splits=("test",), failed=(), pictures=False, num_images=2
    )
    runs = maker.make_runs(tmp_path / "runs", recipe)
    html = write_report(runs, tmp_path / "r.html").read_text()
    assert "Chance in percent that the row beats the column" not in html
    assert "A chance needs two groups or more of each class" in parse(html).words


def test_single_strategy_has_no_comparison(maker, parse, tmp_path):
    recipe = maker.Recipe(strategies=("baseline",), splits=("test",), failed=(), pictures=False)
    page = parse(write_report(maker.make_runs(tmp_path / "runs", recipe), tmp_path / "r.html").read_text())
    ids = {attrs.get("id") for _, attrs in page.tags}
    assert "compare" not in ids and "stability" in ids


def test_chart_leaves_numbers_out_where_cells_are_small():
    names = [f"s{i}" for i in range(15)]
    few = chance_chart(names[:3], np.full((3, 3), np.nan), what="IoU")
    many = chance_chart(names, np.full((15, 15), 0.5), what="IoU")
    assert few.data[0]["texttemplate"] and not many.data[0]["texttemplate"]
    assert (few.data[0]["text"] == "").all()
