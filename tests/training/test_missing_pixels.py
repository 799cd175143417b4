"""Values that are missing in images reach neither neighbours nor statistics of what is trained on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from data.write_raster import write_raster
from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import parse_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.data.splits import TrainSplit
from rareseg.data.store import PixelStore, open_store
from rareseg.inspection.band_statistics import band_statistics
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.sampling.patch_windows import PatchWindows
from rareseg.training.augmentation import AugmentationSettings, augment
from rareseg.training.copy_paste_settings import CopyPasteSettings
from rareseg.training.patch_data import PasteFeed, PatchData, PatchFeed
from rareseg.types import Region, Window

FILL = torch.tensor([1000.0, 2000.0])
SIZE = (48, 64)
REGION = Region("a", Window(0, 0, *SIZE))


class _Whole:
    """The same patch of the one region, twice."""

    def batch(self, step: int) -> PatchWindows:
        return PatchWindows(np.arange(2), np.zeros(2, np.int64), np.array([[0, 0, *SIZE]] * 2))


Make = Callable[..., PixelStore]


@pytest.fixture
def make_source(tmp_path: Path) -> Callable[..., Source]:
    """A raster of two bands around 1000 and 2000, with planted gaps and a defect."""

    def make(*, dtype: str = "float32", nodata: float | None = None) -> Source:
        generator = np.random.default_rng(0)
        image = generator.normal([[[1000]], [[2000]]], 50, (2, *SIZE))
        mask = np.zeros(SIZE, np.uint8)
        mask[30:34, 40:45], mask[20:23, 52:56] = 1, 1
        if dtype.startswith("float"):
            image[0, 5:9, 10:20], image[1, 7, 3], image[:, 31, 41] = np.nan, np.inf, np.nan
        else:
            image[0, 5:9, 10:20] = nodata
        write_raster(tmp_path / "images/a.tif", image.astype(dtype), nodata=nodata)
        write_raster(tmp_path / "masks/a.tif", mask)
        classes = [{"name": "ground"}, {"name": "defect"}]
        settings = {"name": "a", "root": str(tmp_path), "format": "raster", "classes": classes}
        return open_dataset(parse_settings(DatasetSettings, settings, where="test"))

    return make


@pytest.fixture
def make_store(make_source: Callable[..., Source]) -> Make:
    return lambda **options: open_store(make_source(**options), [REGION])


def batch(store: PixelStore, *, paste: bool = False) -> dict[str, Any]:
    settings = CopyPasteSettings(probability=1, rim=2).resolved(["ground", "defect"])
    feed = PatchFeed(((9, _Whole()),), PasteFeed(_Whole(), settings, seed=3) if paste else None)
    (part,) = PatchData(store, [feed], fill=FILL)[0]["parts"]
    return dict(part)


def test_missing_values_become_the_fill_of_their_band(make_store: Make) -> None:
    store = make_store()
    raw, _ = store.read_region(0)
    found = batch(store)
    expected = np.where(np.isfinite(raw), raw, FILL.numpy()[:, None, None])
    np.testing.assert_array_equal(found["images"][0], expected)
    assert np.isnan(raw).sum() == 43
    ignored = found["masks"][0] == 255
    assert int(ignored.sum()) == 42
    assert ignored[31, 41] and ignored[5:9, 10:20].all() and ignored[7, 3]


def test_whole_numbers_with_nodata_are_filled_too(make_store: Make) -> None:
    found = batch(make_store(dtype="int16", nodata=-9999))
    assert (found["images"][:, 0, 5:9, 10:20] == 1000).all()
    assert found["images"].min() > 700


def test_statistics_of_bands_skip_what_is_missing(make_source: Callable[..., Source]) -> None:
    source = make_source(dtype="int16", nodata=-9999)
    raw = source.read_image("a")
    mean, std = band_statistics(source, TrainSplit((REGION,)))
    np.testing.assert_allclose(mean, np.nanmean(raw, axis=(1, 2)), rtol=1e-6)
    np.testing.assert_allclose(std, np.nanstd(raw, axis=(1, 2)), rtol=1e-5)


def test_pasting_keeps_off_missing_pixels_and_brings_none(make_store: Make) -> None:
    store = make_store()
    plain, pasted = batch(store), batch(store, paste=True)
    assert pasted["images"].isfinite().all()
    assert (pasted["masks"] == 1).sum() > (plain["masks"] == 1).sum()
    gaps = plain["masks"] == 255
    assert torch.equal(pasted["masks"][gaps], plain["masks"][gaps])
    missing = gaps[:, None] & (plain["images"] == FILL[:, None, None])
    assert torch.equal(pasted["images"][missing], plain["images"][missing])


def test_augmentation_spreads_nothing(make_store: Make) -> None:
    """Without the fill, interpolation makes more missing pixels, under masks that are not ignored."""
    store = make_store()
    strong = {
        "rotation": 30,
        "zoom": [0.8, 1.3],
        "elastic": 4,
        "brightness": 0.2,
        "contrast": 0.2,
        "noise": 0.1,
    }
    settings = AugmentationSettings.parse(strong, patch_size=SIZE)
    found = batch(store)
    images, masks = augment(found["images"], found["masks"], settings, seed=1)
    assert images.isfinite().all()
    spread = (images - FILL[:, None, None]).abs()
    assert spread.max() < 8 * 50
    raw = torch.from_numpy(store.read_region(0)[0])[None].repeat(2, 1, 1, 1)
    worse, _ = augment(raw, found["masks"], settings, seed=1)
    assert (~worse.isfinite().all(dim=1) & (masks != 255)).any()


def test_the_fill_is_what_the_network_takes_missing_values_for(make_store: Make) -> None:
    store = make_store()
    core = build_model({"name": "unet", "base_channels": 4, "depth": 2}, in_channels=2, num_classes=2)
    network = Network(core, mean=FILL.tolist(), std=[50, 50]).eval()
    raw = torch.from_numpy(store.read_region(0)[0])[None]
    with torch.inference_mode():
        assert torch.equal(network(raw), network(batch(store)["images"][:1]))
