"""The folder of foils: complete, readable, resumable, and never mixed with another set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from rareseg.artefacts import read_csv
from rareseg.config.dataset import load_dataset_settings
from rareseg.data.foil import make_foil
from rareseg.data.foil_dataset import write_foil_dataset
from rareseg.data.foil_settings import FOIL_CLASSES, FoilSettings
from rareseg.data.photometric_stereo import light_directions
from rareseg.errors import ConfigError, DataError, OptionError

SIZE = (64, 80)


def test_the_folder_holds_what_its_dataset_yaml_says(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    path = write_foil_dataset(
        tmp_path / "foil",
        num_images=3,
        size=SIZE,
        seed=5,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert calls == [(1, 3), (2, 3), (3, 3)]
    settings = load_dataset_settings(path.parent)
    assert settings.class_names == FOIL_CLASSES
    assert (settings.masks.kind, settings.masks.folder) == ("indexed", "masks")
    assert (settings.split.kind, settings.split.val_share, settings.split.axis) == ("region", 0.33, "rows")
    names = [f"foil_{index:03d}" for index in range(3)]
    for folder in (settings.images, settings.masks.folder, "masks_exact"):
        assert sorted(item.stem for item in (path.parent / folder).iterdir()) == names
    assert not list(path.parent.rglob("*.part"))


def test_files_read_back_as_the_foil(tmp_path: Path) -> None:
    write_foil_dataset(tmp_path, num_images=3, size=SIZE, seed=5, save_raw_lights=True)
    foil = make_foil(5, 2, FoilSettings(size=SIZE))
    image = tifffile.imread(tmp_path / "images" / "foil_002.tif")
    assert image.shape == (*SIZE, 3) and image.dtype == np.uint16
    np.testing.assert_allclose(np.moveaxis(image, -1, 0) / 65535 * 2 - 1, foil.normals, atol=2e-5)
    for folder, mask in (("masks", foil.annotated), ("masks_exact", foil.mask)):
        with Image.open(tmp_path / folder / "foil_002.png") as stored:
            assert stored.mode == "P"
            np.testing.assert_array_equal(np.asarray(stored), mask)
    raw = tifffile.imread(tmp_path / "lights" / "foil_002.tif")
    np.testing.assert_array_equal(np.moveaxis(raw, -1, 0), foil.images)
    rows = read_csv(tmp_path / "lights.csv")
    given = np.array([[float(row[axis]) for axis in "xyz"] for row in rows])
    np.testing.assert_allclose(given, light_directions([45, 135, 225, 315], 55))
    assert "4  blade_trail" in (tmp_path / "README.txt").read_text(encoding="utf-8")


def test_albedo_can_be_a_fourth_band(tmp_path: Path) -> None:
    write_foil_dataset(tmp_path, num_images=1, size=SIZE, bands="normals+albedo")
    image = tifffile.imread(tmp_path / "images" / "foil_000.tif")
    assert image.shape == (*SIZE, 4)
    np.testing.assert_allclose(
        image[..., 3] / 65535, make_foil(0, 0, FoilSettings(size=SIZE)).albedo, atol=1e-5
    )


def test_an_interrupted_call_is_completed_and_what_is_there_stays(tmp_path: Path) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        if done == 2:
            raise Stop

    with pytest.raises(Stop):
        write_foil_dataset(tmp_path, num_images=3, size=SIZE, progress=stop)
    kept = tmp_path / "images" / "foil_000.tif"
    stamp = kept.stat().st_mtime_ns
    content = (tmp_path / "images" / "foil_001.tif").read_bytes()
    (tmp_path / "images" / "foil_001.tif").unlink()
    write_foil_dataset(tmp_path, num_images=3, size=SIZE)
    assert kept.stat().st_mtime_ns == stamp
    assert (tmp_path / "images" / "foil_001.tif").read_bytes() == content
    assert len(list((tmp_path / "images").iterdir())) == 3
    write_foil_dataset(tmp_path, num_images=4, size=SIZE)
    assert len(list((tmp_path / "masks").iterdir())) == 4


def test_an_edited_dataset_yaml_stays(tmp_path: Path) -> None:
    path = write_foil_dataset(tmp_path, num_images=1, size=SIZE)
    path.write_text(
        path.read_text(encoding="utf-8").replace("folder: masks", "folder: masks_exact"), encoding="utf-8"
    )
    write_foil_dataset(tmp_path, num_images=1, size=SIZE)
    assert load_dataset_settings(path).masks.folder == "masks_exact"


def test_another_set_is_not_mixed_in(tmp_path: Path) -> None:
    write_foil_dataset(tmp_path / "a", num_images=2, size=SIZE)
    with pytest.raises(DataError, match="already holds foils of another seed, size or settings"):
        write_foil_dataset(tmp_path / "a", num_images=2, size=SIZE, seed=1)
    with pytest.raises(DataError, match="already holds foils of another seed, size or settings"):
        write_foil_dataset(tmp_path / "a", num_images=2, size=SIZE, settings=FoilSettings(grain=0.2))
    with pytest.raises(DataError, match="already holds 2 foils, but 1 were asked for"):
        write_foil_dataset(tmp_path / "a", num_images=1, size=SIZE)
    (tmp_path / "b" / "images").mkdir(parents=True)
    with pytest.raises(DataError, match="has an images folder that is not of a foil set"):
        write_foil_dataset(tmp_path / "b", num_images=1, size=SIZE)


def test_options_out_of_range_are_named(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="between 1 and 1000, but is 0"):
        write_foil_dataset(tmp_path, num_images=0)
    with pytest.raises(OptionError, match="`seed` counts from 0, but is -1"):
        write_foil_dataset(tmp_path, seed=-1)
    with pytest.raises(ConfigError, match=r"size\.1: Input should be greater than or equal to 32"):
        write_foil_dataset(tmp_path, size=(64, 8))
    with pytest.raises(OptionError, match=r"one of normals, normals\+albedo, but is 'rgb'"):
        write_foil_dataset(tmp_path, bands="rgb")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
