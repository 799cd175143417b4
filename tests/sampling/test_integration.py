"""Stream, class index and pixel store over a real folder of files."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from rareseg.config.dataset import DatasetSettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import TrainSplit, ValSplit
from rareseg.data.store import open_store
from rareseg.errors import SplitError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.exposure import ExposureCounter
from rareseg.sampling.plans import build_plan
from rareseg.sampling.stream import PatchStream
from rareseg.types import Region, Window

NAMES = ("background", "crack", "cavity")


@pytest.fixture
def source(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    for name, shape in {"a": (40, 50), "b": (12, 70), "c": (33, 33)}.items():
        mask = np.zeros(shape, np.uint8)
        mask[5:8, 9:30] = 1
        mask[2, 3] = mask[-1, -1] = 2
        Image.fromarray(mask).save(tmp_path / "masks" / f"{name}.png")
        Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(tmp_path / "images" / f"{name}.png")
    return open_dataset(
        DatasetSettings(name="d", root=str(tmp_path), classes=[{"name": name} for name in NAMES])
    )


@pytest.fixture
def split(source):
    """The lower rows of every sample, so that regions do not start at the sample's corner."""
    sizes = {sample: source.size(sample) for sample in source.sample_ids}
    return TrainSplit(
        regions=tuple(
            Region(sample, Window(3, 1, height - 3, width - 1)) for sample, (height, width) in sizes.items()
        )
    )


@pytest.mark.parametrize("kind", ["memory", "memmap", "source"])
def test_fetched_masks_hold_what_the_plan_promised(kind, source, split, tmp_path):
    locations = ClassLocations.build(source, split)
    # Of each mask the rows from 3 and columns from 1 remain: the whole crack and one pixel of cavity.
    assert locations.class_pixels[1:].tolist() == [3 * 63, 3]
    plan = build_plan(
        {"name": "oversample", "shares": {"cavity": 0.5, "crack": 0.5}},
        regions=split.regions,
        locations=locations,
        patch_size=(16, 32),
        class_names=NAMES,
    )
    store = open_store(source, split.regions, kind=kind, cache=tmp_path / "cache")
    stream = PatchStream(plan, seed=1, batch_size=16)
    counter = ExposureCounter(class_names=NAMES, samples=[region.sample for region in split.regions])
    for step in range(8):
        patches = stream.batch(step)
        images, masks = store.fetch(
            patches.region_index, patches.rows, patches.cols, height=patches.height, width=patches.width
        )
        assert images.shape == (16, 1, 16, 32)
        assert np.isin(masks, [1, 2]).any(axis=(1, 2)).all()
        counter.add(patches.region_index, masks)
    counts = counter.to_dict()
    assert counts["num_patches"] == 128
    assert counts["patches_with"]["crack"] + counts["patches_with"]["cavity"] >= 128
    assert sum(counts["pixels"].values()) + counts["ignored_pixels"] == 128 * 16 * 32


def test_only_the_training_part_is_taken(source, split):
    with pytest.raises(
        SplitError, match="Class locations are made from the training part, but the val part came"
    ):
        ClassLocations.build(source, ValSplit(regions=split.regions))
