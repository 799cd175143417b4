"""The three keyed tables: adding, selecting, Parquet and what damaged files say."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rareseg.errors import ArtefactError, DataError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.score_table import ScoreTable

NAMES = ("background", "crack")


@pytest.fixture
def table():
    table = CountsTable()
    for step in (100, 200):
        for number, image in enumerate(("b.png", "a.png")):
            counts = np.array([[90, 1, 2, step + number], [step + number, 2, 1, 90]])
            table.append(
                step=step, split="val", image=image, group=f"g{number}", counts=counts, class_names=NAMES
            )
    return table


def test_columns_and_order(table):
    assert len(table) == 8
    assert table.class_names == NAMES
    assert (table.steps, table.splits, table.last_step()) == ((100, 200), ("val",), 200)
    assert table["image"].tolist()[:4] == ["b.png", "b.png", "a.png", "a.png"]
    assert table["class"].tolist()[:2] == list(NAMES)
    assert table["tp"].dtype == np.int64
    assert table["tn"].tolist() == [100, 90, 101, 90, 200, 90, 201, 90]


def test_pooled_and_per_image(table):
    last = table.select(step=200)
    assert {name: counts.tolist() for name, counts in last.pooled().items()} == {
        "background": [180, 2, 4, 401],
        "crack": [401, 4, 2, 180],
    }
    images, counts = last.per_image("crack")
    assert images.tolist() == ["b.png", "a.png"]
    assert counts.tolist() == [[200, 2, 1, 90], [201, 2, 1, 90]]


def test_select(table):
    rare = table.select(step=100, split="val", classes=["crack"])
    assert set(rare["class"]) == {"crack"}
    assert len(rare) == 2
    with pytest.raises(DataError, match=r"No row has step 300.*there are steps \(100, 200\)"):
        table.select(step=300)


def test_parquet_round_trip(table, tmp_path):
    path = tmp_path / "counts.parquet"
    table.write(path)
    stored = pq.read_table(path)
    expected = ["step", "split", "image", "group", "class", "tp", "fp", "fn", "tn"]
    assert stored.column_names == expected
    assert all(pa.types.is_dictionary(stored.schema.field(name).type) for name in expected[1:5])
    assert all(stored.schema.field(name).type == pa.int64() for name in ["step", *expected[5:]])
    again = CountsTable.read(path)
    for name in expected:
        np.testing.assert_array_equal(again[name], table[name])


def test_concat_equals_appending(table):
    halves = [table.select(step=step) for step in (100, 200)]
    joined = CountsTable.concat(halves)
    for name in CountsTable.column_names():
        np.testing.assert_array_equal(joined[name], table[name])
    joined.append(step=300, split="val", image="c", group="", counts=np.ones((2, 4), int), class_names=NAMES)
    assert (len(joined), len(halves[0]), joined.last_step()) == (10, 4, 300)


def test_empty_table_round_trip(tmp_path):
    for kind in (CountsTable, RegionTable, ScoreTable):
        path = tmp_path / f"{kind.__name__}.parquet"
        kind().write(path)
        assert len(kind.read(path)) == 0
    with pytest.raises(DataError, match="has no rows"):
        CountsTable().last_step()


def test_plain_text_columns_are_read(table, tmp_path):
    path = tmp_path / "other.parquet"
    pq.write_table(pa.table({name: table[name] for name in CountsTable.column_names()}), path)
    np.testing.assert_array_equal(CountsTable.read(path)["image"], table["image"])


def test_score_table_round_trip(tmp_path):
    generator = np.random.default_rng(0)
    table = ScoreTable()
    hists = generator.integers(0, 99, size=(3, 2, 2, 256))
    for number, (positives, negatives) in enumerate(hists):
        table.append(
            step=5,
            split="val",
            image=f"i{number}",
            group="",
            positives=positives,
            negatives=negatives,
            class_names=NAMES,
        )
    table.write(tmp_path / "scores.parquet")
    schema = pq.read_schema(tmp_path / "scores.parquet")
    assert schema.field("positives").type.value_type == pa.int64()
    again = ScoreTable.read(tmp_path / "scores.parquet")
    pooled = again.select(step=5).pooled()
    np.testing.assert_array_equal(pooled["crack"][0], hists[:, 0, 1].sum(axis=0))
    np.testing.assert_array_equal(pooled["background"][1], hists[:, 1, 0].sum(axis=0))


def test_region_table_round_trip(tmp_path):
    table = RegionTable()
    counts = np.array([[1, 1, 1, 0], [3, 2, 4, 1]])
    table.append(
        step=1, split="test", image="a", group="g", counts=counts, megapixels=0.25, class_names=NAMES
    )
    table.write(tmp_path / "regions.parquet")
    again = RegionTable.read(tmp_path / "regions.parquet")
    assert again["megapixels"].tolist() == [0.25, 0.25]
    assert again["num_hit"].tolist() == [1, 2]


def _without(table, name):
    return table.drop_columns([name])


def _with(table, name, values):
    return table.set_column(table.column_names.index(name), name, pa.array(values))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (lambda t: _without(t, "group"), "has no column 'group'; delete it and evaluate the run again"),
        (lambda t: _with(t, "tp", [None] * 8), "has empty cells in 'tp'"),
        (lambda t: _with(t, "tp", [-1] * 8), "damaged: Column 'tp' should hold counts, but holds -1"),
        (lambda t: _with(t, "tp", [0.5] * 8), "'tp' should hold int64 values, but holds float64"),
        (lambda t: _with(t, "image", [1] * 8), "'image' should hold text, but holds int64"),
    ],
)
def test_damaged_columns(table, tmp_path, damage, text):
    path = tmp_path / "counts.parquet"
    table.write(path)
    pq.write_table(damage(pq.read_table(path)), path)
    with pytest.raises(ArtefactError, match=text):
        CountsTable.read(path)


def test_damaged_files(table, tmp_path):
    with pytest.raises(ArtefactError, match="does not exist"):
        CountsTable.read(tmp_path / "none.parquet")
    path = tmp_path / "counts.parquet"
    table.write(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ArtefactError, match="cannot be read as Parquet"):
        CountsTable.read(path)


def test_uneven_histograms(tmp_path):
    row = {"step": [1, 1], "split": ["v", "v"], "image": ["a", "b"], "group": ["", ""], "class": ["c", "c"]}
    lists = pa.array([[1, 2], [1]])
    pq.write_table(pa.table({**row, "positives": lists, "negatives": lists}), tmp_path / "s.parquet")
    with pytest.raises(ArtefactError, match="Rows of 'positives' should have equally many bins"):
        ScoreTable.read(tmp_path / "s.parquet")


def test_refuses_wrong_shapes(table):
    key = {"step": 1, "split": "val", "image": "a", "group": "", "class_names": NAMES}
    with pytest.raises(DataError, match=r"should have the shape \(classes, 4\), but has \(2, 3\)"):
        table.append(**key, counts=np.zeros((2, 3), int))
    with pytest.raises(DataError, match="'tp' should have 2 rows, one a class, but has 3"):
        table.append(**key, counts=np.zeros((3, 4), int))
    with pytest.raises(DataError, match=r"'positives' should have the shape \(classes, 256\)"):
        ScoreTable().append(**key, positives=np.zeros((2, 9), int), negatives=np.zeros((2, 256), int))
    with pytest.raises(ArtefactError, match="has the column 'tn', but none came"):
        CountsTable.from_columns({name: table[name] for name in CountsTable.column_names()[:-1]})
    with pytest.raises(ArtefactError, match="All columns should have the same length"):
        CountsTable.from_columns({**{name: table[name] for name in CountsTable.column_names()}, "tn": [1]})
    with pytest.raises(KeyError):
        table["recall"]
