"""Images that study.yaml leaves out of scoring: gone from every figure, told, and shown beside all of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from rareseg.errors import OptionError
from rareseg.report.load_runs import load_runs
from rareseg.report.markdown_summary import markdown_summary
from rareseg.report.results import split_results
from rareseg.report.section_scoring import scoring_section, scoring_sentence
from rareseg.report.text_summary import text_summary

STRATEGIES = ("baseline", "wce_icf")
BLANK = {"test_07", "test_08", "test_09"}


@pytest.fixture(scope="module")
def folder(maker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two strategies on ten test images of which the last three are blank."""
    recipe = maker.Recipe(
        strategies=STRATEGIES,
        seeds=(0, 1),
        splits=("test",),
        failed=(),
        steps=(1000,),
        blank=2,
        pictures=False,
    )
    return maker.make_runs(tmp_path_factory.mktemp("scoring") / "runs", recipe)


@pytest.fixture
def scored(folder: Path, tmp_path: Path):
    """Load the runs with a scoring of their own."""

    def load(**scoring: object):
        runs = tmp_path / "runs"
        shutil.rmtree(runs, ignore_errors=True)
        shutil.copytree(folder, runs)
        path = runs / "study.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "scoring": scoring}))
        return load_runs(runs)

    return load


def precision(folder: Path, strategy: str, *, without: set[str]) -> float:
    """Mean over seeds and rare classes of the pooled precision."""
    means = []
    for seed in (0, 1):
        table = pq.read_table(folder / strategy / f"seed-{seed}" / "counts.parquet").to_pydict()
        values = []
        for name in ("agglomeration", "crack", "cavity"):
            kept = [
                (tp, fp)
                for tp, fp, image, label in zip(
                    table["tp"], table["fp"], table["image"], table["class"], strict=True
                )
                if label == name and image not in without
            ]
            tp, fp = np.sum(kept, axis=0)
            values.append(tp / (tp + fp))
        means.append(np.mean(values))
    return float(np.mean(means))


def test_every_table_lacks_what_is_left_out(folder: Path, scored) -> None:
    study = scored(leave_out_blank=True, leave_out=["test_00"])
    gone = BLANK | {"test_00"}
    assert {image for _, image in study.left_out.images} == gone
    for run in study.runs:
        for table in (run.counts, run.regions, run.read_scores()):
            assert not gone & set(table["image"].tolist())
    found = split_results(study, split="test", num_resamples=20)
    whole = split_results(study.with_all_images(), split="test", num_resamples=20)
    assert (found.num_images, whole.num_images) == (6, 10)
    for one, without in ((found, gone), (whole, set())):
        for strategy in one.strategies:
            expected = precision(folder, strategy.name, without=without)
            assert strategy.rare.pooled["precision"].mean == pytest.approx(expected)


def test_false_alarms_on_blank_images_are_what_is_hidden(folder: Path, scored) -> None:
    """The pitfall: precision rises and recall stays when blank images are left out."""
    study = scored(leave_out_blank=True)
    found, whole = (
        split_results(one, split="test", num_resamples=2) for one in (study, study.with_all_images())
    )
    for a, b in zip(found.strategies, whole.strategies, strict=True):
        assert a.rare.pooled["tpr"].mean == b.rare.pooled["tpr"].mean
    gains = [
        a.rare.pooled["precision"].mean - b.rare.pooled["precision"].mean
        for a, b in zip(found.strategies, whole.strategies, strict=True)
    ]
    assert min(gains) >= 0 and max(gains) > 0.02


def test_the_report_says_how_many_and_shows_both(scored, parse) -> None:
    study = scored(leave_out_blank=True, leave_out=["test_00"])
    results = [split_results(study, split="test", num_resamples=20)]
    whole = [split_results(study.with_all_images(), split="test", num_resamples=20)]
    best = results[0].ranked[0]
    told = scoring_sentence(study, results[0], whole[0])
    assert told.startswith(
        "4 of 10 test images are left out of scoring, as study.yaml asks: 3 that hold the background alone and 1 "
        "that study.yaml names."
    )
    full = next(s for s in whole[0].strategies if s.name == best.name)
    assert f"IoU of {full.rare.pooled['iou'].mean:.3f} instead of {best.rare.pooled['iou'].mean:.3f}" in told
    page = parse(scoring_section(study, results, whole, interval=0.95).body)
    assert "As scored 6 images of" in page.words and "With all images 10 images of" in page.words
    assert "Named: test_00" in page.words
    text = markdown_summary(study)
    assert told.split(":")[0] in text and "With all images:" in text
    assert "4 of 10 images are left out of scoring" in " ".join(str(text_summary(study).caption).split())


def test_nothing_left_out_says_nothing(scored) -> None:
    study = scored(leave_out_blank=False, leave_out=[])
    assert not study.left_out.images
    assert scoring_section(study, [], [], interval=0.95) is None
    assert "left out of scoring" not in markdown_summary(study)


def test_a_name_that_was_never_judged_is_an_error(scored) -> None:
    with pytest.raises(OptionError, match=r"'test_0', which was not judged\. Did you mean 'test_0\d'"):
        scored(leave_out=["test_0"])
