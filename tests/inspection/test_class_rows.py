import numpy as np

from rareseg.inspection.class_rows import class_rows
from rareseg.inspection.class_statistics import class_statistics


def test_rows_by_hand(make_source) -> None:
    a = np.zeros((6, 8), np.uint8)
    a[0, :5] = 1
    a[2, :2] = 1
    a[4, 0] = 1
    b = np.zeros((6, 8), np.uint8)
    b[3, 1:5] = 1
    b[5, 7] = 255
    c = np.ones((2, 2), np.uint8)
    source = make_source({"a": a, "b": b, "c": c}, groups={"a": "g", "c": "g"})
    background, crack, cavity = class_rows(source, class_statistics(source, source.sample_ids))
    assert (crack["name"], crack["value"], crack["pixels"]) == ("crack", 1, 16)
    assert crack["share"] == 16 / (48 + 47 + 4)
    assert (crack["images"], crack["groups"], crack["regions"]) == (3, 2, 5)
    assert crack["region_size"] == {"min": 1, "median": 4.0, "max": 5}
    assert crack["histogram"] == {"edges": [1, 2, 4, 8], "counts": [1, 1, 3]}
    assert crack["examples"] == ["a", "b", "c"], "one of each group first, then the rest"
    assert cavity["region_size"] is None
    assert cavity["histogram"] == {"edges": [], "counts": []}
    assert (background["images"], background["color"][0], len(background["color"])) == (2, "#", 7)
