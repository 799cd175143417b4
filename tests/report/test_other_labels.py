"""Judged by other labels: figures recomputed from the files, and words that the figures bear out."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from rareseg.metrics.compare import PairedDifference
from rareseg.report.label_results import LabelPair, LabelResults, LabelRow, label_results
from rareseg.report.label_words import ceiling_sentence, label_sentences, pair_sentences
from rareseg.report.load_runs import StudyRuns, load_runs
from rareseg.report.markdown_summary import markdown_summary
from rareseg.report.panels import make_panels
from rareseg.report.results import split_results
from rareseg.report.section_labels import labels_section

RARE = ("agglomeration", "crack", "cavity")


@pytest.fixture(scope="module")
def folder(maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three strategies by own and exact labels, on test."""
    recipe = maker.Recipe(
        strategies=("baseline", "focal_iscf", "wce_icf"),
        seeds=(0, 1),
        splits=("test",),
        failed=(),
        steps=(1000,),
        other_labels=("exact",),
    )
    return maker.make_runs(tmp_path_factory.mktemp("labels") / "runs", recipe)


@pytest.fixture(scope="module")
def study(folder: Path) -> StudyRuns:
    return load_runs(folder)


@pytest.fixture(scope="module")
def found(study: StudyRuns) -> LabelResults:
    own = split_results(study, split="test", num_resamples=200)
    result = label_results(study, own, labels="exact", num_resamples=200)
    assert result is not None
    return result


def iou(path: Path) -> float:
    """Mean pooled IoU of the rare classes in a table of counts."""
    table = pq.read_table(path).to_pydict()
    values = []
    for name in RARE:
        rows = np.array([c == name for c in table["class"]])
        tp, fp, fn = (np.array(table[key])[rows].sum() for key in ("tp", "fp", "fn"))
        values.append(tp / (tp + fp + fn))
    return float(np.mean(values))


def test_means_and_ranks_agree_with_the_files(folder: Path, found: LabelResults) -> None:
    assert found.classes == RARE and not found.left_out
    assert found.agreement is not None
    for kind, ranks, where in (
        ("own", found.agreement.first, ""),
        ("other", found.agreement.second, "against/exact/"),
    ):
        expected = {
            row.name: np.mean(
                [iou(folder / row.name / f"seed-{n}" / f"{where}counts.parquet") for n in (0, 1)]
            )
            for row in found.rows
        }
        for row in found.rows:
            assert getattr(row, kind).pooled["iou"].mean == pytest.approx(expected[row.name])
        order = sorted(expected, key=lambda name: -expected[name])
        assert [ranks[name] for name in order] == [1, 2, 3]
    assert found.ceiling is not None
    against = folder / "evaluated/against/exact/counts.parquet"
    assert found.ceiling.pooled["iou"].mean == pytest.approx(iou(against))
    assert found.by_class["crack"].pooled["iou"].mean == 1


def test_pairs_are_differences_by_both(found: LabelResults) -> None:
    means = {row.name: (row.own.pooled["iou"].mean, row.other.pooled["iou"].mean) for row in found.rows}
    assert len(found.pairs) == 3
    for pair in found.pairs:
        assert pair.own.difference == pytest.approx(means[pair.a][0] - means[pair.b][0])
        assert pair.other.difference == pytest.approx(means[pair.a][1] - means[pair.b][1])
        assert pair.own.difference >= 0


UP = "+0.200, +0.100 to +0.300"


def difference(low: float, high: float) -> PairedDifference:
    middle = 0.1 if np.isnan(low) else (low + high) / 2
    return PairedDifference(("crack",), "iou", "pooled", middle, low, high, 0.9, (2, 2), 4)


@pytest.mark.parametrize(
    ("own", "other", "verdict", "words"),
    [
        ((0.1, 0.3), (0.2, 0.4), "both", ""),
        (
            (0.1, 0.3),
            (-0.4, -0.2),
            "reversed",
            f"'a' beats 'b' by the own labels ({UP}), but loses to it by 'x'",
        ),
        ((0.1, 0.3), (-0.1, 0.3), "own", f"'a' beats 'b' by the own labels ({UP}), but not by 'x' (+0.100, "),
        ((0.1, 0.3), (np.nan, np.nan), "own", "but not by 'x' (+0.100, no interval)."),
        (
            (-0.1, 0.3),
            (0.1, 0.3),
            "other",
            f"'a' beats 'b' by 'x' ({UP}), but not by the own labels (+0.100, ",
        ),
        (
            (-0.1, 0.3),
            (-0.3, -0.1),
            "other",
            f"'b' beats 'a' by 'x' ({UP}), but not by the own labels (-0.100, ",
        ),
        ((-0.1, 0.3), (-0.1, 0.3), "neither", ""),
    ],
)
def test_verdicts_and_their_words(found: LabelResults, own, other, verdict, words) -> None:
    pair = LabelPair("a", "b", difference(*own), difference(*other))
    assert pair.verdict == verdict
    told = pair_sentences(dataclasses.replace(found, labels="x", pairs=(pair,)))
    assert len(told) == bool(words)
    assert words in " ".join(told).replace("\N{MINUS SIGN}", "-")


def test_sentences_count_what_holds(found: LabelResults) -> None:
    sure, unsure = difference(0.1, 0.3), difference(-0.1, 0.3)
    pairs = [LabelPair("a", "b", sure, sure)] * 2 + [LabelPair("a", "b", sure, unsure)]
    told = label_sentences(dataclasses.replace(found, pairs=tuple(pairs)), interval=0.95)
    counted = "2 by both sets of labels in the same order, 1 by the own labels only;"
    assert f"Of 3 pairs of strategies, intervals tell apart {counted}" in told[-1]
    many = dataclasses.replace(found, pairs=tuple([LabelPair("a", "b", sure, unsure)] * 15))
    assert len(pair_sentences(many)) == 13 and "3 further pairs" in pair_sentences(many)[-1]


def test_another_best_is_told(found: LabelResults) -> None:
    first, second, *rest = found.rows
    turned = [
        LabelRow(first.name, first.own, second.other),
        LabelRow(second.name, second.own, first.other),
        *rest,
    ]
    best_by_other = max(turned, key=lambda row: row.other.pooled["iou"].mean).name
    told = label_sentences(dataclasses.replace(found, rows=tuple(turned)), interval=0.95)[0]
    assert f"By the own labels '{first.name}' is best" in told and f"it is '{best_by_other}'" in told


def test_section_tells_ceiling_and_every_strategy(study: StudyRuns, parse) -> None:
    results = [split_results(study, split="test", num_resamples=100)]
    section = labels_section(study, results, interval=0.95)
    assert section is not None
    page = parse(section.body)
    assert "these labels themselves reach a mean IoU of" in page.words
    for name in ("baseline", "focal_iscf", "wce_icf", "the own labels themselves"):
        assert name in page.words


def test_panels_show_both_sets(folder: Path, study: StudyRuns) -> None:
    panels = make_panels(study, split="test", most_missed=2, most_disputed=1)
    assert panels
    for panel in panels:
        other = np.array(Image.open(folder / f"evaluated/against/exact/test/{panel.image}.png"))
        shown = other[panel.window.slices]
        expected = {name: int((shown == index).sum()) for index, name in enumerate(RARE, start=1)}
        assert panel.others["exact"].support == {name: n for name, n in expected.items() if n}
        assert panel.others["exact"].picture.startswith("data:image/png")


def test_markdown_tells_both(study: StudyRuns) -> None:
    text = markdown_summary(study)
    assert "Judged by the labels 'exact' too, in agglomeration, crack, cavity:" in text
    lines = text.split("Judged by")[1].splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1 and len(table) == 2 + 3 + 1
    assert table[-1].startswith("| the own labels themselves |")


def test_without_tables_of_some_run_the_labels_are_passed_over(runs: Path, study: StudyRuns) -> None:
    results = [split_results(study, split="test", num_resamples=2)]
    assert load_runs(runs).other_labels == ()
    assert labels_section(load_runs(runs), results, interval=0.95) is None
    first = dataclasses.replace(study.runs[0], folder=runs / "baseline" / "seed-0")
    assert dataclasses.replace(study, runs=(first, *study.runs[1:])).other_labels == ()


def test_labels_without_the_ceiling_still_compare(found: LabelResults) -> None:
    assert ceiling_sentence(dataclasses.replace(found, ceiling=None), interval=0.95) is None
