import numpy as np
import pytest

from rareseg.errors import DataError
from rareseg.inspection.class_statistics import class_statistics
from rareseg.types import Window


def test_one_mask_by_hand(make_source) -> None:
    mask = np.zeros((4, 6), np.uint8)
    mask[0, :2] = 1
    mask[3, 5] = 1
    mask[2, 0] = 2
    mask[1, 4] = 255
    source = make_source({"a": mask})
    (one,) = class_statistics(source, ["a"], windows={"a": [Window(0, 0, 2, 6), Window(0, 0, 4, 6)]})
    assert one.pixels.tolist() == [19, 3, 1]
    assert [sizes.tolist() for sizes in one.region_sizes[1:]] == [[2, 1], [1]]
    assert one.unlabelled == 1
    assert not one.is_blank
    assert [counts.tolist() for counts in one.windows] == [[9, 2, 0], [19, 3, 1]]


def test_equal_masks_have_equal_digests_and_other_shapes_do_not(make_source) -> None:
    flat = np.array([[1, 1, 0, 0, 0, 0]], np.uint8)
    source = make_source({"a": flat, "b": flat.copy(), "c": flat.reshape(2, 3)})
    a, b, c = class_statistics(source, source.sample_ids)
    assert a.digest == b.digest != c.digest


def test_background_and_ignored_alone_is_blank(make_source) -> None:
    source = make_source({"a": np.array([[0, 255]], np.uint8)})
    assert class_statistics(source, ["a"])[0].is_blank


def test_order_and_progress(make_source) -> None:
    source = make_source({f"s{i}": np.full((2, 2), i % 3, np.uint8) for i in range(20)})
    told = []
    result = class_statistics(
        source, source.sample_ids, progress=lambda done, total: told.append((done, total))
    )
    assert [one.sample for one in result] == list(source.sample_ids)
    assert told == [(i + 1, 20) for i in range(20)]


def test_an_unreadable_mask_ends_the_work(make_source) -> None:
    source = make_source({f"s{i}": np.zeros((2, 2), np.uint8) for i in range(50)})

    def fail(sample: str, window: object = None) -> np.ndarray:
        raise DataError(f"Mask '{sample}' is truncated; replace it.")

    source.read_mask = fail
    with pytest.raises(DataError, match=r"Mask 's0' is truncated"):
        class_statistics(source, source.sample_ids)
