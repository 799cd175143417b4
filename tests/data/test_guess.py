from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from data.write_raster import write_raster
from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import parse_settings
from rareseg.data.guess import guess_dataset
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.errors import ConfigError

Save = Callable[[Path, Any], Path]
FLAT = np.zeros((4, 5), np.uint8)


def opened(folder: Path) -> tuple[dict[str, Any], Source]:
    """The guess, and the source that it opens without a hand being laid on it."""
    guessed = guess_dataset(folder)
    settings = parse_settings(DatasetSettings, guessed, where="guess")
    return guessed, open_dataset(settings.model_copy(update={"root": str(folder)}))


def masks_of(*values: int) -> list[np.ndarray]:
    return [np.full((4, 5), value, np.uint8) for value in values]


@pytest.mark.parametrize(
    ("image", "mask", "expected"),
    [
        ("images/{}.jpg", "masks/{}.png", ("images", "masks", "")),
        ("JPEGImages/{}.jpg", "SegmentationClass/{}.png", ("JPEGImages", "SegmentationClass", "")),
        ("img/{}.png", "ground_truth/{}_gt.bmp", ("img", "ground_truth", "_gt")),
        ("train/{}.png", "train_masks/{}_mask.png", ("train", "train_masks", "_mask")),
        ("{}.jpg", "labels/{}.png", (".", "labels", "")),
        ("all/{}.png", "all/{}_mask.png", ("all", "all", "_mask")),
        ("Imgs/{}.jpg", "Imgs/{}.png", ("Imgs", "Imgs", "")),
        ("images/part/{}.png", "annotations/part/{}.png", ("images", "annotations", "")),
    ],
)
def test_usual_layouts_are_found(
    tmp_path: Path, save: Save, image: str, mask: str, expected: tuple[str, str, str]
) -> None:
    for number, pixels in enumerate(masks_of(0, 1, 2)):
        save(tmp_path / image.format(f"s{number}"), FLAT)
        save(tmp_path / mask.format(f"s{number}"), pixels)
    guessed, source = opened(tmp_path)
    assert (guessed["images"], guessed["masks"]["folder"], guessed["masks"].get("suffix", "")) == expected
    assert len(source.sample_ids) == 3
    found = {int(source.read_mask(name).max()) for name in source.sample_ids}
    assert found == {0, 1, 2}


def fill(folder: Path, save: Save, masks: list[Any]) -> None:
    for number, mask in enumerate(masks):
        save(folder / f"images/s{number}.png", np.zeros(np.shape(mask)[:2], np.uint8))
        save(folder / f"masks/s{number}.png", mask)


def test_small_values_are_indices_and_255_beside_them_is_ignored(tmp_path: Path, save: Save) -> None:
    fill(tmp_path, save, masks_of(0, 3, 255, 5))
    guessed, source = opened(tmp_path)
    assert guessed["masks"] == {"kind": "indexed", "folder": "masks", "ignore": 255}
    assert guessed["classes"] == [
        {"name": "background", "value": 0},
        {"name": "class_1", "value": 3},
        {"name": "class_2", "value": 5},
    ]
    assert source.read_mask("s2").tolist() == np.full((4, 5), 255).tolist()
    assert guessed["split"] == {"kind": "region"}


def test_black_and_white_is_binary(tmp_path: Path, save: Save) -> None:
    fill(tmp_path, save, masks_of(0, 255))
    guessed, source = opened(tmp_path)
    assert guessed["masks"] == {"kind": "binary", "folder": "masks", "threshold": 127, "ignore": None}
    assert source.read_mask("s1").tolist() == np.ones((4, 5)).tolist()


def test_blurred_black_and_white_is_binary_with_a_threshold(tmp_path: Path, save: Save) -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40] = 255
    mask[19], mask[40] = np.arange(60) * 2 + 40, np.arange(60) * 2 + 41
    fill(tmp_path, save, [mask])
    guessed, source = opened(tmp_path)
    assert (guessed["masks"]["kind"], guessed["masks"]["threshold"]) == ("binary", 127)
    assert set(np.unique(source.read_mask("s0"))) == {0, 1}


def test_palettes_are_indices_also_with_two_values(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "images/a.png", FLAT)
    mask = Image.fromarray(np.array([[0, 1, 255, 0, 0]] * 4, np.uint8))
    mask.putpalette([0, 0, 0, 255, 255, 255] + [9] * 762)
    (tmp_path / "masks").mkdir()
    mask.save(tmp_path / "masks/a.png")
    guessed, source = opened(tmp_path)
    assert guessed["masks"] == {"kind": "indexed", "folder": "masks", "ignore": 255}
    assert source.read_mask("a")[0].tolist() == [0, 1, 255, 0, 0]


def test_colours_are_classes_the_most_frequent_first(tmp_path: Path, save: Save) -> None:
    mask = np.zeros((4, 5, 3), np.uint8)
    mask[0, :2] = (200, 0, 0)
    mask[1, 0] = (0, 0, 200)
    fill(tmp_path, save, [mask])
    guessed, source = opened(tmp_path)
    assert guessed["classes"] == [
        {"name": "background", "color": "#000000"},
        {"name": "class_1", "color": "#c80000"},
        {"name": "class_2", "color": "#0000c8"},
    ]
    assert np.bincount(source.read_mask("s0").ravel()).tolist() == [17, 2, 1]


def test_names_come_from_classes_json_in_or_beside_the_folder(tmp_path: Path, save: Save) -> None:
    folder = tmp_path / "steel"
    fill(folder, save, masks_of(0, 1))
    (tmp_path / "classes.json").write_text(
        json.dumps({"steel": ["plain", "pit", "dent"], "wood": ["a", "b"]})
    )
    assert [item["name"] for item in guess_dataset(folder)["classes"]] == ["plain", "pit", "dent"]
    (folder / "classes.json").write_text(json.dumps(["x", "y"]))
    assert guess_dataset(folder)["classes"] == [{"name": "x", "value": 0}, {"name": "y", "value": 1}]
    (folder / "classes.json").write_text("not json")
    assert [item["name"] for item in guess_dataset(folder)["classes"]] == ["plain", "pit", "dent"]


def test_a_table_is_used_with_its_groups_and_parts(tmp_path: Path, save: Save) -> None:
    fill(tmp_path, save, masks_of(0, 1, 0))
    rows = [
        f"n{number},images/s{number}.png,masks/s{number}.png,{part},g"
        for number, part in enumerate(("train", "val"))
    ]
    (tmp_path / "index.csv").write_text("\n".join(["sample_id,image,mask,split,group", *rows]))
    guessed, source = opened(tmp_path)
    assert guessed["samples"] == "index.csv"
    assert guessed["group"] == {"column": "group"}
    assert guessed["split"] == {"kind": "column", "column": "split"}
    assert source.sample_ids == ("n0", "n1")


def test_lists_beside_the_images_are_the_split(tmp_path: Path, save: Save) -> None:
    fill(tmp_path, save, masks_of(0, 1))
    (tmp_path / "train.csv").write_text("sample_id\ns0\n")
    (tmp_path / "val.csv").write_text("sample_id\ns1\n")
    assert guess_dataset(tmp_path)["split"] == {"kind": "lists", "train": "train.csv", "val": "val.csv"}


def test_many_images_are_split_by_group(tmp_path: Path, save: Save) -> None:
    fill(tmp_path, save, masks_of(*[0, 1] * 6))
    assert guess_dataset(tmp_path)["split"] == {"kind": "group"}


def test_a_stack_with_masks_apart(tmp_path: Path) -> None:
    images, masks = np.zeros((12, 40, 50, 3), np.float32), np.zeros((12, 40, 50), np.int64)
    masks[:, 3, 4], masks[:, 5, 6] = 2, 255
    np.savez(
        tmp_path / "a.npz",
        names=np.array(["x"] * 12),
        x_train=images,
        y_train=masks,
        split=np.array(["train", "val"] * 6),
    )
    guessed, source = opened(tmp_path)
    assert guessed["npz"] == {"file": "a.npz", "images": "x_train", "axes": "nhwc"}
    assert guessed["masks"] == {"kind": "indexed", "key": "y_train", "ignore": 255}
    assert guessed["split"] == {"kind": "column", "column": "split"}
    assert np.unique(source.read_mask("x_train/0011")).tolist() == [0, 1, 255]


def test_a_stack_with_joined_masks_is_found_beside_one_without(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    training = generator.integers(0, 256, (9, 2, 40, 50)).astype(np.float64)
    training[:, 1] = generator.integers(0, 5, (9, 40, 50))
    np.savez(tmp_path / "mars.npz", test_set=generator.integers(0, 256, (4, 40, 50)), training_set=training)
    (tmp_path / "classes.json").write_text('["background", "soil", "bedrock", "sand", "big_rock"]')
    guessed, source = opened(tmp_path)
    assert guessed["npz"] == {
        "file": "mars.npz",
        "images": "training_set",
        "axes": "nchw",
        "mask_channel": "last",
    }
    assert guessed["split"] == {"kind": "region"}
    assert source.class_table.names[4] == "big_rock"
    np.testing.assert_array_equal(source.read_mask("training_set/0003"), training[3, 1])
    by_file = guess_dataset(tmp_path / "mars.npz")
    assert by_file["npz"] == guessed["npz"]


def test_stacks_that_cannot_be_guessed(tmp_path: Path, save: Save) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 40, 50)), masks=np.zeros((4, 40, 50), np.uint8))
    with pytest.raises(
        ConfigError, match=r"could be told apart .* It holds: images 3 x 40 x 50 float64, masks"
    ):
        guess_dataset(tmp_path)
    np.savez(tmp_path / "b.npz", images=np.zeros((3, 40, 50)))
    with pytest.raises(
        ConfigError, match=r"holds 2 stacks: a\.npz, b\.npz; say which: rareseg inspect --init"
    ):
        guess_dataset(tmp_path)
    fill(tmp_path, save, masks_of(0, 1))
    assert guess_dataset(tmp_path)["images"] == "images"


def test_a_real_stack_is_guessed_with_its_table(shared_data: Path) -> None:
    guessed = guess_dataset(shared_data / "mars_mini/mars_tiles.npz")
    assert (guessed["samples"], guessed["group"]) == ("index.csv", {"column": "group"})
    assert guessed["split"] == {"kind": "column", "column": "split"}
    assert guessed["npz"] == {"file": "mars_tiles.npz", "images": "images", "axes": "nhw"}


def coco_text(*names: str, category: str = "rust") -> str:
    polygon = [[0, 0, 3, 0, 3, 3, 0, 3]]
    value = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "annotations": [{"id": 1, "image_id": 0, "category_id": 5, "segmentation": polygon}],
        "categories": [{"id": 2, "name": "unused"}, {"id": 5, "name": category}],
    }
    return json.dumps(value)


@pytest.mark.parametrize(
    ("file", "image", "images"),
    [
        ("instances.json", "a.png", "."),
        ("annotations/instances.json", "photos/a.png", "photos"),
        ("train/_annotations.coco.json", "train/a.png", "train"),
    ],
)
def test_images_without_masks_but_with_a_coco_file(
    tmp_path: Path, save: Save, file: str, image: str, images: str
) -> None:
    save(tmp_path / image, FLAT)
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(coco_text("a.png"))
    (tmp_path / "other.json").write_text('{"images": 5}')
    (tmp_path / "list.json").write_text("[1]")
    guessed, source = opened(tmp_path)
    assert (guessed["images"], guessed["coco"]) == (images, {"file": file})
    assert source.class_table.names == ("background", "rust")
    assert source.read_mask("a").sum() == 9


def test_two_coco_files_are_not_guessed_between(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "a.png", FLAT)
    for name in ("train", "val"):
        (tmp_path / f"{name}.json").write_text(coco_text("a.png"))
    with pytest.raises(ConfigError, match=r"holds 2 COCO files: train\.json, val\.json; a dataset reads one"):
        guess_dataset(tmp_path)
    save(tmp_path / "masks/a.png", FLAT)
    assert guess_dataset(tmp_path)["masks"]["folder"] == "masks"


def test_a_coco_file_without_its_images_changes_no_message(tmp_path: Path, save: Save) -> None:
    save(tmp_path / "images/a.png", FLAT)
    (tmp_path / "a.json").write_text(coco_text("z.png"))
    with pytest.raises(ConfigError, match="holds images, but no masks that belong to them"):
        guess_dataset(tmp_path)


def test_what_cannot_be_guessed_says_what_was_looked_for(tmp_path: Path, save: Save) -> None:
    with pytest.raises(ConfigError, match=r"holds no image \(\.png, \.jpg"):
        guess_dataset(tmp_path)
    save(tmp_path / "images/a.png", FLAT)
    with pytest.raises(
        ConfigError, match="no masks that belong to them; looked for folders named masks, mask, labels"
    ):
        guess_dataset(tmp_path)
    save(tmp_path / "masks/a.png", np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8))
    with pytest.raises(ConfigError, match=r"hold \d+ colours, too many to be classes"):
        guess_dataset(tmp_path)
    save(tmp_path / "masks/a.png", np.arange(200, dtype=np.uint8).reshape(10, 20))
    with pytest.raises(ConfigError, match="hold 200 values, too many to be classes"):
        guess_dataset(tmp_path)
    (tmp_path / "index.csv").write_text("sample_id,image,mask\na,images/q.png,masks/a.png\n")
    with pytest.raises(ConfigError, match=r"names images such as 'images/q.png', but none of them exists"):
        guess_dataset(tmp_path)


@pytest.mark.parametrize("name", ["magnetic_tile", "neu_seg_dedup", "crackforest"])
def test_real_sets_are_guessed_with_their_names(name: str, shared_data: Path) -> None:
    guessed, source = opened(shared_data / name)
    expected = json.loads((shared_data / "classes.json").read_text())[name]
    assert list(source.class_table.names) == expected
    assert guessed["masks"] == {"kind": "indexed", "folder": "masks", "ignore": 255}
    assert guessed["split"]["kind"] == "column"


def test_georeferenced_images_are_rasters(tmp_path: Path) -> None:
    mask = np.zeros((20, 20), np.uint8)
    mask[3:6, 4:9] = 1
    for name in "ab":
        write_raster(tmp_path / f"images/{name}.tif", np.ones((4, 20, 20), np.float64), compress="lzw")
        write_raster(tmp_path / f"masks/{name}.tif", mask)
    guessed, source = opened(tmp_path)
    assert guessed["format"] == "raster"
    assert (source.num_bands, source.dtype) == (4, np.float32)
    np.testing.assert_array_equal(source.read_mask("a") > 0, mask)
