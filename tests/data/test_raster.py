"""The format raster: number types, missing data, grids of masks, windows, threads and processes."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from data.write_raster import write_raster
from rareseg.config.dataset import DatasetSettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.errors import (
    ConfigError,
    DataError,
    MissingExtraError,
    OptionError,
    RaresegError,
    SizeMismatchError,
    UnknownLabelError,
    UnreadableFileError,
)
from rareseg.types import Window

Make = Callable[..., DatasetSettings]


@pytest.fixture
def opened(tmp_path: Path, make_settings: Make) -> Callable[..., Source]:
    """Write images and masks by name and open them."""

    def make(images: dict[str, Any], given: dict[str, Any] | None = None, /, **changes: Any) -> Source:
        profiles = changes.pop("profiles", {})
        for name, pixels in images.items():
            write_raster(tmp_path / "images" / f"{name}.tif", pixels, **profiles.get(name, {}))
            mask = (given or {}).get(name, np.zeros(pixels.shape[-2:], np.uint8))
            write_raster(tmp_path / "masks" / f"{name}.tif", mask)
        return open_dataset(make_settings(format="raster", **changes))

    return make


def image(dtype: str = "uint16", bands: int = 3, size: tuple[int, int] = (12, 9)) -> NDArray[Any]:
    return np.arange(bands * size[0] * size[1]).reshape(bands, *size).astype(dtype)


@pytest.mark.parametrize(
    ("dtype", "given"),
    [
        ("uint8", "uint8"),
        ("uint16", "uint16"),
        ("int16", "float32"),
        ("float32", "float32"),
        ("float64", "float32"),
    ],
)
def test_number_types(opened: Callable[..., Source], dtype: str, given: str) -> None:
    source = opened({"a": image(dtype, size=(4, 9))})
    assert source.dtype == source.read_image("a").dtype == given
    np.testing.assert_array_equal(source.read_image("a"), image(dtype, size=(4, 9)))


def test_whole_numbers_become_float_where_any_file_has_nodata(opened: Callable[..., Source]) -> None:
    source = opened({"a": image(), "b": image()}, profiles={"b": {"nodata": 5}})
    assert source.dtype == np.float32
    np.testing.assert_array_equal(source.read_image("a"), image())
    found, mask = source.read_image("b"), source.read_mask("b")
    assert np.argwhere(np.isnan(found)).tolist() == [[0, 0, 5]]
    assert np.argwhere(mask == 255).tolist() == [[0, 5]]
    window = Window(0, 5, 2, 2)
    assert np.isnan(source.read_image("b", window)).sum() == 1
    np.testing.assert_array_equal(source.read_mask("b", window), [[255, 0], [0, 0]])


def test_nodata_of_the_settings_takes_the_place_of_the_files(opened: Callable[..., Source]) -> None:
    source = opened({"a": image("int16")}, profiles={"a": {"nodata": 5}}, raster={"nodata": 7})
    assert np.argwhere(np.isnan(source.read_image("a"))).tolist() == [[0, 0, 7]]
    with pytest.raises(
        OptionError, match=r"raster\.nodata is -1, which the uint16 numbers of .* cannot hold"
    ):
        opened({"a": image()}, raster={"nodata": -1}).read_image("a")


def test_nan_infinity_and_nodata_are_ignored_in_every_mask(
    opened: Callable[..., Source], tmp_path: Path
) -> None:
    pixels = image("float64")
    pixels[0, 1, 2], pixels[1, 3, 4], pixels[2, 5, 6] = np.nan, np.inf, -1.7976931348623157e308
    mask = np.ones((12, 9), np.uint8)
    write_raster(tmp_path / "other" / "a.tif", mask * 0)
    profile = {"nodata": -1.7976931348623157e308}
    source = opened({"a": pixels}, {"a": mask}, profiles={"a": profile}, other_masks={"other": "other"})
    expected = [[1, 2], [3, 4], [5, 6]]
    assert np.argwhere(np.isnan(source.read_image("a"))).tolist() == [[0, 1, 2], [1, 3, 4], [2, 5, 6]]
    assert np.argwhere(source.read_mask("a") == 255).tolist() == expected
    assert np.argwhere(source.read_mask("a", labels="other") == 255).tolist() == expected


def test_a_pixel_is_invalid_by_the_bands_that_are_used(opened: Callable[..., Source]) -> None:
    pixels = image("float32", bands=5)
    pixels[0, 1, 2], pixels[3, 4, 5] = np.nan, np.nan
    source = opened({"a": pixels}, bands=[3])
    assert source.num_bands == 1
    np.testing.assert_array_equal(source.read_image("a"), pixels[3:4])
    assert np.argwhere(source.read_mask("a") == 255).tolist() == [[4, 5]]


def test_the_mask_of_valid_pixels_inside_a_file_counts(opened: Callable[..., Source], tmp_path: Path) -> None:
    opened({"a": image()})
    valid = np.full((12, 9), 255, np.uint8)
    valid[2:4, 3] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "images/a.tif", "r+") as file:
        file.write_mask(valid)
    source = opened({})
    assert source.dtype == np.float32
    assert np.argwhere(source.read_mask("a") == 255).tolist() == [[2, 3], [3, 3]]


def test_reading_goes_on_after_a_file_has_changed(opened: Callable[..., Source], tmp_path: Path) -> None:
    source = opened({"a": image("float32")})
    source.read_image("a")
    write_raster(tmp_path / "images/a.tif", image("float32") + 7, nodata=None, compress="deflate")
    np.testing.assert_array_equal(source.read_image("a"), image("float32") + 7)


def test_many_threads_read_many_files(opened: Callable[..., Source]) -> None:
    pixels = {f"{n:02d}": image("float32", size=(40, 40)) * (n + 1) for n in range(12)}
    source = opened(pixels, profiles={"03": {"nodata": 0}})
    jobs = [(name, Window(r, c, 7, 9)) for name in pixels for r in range(0, 30, 5) for c in (0, 31)]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda job: source.read_image(*job), jobs))
    for (name, window), part in zip(jobs, found, strict=True):
        expected = pixels[name][:, *window.slices]
        np.testing.assert_array_equal(part, np.where((expected == 0) & (name == "03"), np.nan, expected))


def _read_in_child(source: Source, answer: Any) -> None:
    answer.put([float(np.nansum(source.read_image(name))) for name in source.sample_ids])


@pytest.mark.skipif(
    sys.platform != "linux", reason="forks only where that is the way of the loader's processes"
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_process_reads_on_its_own(opened: Callable[..., Source]) -> None:
    pixels = {name: image("float32", size=(200, 300)) for name in "abc"}
    source = opened(pixels)
    for name in pixels:
        source.read_image(name, Window(0, 0, 5, 5))
    context = multiprocessing.get_context("fork")
    answers = [context.SimpleQueue() for _ in range(3)]
    children = [context.Process(target=_read_in_child, args=(source, answer)) for answer in answers]
    for child in children:
        child.start()
    ours = [float(np.nansum(source.read_image(name))) for name in pixels]
    for child, answer in zip(children, answers, strict=True):
        child.join(60)
        assert child.exitcode == 0 and answer.get() == ours


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ({"crs": "EPSG:32632"}, "is in the coordinate system EPSG:32632, but its image .* in EPSG:32633"),
        (
            {"transform": rasterio.Affine(10, 0, 500_010, 0, -10, 5_600_000)},
            "lies up to 1.0 pixels beside its image",
        ),
        (
            {"transform": rasterio.Affine(20, 0, 500_000, 0, -20, 5_600_000)},
            r"lies up to 15\.0 pixels beside its image",
        ),
    ],
)
def test_a_mask_on_another_grid_is_refused(
    opened: Callable[..., Source], tmp_path: Path, profile: dict[str, Any], message: str
) -> None:
    source = opened({"a": image()})
    write_raster(tmp_path / "masks/a.tif", np.zeros((12, 9), np.uint8), **profile)
    with pytest.raises(SizeMismatchError, match=message):
        source.read_mask("a", Window(0, 0, 2, 2))


@pytest.mark.parametrize(
    "profile",
    [
        {"crs": None},
        {"crs": None, "transform": rasterio.Affine.identity()},
        {"transform": rasterio.Affine(10, 0, 500_000.5, 0, -10, 5_600_000)},
    ],
)
def test_a_mask_that_says_less_of_its_place_is_taken(
    opened: Callable[..., Source], tmp_path: Path, profile: dict[str, Any]
) -> None:
    source = opened({"a": image()})
    write_raster(tmp_path / "masks/a.tif", np.ones((12, 9), np.uint8), **profile)
    assert source.read_mask("a").all()


def test_a_mask_of_another_size_and_unknown_values(opened: Callable[..., Source], tmp_path: Path) -> None:
    mask = np.zeros((12, 9), np.uint8)
    mask[7, 5] = 9
    source = opened({"a": image()}, {"a": mask})
    with pytest.raises(UnknownLabelError, match=r"value 9 at \(row 7, col 5\)"):
        source.read_mask("a", Window(6, 4, 3, 3))
    write_raster(tmp_path / "masks/a.tif", mask.T)
    with pytest.raises(SizeMismatchError, match=r"is 9 x 12 pixels .* is 12 x 9\. They look turned"):
        source.read_mask("a")


def test_binary_rgb_and_per_class_masks(opened: Callable[..., Source], tmp_path: Path) -> None:
    defect = np.zeros((12, 9), np.uint8)
    defect[3:5, 2:7] = 200
    binary = opened({"a": image()}, {"a": defect}, masks={"kind": "binary"})
    np.testing.assert_array_equal(binary.read_mask("a", Window(2, 2, 3, 3)), (defect > 0)[2:5, 2:5])
    classes = [{"name": "good", "color": "#000000"}, {"name": "bad", "color": "#c8c8c8"}]
    rgb = opened({"a": image()}, {"a": np.stack([defect] * 3)}, masks={"kind": "rgb"}, classes=classes)
    np.testing.assert_array_equal(rgb.read_mask("a"), defect > 0)
    classes = [{"name": "good"}, {"name": "bad", "folder": "masks"}]
    each = opened({"a": image()}, {"a": defect}, masks={"kind": "per_class"}, classes=classes)
    np.testing.assert_array_equal(each.read_mask("a", Window(4, 0, 2, 9)), (defect > 0)[4:6])


def test_files_that_are_no_rasters(opened: Callable[..., Source], tmp_path: Path) -> None:
    source = opened({"a": image()})
    (tmp_path / "images/a.tif").write_bytes(b"II*\0nothing")
    with pytest.raises(UnreadableFileError, match=r"a\.tif' cannot be read .* list its id under `exclude`"):
        open_dataset(source.settings).read_image("a")  # type: ignore[attr-defined]
    write_raster(tmp_path / "images/a.tif", image("complex64"))
    with pytest.raises(UnreadableFileError, match="numbers of the type complex64"):
        open_dataset(source.settings).size("a")  # type: ignore[attr-defined]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    damage=st.lists(st.tuples(st.integers(0, 1999), st.integers(0, 255)), max_size=8),
    cut=st.integers(0, 4000),
)
def test_damaged_files_read_or_are_our_own_error(
    opened: Callable[..., Source], tmp_path: Path, damage: list[tuple[int, int]], cut: int
) -> None:
    source = opened({"a": image("float32", size=(20, 20))}, profiles={"a": {"compress": "lzw"}})
    path = tmp_path / "images/a.tif"
    broken = bytearray(path.read_bytes())
    for place, value in damage:
        broken[place % len(broken)] = value
    path.write_bytes(broken[: max(cut, 1)])
    try:
        source = open_dataset(source.settings)  # type: ignore[attr-defined]
        height, width = source.size("a")
        if height * width < 1e6:
            source.read_image("a")
            source.read_mask("a")
    except RaresegError as error:
        assert "\n" not in str(error)


def test_options_that_would_do_nothing(
    opened: Callable[..., Source], make_settings: Make, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="'raster' is given, but format is 'folder'"):
        make_settings(raster={"nodata": 0})
    with pytest.raises(ConfigError, match=r"`raster\.polygons` has no effect"):
        opened({"a": image()}, raster={"polygons": {"all_touched": True}})
    with pytest.raises(ConfigError, match=r"`masks` has no effect where raster\.polygons\.file"):
        opened({"a": image()}, raster={"polygons": {"file": "a.geojson"}}, masks={"folder": "masks"})


def test_without_rasterio_the_message_has_the_line_to_install(
    opened: Callable[..., Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = opened({"a": image()})
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(
        MissingExtraError, match=r"^The format raster needs .* pip install 'rareseg\[raster\]'$"
    ):
        open_dataset(source.settings)  # type: ignore[attr-defined]


def test_real_scenes_open_with_their_missing_values(shared_data: Path, make_settings: Make) -> None:
    settings = make_settings(
        format="raster",
        root=str(shared_data / "s2_burned_area"),
        samples="index.csv",
        bands=[2, 1, 0, 3],
        split={"kind": "column"},
    )
    source = open_dataset(settings)
    assert (source.num_bands, source.dtype, len(source.sample_ids)) == (4, np.float32, 16)
    rows = {name: source.column(name) for name in ("px_0", "px_1", "width", "height")}
    for name in source.sample_ids:
        pixels, mask = source.read_image(name), source.read_mask(name)
        assert pixels.shape == (4, int(rows["height"][name]), int(rows["width"][name]))
        missing = np.isnan(pixels).any(axis=0)
        np.testing.assert_array_equal(mask == 255, missing)
        assert missing.any() == (name == "RANCH_20240601")
        known = int((mask == 0).sum() + (mask == 1).sum())
        assert known == int(rows["px_0"][name]) + int(rows["px_1"][name]) - int(missing.sum())
    with pytest.raises(DataError, match="`bands`"):
        open_dataset(settings.model_copy(update={"bands": (5,)})).read_image("CANAL_20240530")
