"""Runs that are judged by two sets of labels in one pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from scipy import ndimage

from rareseg.cli.main import main
from rareseg.data.indexed_png import write_indexed_png
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.regions import region_counts
from rareseg.metrics.score_table import ScoreTable
from tiny import make_tiny_dataset, make_tiny_study


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs of a dataset whose exact squares are a pixel wider, and whose lines are partly unknown."""
    folder = tmp_path_factory.mktemp("other")
    data = make_tiny_dataset(folder / "data")
    (data / "exact").mkdir()
    for path in (data / "masks").iterdir():
        own = np.array(Image.open(path))
        exact = own.copy()
        exact[ndimage.binary_dilation(own == 1)] = 1
        exact[(own == 2) & (np.arange(own.shape[1]) < 20)] = 255
        write_indexed_png(data / "exact" / path.name, exact, bytes(768))
    path = data / "dataset.yaml"
    settings = {**yaml.safe_load(path.read_text()), "other_masks": {"exact": "exact"}}
    path.write_text(yaml.safe_dump(settings))
    study = make_tiny_study(folder, data, strategies={"baseline": {}})
    assert main(["run", str(study), "--out", str(folder / "runs"), "--device", "cpu", "--quiet"]) == 0
    return folder / "runs"


def test_tables_by_other_labels_agree_with_maps_and_masks_on_disk(runs: Path) -> None:
    run = runs / "baseline" / "seed-0"
    table = CountsTable.read(run / "against/exact/counts.parquet")
    regions = RegionTable.read(run / "against/exact/regions.parquet")
    own = CountsTable.read(run / "counts.parquet")
    assert table.steps == own.steps == (6, 12)
    assert table["image"].tolist() == own["image"].tolist()
    assert table["group"].tolist() == own["group"].tolist()
    images = np.unique(table["image"])
    assert len(images) == 6
    for image in images:
        rows = (table["image"] == image) & (table["step"] == 12)
        (split,) = np.unique(table["split"][rows])
        predicted = np.array(Image.open(run / "predictions" / split / f"{image}.png"))
        exact = np.array(Image.open(runs.parent / "data" / "exact" / f"{image}.png"))
        assert table.counts()[rows].tolist() == confusion_counts(exact, predicted, 3).tolist()
        found = [regions[name][rows] for name in ("num_true", "num_hit", "num_predicted", "num_false")]
        assert np.stack(found, axis=1).tolist() == region_counts(exact, predicted, 3).tolist()
        assert regions["megapixels"][rows][0] == (exact != 255).sum() / 1e6


def test_scores_by_other_labels_hold_their_pixels(runs: Path) -> None:
    run = runs / "baseline" / "seed-0"
    scores = ScoreTable.read(run / "against/exact/scores.parquet")
    own, counts = (
        ScoreTable.read(run / "scores.parquet"),
        CountsTable.read(run / "against/exact/counts.parquet"),
    )
    assert (scores["positives"].sum(axis=1) == counts["tp"] + counts["fn"]).all()
    assert (scores["negatives"].sum(axis=1) == counts["fp"] + counts["tn"]).all()
    squares = scores["class"] == "square"
    assert (scores["positives"][squares].sum(axis=1) > own["positives"][squares].sum(axis=1)).all()


def test_own_labels_are_judged_as_though_predicted(runs: Path) -> None:
    against = runs / "evaluated/against/exact"
    table = CountsTable.read(against / "counts.parquet")
    data = runs.parent / "data"
    for image in np.unique(table["image"]):
        rows = table["image"] == image
        (split,) = np.unique(table["split"][rows])
        own, exact = (np.array(Image.open(data / kind / f"{image}.png")) for kind in ("masks", "exact"))
        valid = exact != 255
        for row, index in zip(table.counts()[rows], range(3), strict=True):
            said, true = own[valid] == index, exact[valid] == index
            pairs = (said & true, said & ~true, ~said & true, ~said & ~true)
            assert row.tolist() == [int(pair.sum()) for pair in pairs]
        picture = np.array(Image.open(against / split / f"{image}.png"))
        assert np.array_equal(picture, exact)
    hit = RegionTable.read(against / "regions.parquet").select(classes=["square"])
    assert (hit["num_hit"] == hit["num_true"]).all() and (hit["num_false"] == 0).all()


def test_a_dataset_without_them_leaves_no_such_tables(finished_study: Path) -> None:
    assert not list(finished_study.rglob("against"))
