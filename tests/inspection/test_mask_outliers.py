from __future__ import annotations

import numpy as np
import pytest

from rareseg.inspection.class_statistics import class_statistics
from rareseg.inspection.label_findings import identical_masks
from rareseg.inspection.mask_outliers import mask_findings, mask_outliers


def _mask(*pixels: int) -> np.ndarray:
    mask = np.zeros((6, 9), np.uint8)
    mask.flat[list(pixels)] = 1
    return mask


@pytest.fixture
def find(make_source):
    """Sets that stand out, and what is said of them."""

    def run(masks, groups=None):
        source = make_source(masks, groups=groups or {})
        sets = identical_masks(class_statistics(source, source.sample_ids))
        found = mask_outliers(source, sets)
        paths = {name: f"{name}.png" for name in masks}
        return found, {item.kind: item for item in mask_findings(sets, found, paths=paths)}

    return run


def test_sets_are_ranked_and_named(find) -> None:
    masks = {f"own{n}": _mask(n) for n in range(40)}
    masks |= {f"foreign{n}": _mask(1, 2, 3) for n in range(5)}
    masks |= {f"copied{n}": _mask(20, 21) for n in range(3)}
    masks |= {"twin_a": _mask(50, 51), "twin_b": _mask(50, 51)}
    found, said = find(masks)
    assert [item.samples for item in found] == [
        [f"foreign{n}" for n in range(5)],
        [f"copied{n}" for n in range(3)],
    ]
    assert found[0].to_json() == {
        "samples": [f"foreign{n}" for n in range(5)],
        "num_groups": 5,
        "share": 5 / 50,
    }
    assert said["outlier_mask"].level == "warning"
    assert said["outlier_mask"].text.startswith(
        "8 images of different groups have the same mask, pixel by pixel (in 2 sets): 'foreign0', 'foreign1'"
    )
    assert len(said["outlier_mask"].files) == 8
    assert said["identical_masks"].files == ["twin_a.png", "twin_b.png"]


def test_blank_masks_and_masks_of_one_class_do_not_count(find) -> None:
    ignored = _mask()
    ignored[0] = 255
    masks = {f"blank{n}": _mask() for n in range(5)}
    masks |= {f"ignored{n}": ignored for n in range(5)}
    masks |= {f"full{n}": np.full((6, 9), 2, np.uint8) for n in range(5)}
    assert find(masks) == ([], {})
    # A class beside ignored pixels has a shape, and shapes do not repeat by themselves.
    shaped = ignored.copy()
    shaped[1:] = 2
    found, _ = find({**masks, **{f"shaped{n}": shaped for n in range(3)}})
    assert [item.samples for item in found] == [["shaped0", "shaped1", "shaped2"]]


def test_shots_of_one_object_rightly_share_a_mask(find) -> None:
    masks = {f"shot{n}": _mask(7, 8) for n in range(6)}
    found, said = find(masks, groups={f"shot{n}": f"tile{n % 2}" for n in range(6)})
    assert found == []
    assert list(said) == ["identical_masks"]
    found, said = find(masks, groups={f"shot{n}": f"tile{n % 3}" for n in range(6)})
    assert found[0].num_groups == 3
    assert list(said) == ["outlier_mask"]


def test_in_large_datasets_a_few_coincide_by_chance(find) -> None:
    """Three of 1501 are below a share of 0.002, three of 1500 are not."""
    masks = {f"own{n}": np.arange(54).reshape(6, 9) == -1 for n in range(1498)}
    masks = {name: mask.astype(np.uint8) for name, mask in masks.items()}
    masks |= {f"same{n}": _mask(3) for n in range(3)}
    assert find(masks)[0] == []
    del masks["own0"]
    assert [item.samples for item in find(masks)[0]] == [["same0", "same1", "same2"]]
