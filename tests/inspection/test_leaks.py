import numpy as np

from rareseg.data.splits import Splits, TrainSplit, ValSplit
from rareseg.inspection.duplicates import Duplicate
from rareseg.inspection.leaks import leak_findings, sort_leaks
from rareseg.types import Region, Window


def _source(make_source, groups=None):
    return make_source({name: np.zeros((10, 20), np.uint8) for name in "abcd"}, groups=groups or {})


def test_leaks_run_from_train_to_test(make_source, split) -> None:
    source = _source(make_source, {"a": "g", "b": "g"})
    splits = split(source, ["a", "b"], ["c"], ["d"])
    pairs = [
        Duplicate("a", "b", 1.0, "identity"),
        Duplicate("c", "a", 0.9, "rotate_90"),
        Duplicate("c", "d", 0.8, "flip_rows"),
    ]
    leaks, inside = sort_leaks(source, splits, pairs)
    assert [(x.a, x.b, x.split_a, x.split_b, x.transform) for x in leaks] == [
        ("a", "c", "train", "val", "rotate_270"),
        ("c", "d", "val", "test", "flip_rows"),
    ]
    assert [(x.a, x.b, x.split_a, x.same_group) for x in inside] == [("a", "b", "train", True)]


def test_samples_outside_every_part_do_not_leak(make_source, split) -> None:
    source = _source(make_source)
    leaks, inside = sort_leaks(
        source,
        split(source, ["a"], ["b"]),
        [Duplicate("a", "c", 0.9, "identity"), Duplicate("c", "d", 0.9, "identity")],
    )
    assert leaks == []
    assert [(x.split_a, x.split_b) for x in inside] == [("train", None), (None, None)]


def test_images_cut_into_regions_leak_only_where_regions_meet(make_source) -> None:
    """The upper 3 of 10 rows validate; upside down they lie on the other image's training rows."""
    source = _source(make_source)
    upper = tuple(Region(name, Window(0, 0, 3, 20)) for name in "ab")
    lower = tuple(Region(name, Window(3, 0, 7, 20)) for name in "ab")
    splits = Splits(TrainSplit(lower), ValSplit(upper), None)
    for transform, leaking in (("identity", 0), ("flip_cols", 0), ("flip_rows", 1), ("rotate_180", 1)):
        leaks, inside = sort_leaks(source, splits, [Duplicate("a", "b", 0.9, transform)])
        assert (len(leaks), len(inside)) == ((leaking, 0) if leaking else (0, 1))


def test_leaks_in_plain_words(make_source, split) -> None:
    source = _source(make_source)
    splits = split(source, ["a", "b"], ["c"], ["d"])
    pairs = [Duplicate("a", "c", 0.9, "flip_rows"), Duplicate("a", "b", 0.7, "identity")]
    leaks, inside = sort_leaks(source, splits, pairs)
    paths = {name: f"{name}.png" for name in "abcd"}
    leak, duplicate = leak_findings(leaks, inside, has_groups=False, paths=paths)
    assert (leak.kind, leak.level, leak.files) == ("leak", "serious", ["a.png", "c.png"])
    assert "'a' (train) and 'c' (val), one the flip_rows of the other" in leak.text
    assert "Give images of one object a common group key" in leak.text
    assert (duplicate.kind, duplicate.files) == ("duplicate", ["a.png", "b.png"])
    assert "Set 'group' in dataset.yaml" in duplicate.text
    assert list(leak_findings([], [], has_groups=True, paths=paths)) == []
