"""The folder of strips: the contest's layout, complete, resumable, and never mixed with another set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rareseg.artefacts import read_csv
from rareseg.config.dataset import load_dataset_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.data.steel import make_steel
from rareseg.data.steel_dataset import write_steel_dataset
from rareseg.data.steel_settings import STEEL_CLASSES, SteelSettings
from rareseg.errors import ConfigError, DataError, OptionError

SIZE = (48, 300)
SETTINGS = SteelSettings(size=SIZE)


def test_the_folder_opens_as_what_was_made(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    path = write_steel_dataset(
        tmp_path, num_images=12, size=SIZE, seed=2, progress=lambda *step: told.append(step)
    )
    assert told == [(number, 12) for number in range(1, 13)]
    source = open_dataset(load_dataset_settings(path))
    assert source.class_table.names == STEEL_CLASSES
    assert source.sample_ids == tuple(f"steel_{number:05d}" for number in range(12))
    for number, name in enumerate(source.sample_ids):
        strip = make_steel(2, number, SETTINGS)
        np.testing.assert_array_equal(source.read_layers(name), strip.layers)
        off = source.read_image(name)[0].astype(float) - strip.image
        assert np.sqrt((off**2).mean()) < 5  # jpg
    assert list(read_csv(tmp_path / "train.csv")[0]) == ["ImageId", "ClassId", "EncodedPixels"]
    assert "3  scratch" in (tmp_path / "README.txt").read_text()


def test_the_default_number_of_strips_has_every_defect_in_every_part(tmp_path: Path) -> None:
    settings = load_dataset_settings(write_steel_dataset(tmp_path, size=(32, 100)))
    source = open_dataset(settings)
    for part in make_splits(source, settings.split).parts:
        held = {int(index) for region in part.regions for index in np.unique(source.read_mask(region.sample))}
        assert held == {0, 1, 2, 3, 4}, part.name


def test_an_interrupted_or_larger_call_completes_the_set(tmp_path: Path) -> None:
    write_steel_dataset(tmp_path, num_images=3, size=SIZE)
    kept = tmp_path / "images" / "steel_00000.jpg"
    before = kept.stat().st_mtime_ns
    (tmp_path / "images" / "steel_00002.jpg").unlink()
    (tmp_path / "dataset.yaml").write_text("edited")
    write_steel_dataset(tmp_path, num_images=4, size=SIZE)
    assert len(list((tmp_path / "images").iterdir())) == 4
    assert kept.stat().st_mtime_ns == before
    assert (tmp_path / "dataset.yaml").read_text() == "edited"


def test_sets_are_not_mixed(tmp_path: Path) -> None:
    write_steel_dataset(tmp_path, num_images=2, size=SIZE)
    with pytest.raises(DataError, match="already holds strips of another seed"):
        write_steel_dataset(tmp_path, num_images=2, size=SIZE, seed=1)
    with pytest.raises(DataError, match="already holds 2 strips, but 1 were"):
        write_steel_dataset(tmp_path, num_images=1, size=SIZE)


def test_numbers_out_of_range_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="`num_images` should lie"):
        write_steel_dataset(tmp_path, num_images=0)
    with pytest.raises(OptionError, match="`seed` counts from 0"):
        write_steel_dataset(tmp_path, seed=-1)
    with pytest.raises(ConfigError, match="size"):
        write_steel_dataset(tmp_path, size=(8, 8))
