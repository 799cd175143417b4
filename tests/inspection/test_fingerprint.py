import json
from pathlib import Path

import numpy as np
import pytest

from rareseg.artefacts import read_csv, read_json, write_json
from rareseg.config.dataset import load_dataset_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.errors import OptionError
from rareseg.inspection.fingerprint import make_fingerprint
from rareseg.losses.weights import binary_weights

STUDIES = Path(__file__).resolve().parents[2] / "studies"


@pytest.fixture
def foil(make_source, split, reference_tables: Path):
    """A training mask with exactly the pixels of Table 3.1."""
    rows = read_csv(reference_tables / "foil_thesis_pixels.csv")
    pixels = [int(row["train_pixels"]) for row in rows]
    mask = np.repeat(np.arange(len(rows), dtype=np.uint8), pixels).reshape(7200, -1)
    small = np.arange(5, dtype=np.uint8).reshape(1, 5)
    source = make_source({"train": mask, "val": small}, names=tuple(row["class"] for row in rows))
    return rows, make_fingerprint(source, split(source, ["train"], ["val"]), images=False)


def test_tables_3_2_3_6_and_3_7(foil) -> None:
    rows, fingerprint = foil
    assert list(fingerprint["splits"]["train"]["class_pixels"].values()) == [
        int(r["train_pixels"]) for r in rows
    ]
    names = [row["name"] for row in fingerprint["classes"]]
    cavity, background = names.index("cavity"), names.index("background")
    assert fingerprint["ratio_text"][cavity][background] == "1:1571"
    assert fingerprint["ratio_matrix"][cavity][background] == pytest.approx(61341642 / 39040)
    for row, icf, iscf in zip(
        rows, fingerprint["weights"]["icf"], fingerprint["weights"]["iscf"], strict=True
    ):
        # Table 3.6 prints 4.355 for cavity, where its own counts give 4.352.
        assert icf == pytest.approx(float(row["icf_alpha"]), abs=4e-3 if row["class"] == "cavity" else 1e-3)
        assert iscf == pytest.approx(float(row["iscf_alpha"]), abs=1e-3)
    # Table 3.7 prints cavity and crack in each other's place.
    swapped = {"cavity": "crack", "crack": "cavity"}
    weights = binary_weights([int(row["train_pixels"]) for row in rows], "iscf")
    printed = {row["class"]: row for row in rows}
    for name, pair in list(zip(names, weights, strict=True))[1:]:
        row = printed[swapped.get(name, name)]
        expected = [float(row["binary_negative_alpha"]), float(row["binary_positive_alpha"])]
        assert pair.tolist() == pytest.approx(expected, abs=1.1e-3)


@pytest.fixture
def small(make_source, split, grain):
    """Six images, of which s5 (test) is s0 (train) turned and darker, and s1 is s2 in train."""
    images = {f"s{i}": grain(i, 80, 100)[None] for i in range(6)}
    images["s5"] = (np.rot90(images["s0"], axes=(1, 2)) * 0.7).astype(np.uint8)
    images["s2"] = images["s1"].copy()
    masks = {name: np.zeros(image.shape[1:], np.uint8) for name, image in images.items()}
    for place, mask in enumerate(list(masks.values())[:5]):
        mask[10 : 20 + place, 5:9] = 1
        mask[40, place : place + 4] = 2
    source = make_source(masks, images)
    return source, split(source, ["s0", "s1", "s2"], ["s3", "s4"], ["s5"])


def test_what_a_fingerprint_holds(small, tmp_path: Path) -> None:
    source, splits = small
    told = []
    fingerprint = make_fingerprint(source, splits, name="grain", progress=lambda *step: told.append(step))
    assert told[-1] == (18, 18)
    assert told == sorted(told)
    assert (fingerprint["name"], fingerprint["num_images"], fingerprint["num_bands"]) == ("grain", 6, 1)
    assert (fingerprint["dtype"], fingerprint["megapixels"]) == ("uint8", 0.048)
    assert fingerprint["sizes"] == [
        {"height": 80, "width": 100, "images": 5},
        {"height": 100, "width": 80, "images": 1},
    ]
    train = np.concatenate([source.images[name].ravel() for name in ("s0", "s1", "s2")]).astype(float)
    assert fingerprint["bands"]["mean"][0] == pytest.approx(train.mean())
    assert fingerprint["bands"]["std"][0] == pytest.approx(train.std())
    (leak,) = fingerprint["leaks"]
    assert (leak["a"], leak["b"], leak["split_a"], leak["split_b"]) == ("s0", "s5", "train", "test")
    assert leak["transform"] == "rotate_90"
    assert [(pair["a"], pair["b"], pair["similarity"]) for pair in fingerprint["duplicates"]] == [
        ("s1", "s2", 1.0)
    ]
    assert fingerprint["blank_masks"] == pytest.approx(1 / 6)
    kinds = [warning["kind"] for warning in fingerprint["warnings"]]
    assert kinds[0] == "leak"
    assert {"duplicate", "absent_class", "blank_mask", "sizes"} <= set(kinds)
    assert all(set(warning) == {"kind", "level", "text", "files"} for warning in fingerprint["warnings"])
    path = tmp_path / "fingerprint.json"
    write_json(path, fingerprint, kind="fingerprint")
    read = read_json(path, kind="fingerprint")
    assert read == {"artefact": "fingerprint/1", **json.loads(json.dumps(fingerprint, allow_nan=False))}


def test_a_class_without_training_pixels_leaves_weights_open(small) -> None:
    source, splits = small
    source.names = (*source.names, "never")
    fingerprint = make_fingerprint(source, splits, images=False)
    assert fingerprint["weights"] == {"icf": [None] * 4, "iscf": [None] * 4}
    assert fingerprint["ratio_matrix"][3] == [None] * 4
    assert fingerprint["ratio_text"][3] == [""] * 4
    assert (fingerprint["bands"], fingerprint["leaks"]) == ({}, [])
    assert fingerprint["warnings"][0]["text"].startswith("No training pixel shows 'never'")


def test_only_training_pixels_reach_weights_and_bands(small) -> None:
    source, splits = small
    before = make_fingerprint(source, splits)
    for name in ("s3", "s4", "s5"):
        source.images[name] = np.full_like(source.images[name], 255)
        source.masks[name] = np.ones_like(source.masks[name])
    after = make_fingerprint(source, splits)
    for key in ("bands", "weights", "ratio_matrix"):
        assert after[key] == before[key]


@pytest.mark.parametrize("name", ["magnetic_tile", "crackforest"])
def test_counts_of_real_data_equal_their_index(shared_data: Path, name: str) -> None:
    settings = load_dataset_settings(STUDIES / name, root=shared_data / name)
    source = open_dataset(settings)
    fingerprint = make_fingerprint(source, make_splits(source, settings.split), images=False)
    rows = read_csv(shared_data / name / "index.csv")
    assert fingerprint["num_images"] == len(rows)
    for item in fingerprint["classes"]:
        column = f"px_{item['value']}"
        assert item["pixels"] == sum(int(row[column]) for row in rows)
        assert item["images"] == sum(int(row[column]) > 0 for row in rows)
    ignored = sum(int(row["px_255"]) for row in rows)
    assert fingerprint["unlabelled"] == pytest.approx(ignored / (fingerprint["megapixels"] * 1e6))


def test_outliers_come_with_what_to_leave_out(make_source, split, grain) -> None:
    """Of thirty images three are one foreign picture with one mask; what is left out already stays so."""
    images = {f"s{i:02d}": grain(i, 64, 64)[None] for i in range(30)}
    masks = {name: np.zeros((64, 64), np.uint8) for name in images}
    for place, mask in enumerate(masks.values()):
        mask[place, :5] = 1
        mask[-1, place] = 2
    foreign = ["s03", "s11", "s20"]
    for name in foreign:
        images[name] = np.zeros((1, 64, 64), np.uint8)
        images[name][0, 16:48, 16:48] = 255
        masks[name] = (images[name][0] > 0).astype(np.uint8)
    source = make_source(masks, images, excluded=("gone",))
    splits = split(source, list(images)[:26], list(images)[26:])
    told = []
    found = make_fingerprint(source, splits, outliers=True, progress=lambda *step: told.append(step))
    assert told[-1] == (120, 120)
    assert found["excluded"] == ["gone"]
    outliers = found["outliers"]
    assert outliers["masks"]["sets"] == [{"samples": foreign, "num_groups": 3, "share": 0.1}]
    assert outliers["masks"]["exclude"] == ["gone", *foreign]
    assert sorted(outliers["reconstruction"]["exclude"]) == ["gone", *foreign]
    assert outliers["exclude"] == ["gone", *foreign]
    assert {"outlier_mask", "outlier_image"} <= {warning["kind"] for warning in found["warnings"]}
    plain = make_fingerprint(source, splits)["outliers"]
    assert (plain["reconstruction"], plain["exclude"]) == (None, ["gone", *foreign])
    with pytest.raises(OptionError, match="'outliers' looks at images"):
        make_fingerprint(source, splits, images=False, outliers=True)
