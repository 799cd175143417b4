from __future__ import annotations

import shutil

import pytest

from rareseg.metrics.counts_table import CountsTable
from rareseg.report.headline import make_headline
from rareseg.report.load_runs import load_runs
from rareseg.report.results import split_results


@pytest.fixture
def study_of(maker, tmp_path):
    """``study_of({"baseline": [hits of seed 0, ..], ..})``: the headline of runs in four images.

    Given are the hits of 10 cavity pixels in every second image (one more in the others); other classes are
    found whole.
    """

    def make(hits, groups=("g0", "g1", "g2", "g3")):
        names = tuple(hits)
        seeds = tuple(range(len(next(iter(hits.values())))))
        recipe = maker.Recipe(
            strategies=names, seeds=seeds, splits=("test",), failed=(), pictures=False, num_images=2
        )
        folder = maker.make_runs(tmp_path / "runs", recipe)
        for name in names:
            for seed in seeds:
                table = CountsTable()
                for image, group in enumerate(groups):
                    hit = hits[name][seed] + image % 2
                    table.append(
                        step=1000,
                        split="test",
                        image=f"i{image}",
                        group=group,
                        counts=[[970, 0, 0, 30], [10, 0, 0, 990], [10, 0, 0, 990], [hit, 0, 10 - hit, 990]],
                        class_names=maker.CLASSES,
                    )
                place = folder / name / f"seed-{seed}"
                table.write(place / "counts.parquet")
                (place / "regions.parquet").unlink()
        study = load_runs(folder)
        return make_headline(study, split_results(study, split="test"), interval=0.95)

    yield make
    shutil.rmtree(tmp_path / "runs", ignore_errors=True)


def test_clear_lead_excludes_0(study_of):
    headline = study_of({"baseline": [2, 2, 2], "focal_iscf": [8, 8, 8]})
    # Two classes have IoU 1; the third finds 34 against 10 of 40 pixels: (2 + 0.85) / 3, difference 0.6 / 3.
    assert headline.answer.startswith("On the test images 'focal_iscf' is best, with a mean IoU of 0.950 (95")
    assert "a difference of +0.200 in mean IoU" in headline.support[0]
    assert "excludes 0" in headline.support[0]
    assert any("'focal_iscf' is best with each of the 3 seeds" in text for text in headline.support)
    assert any("weakest class is 'cavity' (IoU 0.850" in text for text in headline.support)
    assert "groups" not in " ".join(headline.warnings)


def test_baseline_on_top_is_said_so(study_of):
    headline = study_of({"baseline": [8, 8, 8], "wce_icf": [2, 2, 2]})
    assert headline.support[0].startswith(
        "No strategy beats the baseline; the nearest, 'wce_icf', differs by"
    )


def test_winner_that_changes_with_the_seed_is_told(study_of):
    headline = study_of({"baseline": [2, 8, 5], "focal_iscf": [8, 2, 6]})
    told = " ".join(headline.support)
    assert "The winner changes with the seed: 'focal_iscf' with 2 and 'baseline' with 1 of the 3" in told
    assert "includes 0: these data cannot tell the two apart" in told


def test_class_in_one_group_has_no_interval(study_of):
    headline = study_of({"baseline": [2], "focal_iscf": [8]}, groups=("g", "g", "g", "g"))
    assert "no interval" in headline.answer
    assert any("rest on a single group of the test images" in text for text in headline.warnings)
    assert any("one seed" in text for text in headline.warnings)


def test_classes_in_two_groups_are_told(study_of):
    headline = study_of({"baseline": [2, 2, 2], "focal_iscf": [8, 8, 8]}, groups=("g", "g", "h", "h"))
    told = " ".join(headline.warnings)
    assert (
        "'agglomeration', 'crack' and 'cavity' rest on two groups of the test images: their intervals" in told
    )
    assert "No rare class rests on three groups or more." in told


def test_a_baseline_that_marks_nothing_has_no_precision(maker, tmp_path):
    folder = maker.make_runs(tmp_path / "runs")
    for path in folder.glob("baseline/seed-*/counts.parquet"):
        old, new = CountsTable.read(path), CountsTable()
        for row in zip(*(old[key] for key in ("step", "split", "image", "group", "class")), strict=True):
            step, split, image, group, name = row
            new.append(
                step=step, split=split, image=image, group=group, class_names=[name], counts=[[0, 0, 9, 9]]
            )
        new.write(path)
    study = load_runs(folder)
    headline = make_headline(study, split_results(study, split="test", interval=0.95), interval=0.95)
    told = " ".join(headline.support)
    assert "while the precision of the baseline is undefined" in told
    assert "abbr" not in told
