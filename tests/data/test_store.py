from __future__ import annotations

import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rareseg.data import store as store_module
from rareseg.data.open_dataset import open_dataset
from rareseg.data.store import PixelStore, open_store
from rareseg.errors import OptionError
from rareseg.types import Region, Window

KINDS = ["memory", "memmap", "source"]
REGIONS = (
    Region("a", Window(4, 3, 20, 25)),
    Region("b", Window(0, 0, 9, 7)),
    Region("a", Window(0, 0, 4, 30)),
)


@pytest.fixture
def source(make_folder: Any, save: Any, tmp_path: Path) -> Any:
    """Two colour images with masks of 0, 1 and 255."""
    generator = np.random.default_rng(1)
    masks = {"a": generator.choice([0, 1, 255], (30, 32)), "b": generator.choice([0, 1, 255], (9, 7))}
    settings = make_folder(masks)
    for name, mask in masks.items():
        save(tmp_path / f"images/{name}.png", generator.integers(0, 256, (*mask.shape, 3), dtype=np.uint8))
    return open_dataset(settings)


def by_hand(
    source: Any, region: Region, row: int, col: int, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """A patch cut from the region after padding it as far as any patch can reach."""
    far = 80
    image = source.read_image(region.sample)[:, *region.window.slices]
    mask = source.read_mask(region.sample)[region.window.slices]
    image = np.pad(image, ((0, 0), (far, far), (far, far)), mode="symmetric")
    mask = np.pad(mask, far, constant_values=255)
    rows, cols = slice(row + far, row + far + height), slice(col + far, col + far + width)
    return image[:, rows, cols], mask[rows, cols]


@pytest.mark.parametrize("kind", KINDS)
def test_patches_equal_those_cut_by_hand(source: Any, tmp_path: Path, kind: Any) -> None:
    store = open_store(source, REGIONS, kind=kind, cache=tmp_path / "cache")
    assert store.regions == REGIONS
    assert (store.num_bands, store.dtype) == (3, np.uint8)
    generator = np.random.default_rng(2)
    index = generator.integers(0, 3, 60)
    rows, cols = generator.integers(-40, 40, (2, 60))
    for height, width in ((8, 6), (16, 40)):
        images, masks = store.fetch(index, rows, cols, height=height, width=width)
        assert images.shape == (60, 3, height, width)
        assert (images.dtype, masks.dtype) == (np.uint8, np.uint8)
        for number in range(60):
            image, mask = by_hand(source, REGIONS[index[number]], rows[number], cols[number], height, width)
            assert np.array_equal(images[number], image)
            assert np.array_equal(masks[number], mask)


@pytest.mark.parametrize("kind", KINDS)
def test_whole_regions_and_pickled_stores_give_the_same(source: Any, tmp_path: Path, kind: Any) -> None:
    store = open_store(source, REGIONS, kind=kind, cache=tmp_path / "cache")
    copy: PixelStore = pickle.loads(pickle.dumps(store))
    for number, region in enumerate(REGIONS):
        image, mask = store.read_region(number)
        assert np.array_equal(image, source.read_image(region.sample, region.window))
        assert np.array_equal(mask, source.read_mask(region.sample, region.window))
        image[...] = 0
        assert copy.read_region(number)[0].any()
    assert len(pickle.dumps(open_store(source, REGIONS, kind="memmap", cache=tmp_path / "cache"))) < 2000


def test_no_pixel_outside_the_regions_is_kept(source: Any, tmp_path: Path) -> None:
    """All that a store holds is as long as its regions, so nothing else can be in it."""
    area = sum(region.window.area for region in REGIONS)
    store = open_store(source, REGIONS, kind="memory")
    image, mask = store._pixels.read(0, Window(0, 0, 1, 1))
    while image.base is not None:
        image = image.base
    while mask.base is not None:
        mask = mask.base
    assert (image.size, mask.size) == (3 * area, area)
    open_store(source, REGIONS, kind="memmap", cache=tmp_path / "cache")
    sizes = sorted(path.stat().st_size for path in (tmp_path / "cache").iterdir())
    assert sizes == [128 + area, 128 + 3 * area]


def test_mapped_files_are_used_again_until_the_data_change(source: Any, save: Any, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    open_store(source, REGIONS, kind="memmap", cache=cache)
    written = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    open_store(source, REGIONS, kind="memmap", cache=cache)
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == written
    open_store(source, REGIONS[:1], kind="memmap", cache=cache)
    assert len(list(cache.iterdir())) == 4
    save(tmp_path / "images/a.png", np.full((30, 32, 3), 5, np.uint8))
    store = open_store(source, REGIONS, kind="memmap", cache=cache)
    assert len(list(cache.iterdir())) == 6
    assert (store.read_region(0)[0] == 5).all()


def test_a_failure_leaves_no_half_written_cache(source: Any, tmp_path: Path) -> None:
    (tmp_path / "masks/b.png").write_bytes(b"broken")
    with pytest.raises(Exception, match=r"b\.png"):
        open_store(source, REGIONS, kind="memmap", cache=tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(
    ("free", "cache", "kind"),
    [(6830, True, "FlatPixels"), (6829, True, "MappedPixels"), (6829, False, "SourcePixels")],
)
def test_auto_takes_what_the_memory_allows(
    source: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, cache: bool, kind: str
) -> None:
    """The regions have 500 + 63 + 120 pixels of 3 bytes and 1 of mask: 2732 bytes, which are 40 % of 6830."""
    monkeypatch.setattr(store_module, "free_memory", lambda: free)
    store = open_store(source, REGIONS, cache=tmp_path / "cache" if cache else None)
    assert type(store._pixels).__name__ == kind


def test_options_that_cannot_take_effect_are_refused(source: Any) -> None:
    with pytest.raises(OptionError, match="'memmap' needs a folder for its files"):
        open_store(source, REGIONS, kind="memmap")
    with pytest.raises(OptionError, match="should be auto, memory, memmap or source, but is 'disk'"):
        open_store(source, REGIONS, kind="disk")  # type: ignore[arg-type]


def test_fetching_a_batch_from_memory_takes_under_5_ms(make_folder: Any, save: Any, tmp_path: Path) -> None:
    settings = make_folder({"a": np.zeros((600, 700))})
    save(tmp_path / "images/a.png", np.random.default_rng(0).integers(0, 256, (600, 700, 3), dtype=np.uint8))
    store = open_store(open_dataset(settings), [Region("a", Window(0, 0, 600, 700))], kind="memory")
    generator = np.random.default_rng(3)
    index, rows, cols = np.zeros(16, int), generator.integers(0, 344, 16), generator.integers(0, 444, 16)
    times = []
    for _ in range(15):
        start = time.perf_counter()
        store.fetch(index, rows, cols, height=256, width=256)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.005
