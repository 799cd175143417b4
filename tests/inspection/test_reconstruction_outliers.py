from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
import torch
from PIL import Image

from rareseg.data.splits import TrainSplit
from rareseg.errors import OptionError
from rareseg.inspection.duplicates import Duplicate
from rareseg.inspection.image_scan import scan_images
from rareseg.inspection.reconstruct import reconstruct
from rareseg.inspection.reconstruction_outliers import (
    NUM_PICTURES,
    OUTLIER_SCORE,
    _robust_scores,
    reconstruction_outliers,
)
from rareseg.types import Region, Window

FOREIGN = ("odd0", "odd1", "odd2")


def _disc(row: float, col: float, radius: float, size: tuple[int, int] = (64, 96)) -> np.ndarray:
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    return ((y / size[0] - row) ** 2 + (x / size[1] - col) ** 2) < radius**2


def _tiles(count: int) -> dict[str, np.ndarray]:
    """Tiles of noise on a slope whose direction differs from tile to tile."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:64, 0:96] / 64
    images = {}
    for number in range(count):
        slope = rng.uniform(-40, 40, 2)
        image = 120 + slope[0] * (y - 0.5) + slope[1] * (x - 0.75) + rng.normal(0, 12, y.shape)
        images[f"t{number:03d}"] = image.clip(0, 255).astype(np.uint8)[None]
    return images


@pytest.fixture(scope="module")
def planted(request: pytest.FixtureRequest) -> dict[str, np.ndarray]:
    """Eighty tiles, and three foreign images with discs in different places."""
    images = _tiles(80)
    for name, places in zip(FOREIGN, [(0.3, 0.3), (0.5, 0.7), (0.7, 0.4)], strict=True):
        image = np.where(_disc(*places, 0.22), 230, 40) + np.where(_disc(*places, 0.1), -150, 0)
        images[name] = image.clip(0, 255).astype(np.uint8)[None]
    return images


@pytest.fixture
def look(make_source):
    """Outliers among images, all of which train unless ``train`` says which."""

    def run(images, *, train=None, duplicates=(), seed=0):
        source = make_source({name: np.zeros(i.shape[1:], np.uint8) for name, i in images.items()}, images)
        regions = tuple(Region(name, Window(0, 0, *source.size(name))) for name in train or images)
        scans = scan_images(source, source.sample_ids)
        return reconstruction_outliers(scans, TrainSplit(regions), duplicates, seed=seed)

    return run


def test_foreign_images_rank_on_top(look, planted) -> None:
    found = look(planted)
    assert set(found.samples[:3]) == set(FOREIGN) == set(found.outliers)
    assert found.scores[2] > OUTLIER_SCORE > found.scores[3]
    assert (np.diff(found.scores) <= 0).all()
    assert len(found.samples) == len(planted)
    (finding,) = found.findings({name: f"{name}.png" for name in planted})
    assert finding.text.startswith("3 images are drawn much worse by an autoencoder than the rest: 'odd")
    assert set(finding.files) == {f"{name}.png" for name in FOREIGN}
    told = found.to_json()
    assert json.loads(json.dumps(told, allow_nan=False)) == told
    assert (told["threshold"], told["num_trained"]) == (5.0, 83)
    assert list(told["reconstructions"]) == [row["sample"] for row in told["images"][:NUM_PICTURES]]
    kind, data = told["reconstructions"]["odd0"].split(",")
    assert kind == "data:image/png;base64"
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))).shape == (32, 32)


def test_the_same_seed_gives_the_same_and_global_randomness_is_not_touched(look) -> None:
    images = _tiles(24)
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first, second = look(images), look(images)
    assert torch.equal(torch.rand(1), expected)
    assert first.to_json() == second.to_json()
    assert look(images, seed=1).to_json() != first.to_json()


def test_a_picture_that_comes_often_is_found_because_copies_train_once(look) -> None:
    """A third of the images are one picture. Left to learn all copies, the network draws it best of all."""
    images = _tiles(60)
    alien = np.where(_disc(0.5, 0.5, 0.3), 230, 40).astype(np.uint8)[None]
    copies = [f"alien{n:02d}" for n in range(30)]
    images |= dict.fromkeys(copies, alien)
    pairs = [Duplicate(copies[0], name, 1.0, "identity") for name in copies[1:]]
    found = look(images, duplicates=pairs)
    assert set(found.samples[:30]) == set(copies) == set(found.outliers)
    assert found.num_trained == 61
    blind = look(images)
    assert blind.num_trained == 90
    assert not set(blind.outliers) & set(copies)


def test_only_training_images_are_learnt_from(look, planted) -> None:
    train = [name for name in planted if name not in FOREIGN]
    found = look(planted, train=train)
    changed = {**planted, "odd0": 255 - planted["odd0"]}
    again = look(changed, train=train)
    errors = dict(zip(found.samples, found.errors, strict=True))
    assert {name: errors[name] for name in train} == {
        name: error for name, error in zip(again.samples, again.errors, strict=True) if name in train
    }


def test_too_few_training_images(look) -> None:
    with pytest.raises(
        OptionError, match="at least 20 different training images to learn from, but there are 19"
    ):
        look(_tiles(19))


def test_scores_by_hand() -> None:
    """Median 3, absolute deviations 2, 1, 0, 1, 7 with median 1."""
    scores = _robust_scores(np.array([1.0, 2.0, 3.0, 4.0, 10.0]))
    assert scores == pytest.approx(np.array([-2, -1, 0, 1, 7]) / 1.4826)
    assert _robust_scores(np.array([2.0, 2.0, 2.0, 3.0])) == pytest.approx([0, 0, 0, 500])
    assert _robust_scores(np.zeros(3)).tolist() == [0, 0, 0]


def test_an_image_without_a_value_is_an_outlier_and_does_not_spread(look, planted) -> None:
    images = {name: image.astype(np.float32) for name, image in planted.items()}
    images["t000"] = np.full((1, 64, 96), np.nan, np.float32)
    found = look(images)
    assert np.isfinite(found.scores).all()
    assert set(found.samples[:4]) == {*FOREIGN, "t000"} == set(found.outliers)


def test_reconstructions_come_in_the_scale_of_the_pictures() -> None:
    rng = np.random.default_rng(0)
    ramp = np.linspace(-1, 1, 8, dtype=np.float32)
    pictures = 5000 + 300 * rng.uniform(-1, 1, (60, 1, 1)).astype(np.float32) * ramp[:, None] * np.ones(
        (1, 8)
    )
    told: list[tuple[int, int]] = []
    drawn = reconstruct(pictures.astype(np.float32), range(60), progress=lambda *step: told.append(step))
    assert drawn.shape == pictures.shape
    assert np.abs(drawn - pictures).mean() < 0.1 * np.abs(pictures - 5000).mean()
    assert told[-1][0] == told[-1][1] == len(told)
