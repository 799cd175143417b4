import numpy as np

from rareseg.data.splits import TrainSplit
from rareseg.inspection.class_pixels import class_pixels
from rareseg.types import Region, Window


def test_only_the_training_regions_count(make_source) -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[0] = 2
    mask[3] = 1
    mask[2, 0] = 255
    source = make_source({"a": mask, "b": np.ones((2, 2), np.uint8)})
    split = TrainSplit((Region("a", Window(1, 0, 3, 4)),))
    assert class_pixels(source, split).tolist() == [7, 4, 0]


def test_without_regions_all_is_zero(make_source) -> None:
    source = make_source({"a": np.zeros((2, 2), np.uint8)})
    assert class_pixels(source, TrainSplit(())).tolist() == [0, 0, 0]
