from __future__ import annotations

import json

import numpy as np
import pytest

from rareseg.errors import ArtefactError
from rareseg.sampling.exposure import ExposureCounter

NAMES = ["background", "crack", "cavity"]


def random_batches(num_classes, num_batches=4):
    rng = np.random.default_rng(0)
    values = np.array([*range(num_classes), 0, 0, 0, 255], np.uint8)
    for _ in range(num_batches):
        yield (
            rng.integers(0, 3, 5),
            values[rng.integers(0, len(values), (5, 6, 7))] * (rng.random((5, 1, 1)) < 0.8),
        )


def test_counts_of_a_batch_by_hand():
    counter = ExposureCounter(class_names=NAMES, samples=["a", "b", "a"])
    masks = np.array([[[0, 0], [1, 255]], [[2, 2], [2, 2]], [[0, 1], [1, 0]]], np.uint8)
    counter.add(np.array([0, 1, 2]), masks)
    counter.add(np.array([1]), np.full((1, 2, 2), 255, np.uint8))
    assert counter.to_dict(planned={"cavity": 0.1}) == {
        "num_patches": 4,
        "pixels": {"background": 4, "crack": 3, "cavity": 4},
        "patches_with": {"background": 2, "crack": 2, "cavity": 1},
        "ignored_pixels": 5,
        "images": {"a": 2, "b": 2},
        "planned": {"cavity": 0.1},
    }
    assert counter.to_dict()["planned"] is None


@pytest.mark.parametrize("num_classes", [2, 12, 13, 200])
def test_few_and_many_classes_count_alike(num_classes):
    names = [str(number) for number in range(num_classes)]
    counter = ExposureCounter(class_names=names, samples=["a", "b", "c"])
    batches = list(random_batches(num_classes))
    for region_index, masks in batches:
        counter.add(region_index, masks.transpose(0, 2, 1))
    masks = np.concatenate([masks for _, masks in batches])
    counts = counter.to_dict()
    assert list(counts["pixels"].values()) == [(masks == number).sum() for number in range(num_classes)]
    assert list(counts["patches_with"].values()) == [
        (masks == number).any(axis=(1, 2)).sum() for number in range(num_classes)
    ]
    assert counts["ignored_pixels"] == (masks == 255).sum()


def test_a_resumed_counter_goes_on_exactly_and_ranks_merge():
    batches = list(random_batches(3))
    whole, first, second = (ExposureCounter(class_names=NAMES, samples=["a", "b", "b"]) for _ in range(3))
    for batch in batches:
        whole.add(*batch)
    for batch in batches[:2]:
        first.add(*batch)
    resumed = ExposureCounter(class_names=NAMES, samples=["a", "b", "b"])
    resumed.load_state(json.loads(json.dumps(first.state())))
    for batch in batches[2:]:
        resumed.add(*batch)
        second.add(*batch)
    first.merge(second)
    assert resumed.to_dict() == whole.to_dict() == first.to_dict()


@pytest.mark.parametrize(
    "state", [{}, {"classes": [[0, 0]] * 4, "images": [0]}, {"classes": [[0, 0]], "images": [0, 0]}]
)
def test_counts_of_other_data_are_refused(state):
    counter = ExposureCounter(class_names=NAMES, samples=["a", "b"])
    with pytest.raises(ArtefactError, match="The checkpoint should count 3 classes and 2 images, but counts"):
        counter.load_state(state)
