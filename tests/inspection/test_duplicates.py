import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.artefacts import read_csv
from rareseg.inspection.duplicates import find_duplicates
from rareseg.inspection.image_scan import scan_images
from rareseg.inspection.transforms import TRANSFORMS


def _find(make_source, images: dict[str, np.ndarray], **options):
    bands = {name: image[None] for name, image in images.items()}
    source = make_source({name: np.zeros(image.shape, np.uint8) for name, image in images.items()}, bands)
    return find_duplicates(scan_images(source, source.sample_ids), **options)


def _spoil(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another exposure, clipped, and compressed as jpg."""
    values = 255 * (image / 255.0) ** rng.uniform(0.75, 1.35)
    values = (values - values.mean()) * rng.uniform(0.7, 1.4) + values.mean() + rng.uniform(-30, 30)
    file = io.BytesIO()
    pixels = np.ascontiguousarray(np.clip(values, 0, 255).astype(np.uint8))
    Image.fromarray(pixels).save(file, "jpeg", quality=int(rng.integers(60, 96)))
    return np.asarray(Image.open(file))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_copy_is_found_and_its_position_named(make_source, grain, name: str) -> None:
    images = {f"s{seed}": grain(seed) for seed in range(6)}
    images["copy"] = _spoil(TRANSFORMS[name](images["s3"]), np.random.default_rng(0))
    (pair,) = _find(make_source, images)
    assert (pair.a, pair.b, pair.transform) == ("s3", "copy", name)
    assert 0.8 < pair.similarity <= 1


@pytest.mark.parametrize("name", ["rotate_90", "flip_rows"])
def test_the_transform_leads_from_a_to_b_whichever_comes_first(make_source, grain, name: str) -> None:
    image = grain(0)
    (pair,) = _find(make_source, {"turned": TRANSFORMS[name](image), "image": image, "other": grain(1)})
    assert (pair.a, pair.b) == ("turned", "image")
    assert pair.transform == TRANSFORMS[name].inverse


def test_equal_pixels_have_similarity_one(make_source, grain) -> None:
    pairs = _find(make_source, {"a": grain(0), "b": grain(0), "c": grain(0), "d": grain(1)})
    assert {(pair.a, pair.b) for pair in pairs} == {("a", "b"), ("a", "c"), ("b", "c")}
    assert {pair.transform for pair in pairs} == {"identity"}
    assert pairs[0].similarity == 1


def test_a_resized_copy_is_found_and_a_stretched_one_is_not(make_source, grain) -> None:
    image = grain(0)
    half = np.asarray(Image.fromarray(image).resize((100, 75), Image.Resampling.BOX))
    flat = np.asarray(Image.fromarray(image).resize((200, 75), Image.Resampling.BOX))
    pairs = _find(make_source, {"image": image, "half": half, "flat": flat})
    assert [(pair.a, pair.b) for pair in pairs] == [("image", "half")]


def test_different_grain_on_the_same_object_is_not_a_copy(make_source, grain) -> None:
    frame = np.zeros((150, 200), np.float32)
    frame[:, 20:30] = frame[140:] = 90
    images = {f"s{seed}": np.clip(0.4 * grain(seed) + frame, 0, 255).astype(np.uint8) for seed in range(8)}
    assert _find(make_source, images) == []


def test_constant_images_are_not_compared(make_source) -> None:
    assert _find(make_source, {name: np.full((40, 40), 7, np.uint8) for name in "abc"}) == []
    assert _find(make_source, {}) == []


@pytest.mark.parametrize("dataset", ["magnetic_tile", "neu_seg_dedup"])
def test_copies_of_real_images(make_source, shared_data: Path, dataset: str) -> None:
    """99 % found, 1 % false at most, with one image a group; benchmarks/duplicates.py takes all images."""
    rows = read_csv(shared_data / dataset / "index.csv")
    # Each of these shows what another group shows: a tile shot again, and shots that overlap.
    known = {"tile358102", "neu0844", "neu0667"}
    first = {row["group"]: row for row in rows if row["group"] not in known}
    chosen = list(first.values())[:: max(1, len(first) // 200)]
    rng = np.random.default_rng(0)
    images, done = {}, {}
    for row in chosen:
        name = str(rng.choice(list(TRANSFORMS)))
        image = np.asarray(Image.open(shared_data / dataset / row["image"]).convert("L"))
        images[row["sample_id"]] = image
        images[f"{row['sample_id']}#copy"] = _spoil(TRANSFORMS[name](image), rng)
        done[row["sample_id"]] = name
    pairs = _find(make_source, images)
    right = [pair for pair in pairs if pair.b == f"{pair.a}#copy"]
    assert len(right) >= 0.99 * len(chosen)
    assert all(pair.transform == done[pair.a] for pair in right)
    assert len(pairs) - len(right) <= 0.01 * len(pairs)


def test_images_with_the_same_gap_are_no_duplicates_and_copies_with_gaps_are(make_source, grain) -> None:
    """Scenes of one satellite miss the same corner; the corner must not make them alike."""
    images = {f"s{seed}": grain(seed).astype(np.float32) + 500 for seed in range(6)}
    images["copy"] = images["s3"] * 1.2
    for image in images.values():
        image[:70, :80] = np.nan
    (pair,) = _find(make_source, images)
    assert (pair.a, pair.b, pair.transform) == ("s3", "copy", "identity")
