"""Tiles equal the whole image: the logits to rounding, the label maps exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rareseg.errors import DataError
from rareseg.inference.decision import ArgmaxDecision
from rareseg.inference.predictor import Predictor
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.types import Window


def _network(bands: int = 3, **options: int) -> Network:
    torch.manual_seed(0)
    core = build_model({"name": "unet", "base_channels": 4, **options}, in_channels=bands, num_classes=4)
    network = Network(core, mean=[100.0] * bands, std=[30.0] * bands)
    # Statistics of a few passes in place of the initial ones, so that batch norm does something.
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randint(0, 255, (2, bands, 64, 64), dtype=torch.uint8))
    return network.eval()


def _tiled(predictor: Predictor, image: np.ndarray) -> np.ndarray:
    reads: list[Window] = []

    def read(window: Window) -> np.ndarray:
        assert window.row >= 0
        assert window.col >= 0
        assert window.row + window.height <= image.shape[1]
        assert window.col + window.width <= image.shape[2]
        reads.append(window)
        return image[:, window.slices[0], window.slices[1]]

    height, width = image.shape[1:]
    logits = np.full((4, height, width), np.nan, np.float32)
    for window, part in predictor.iterate(read, height, width):
        assert np.isnan(logits[:, window.slices[0], window.slices[1]]).all()
        logits[:, window.slices[0], window.slices[1]] = part.numpy()
    assert not np.isnan(logits).any()
    assert len(reads) > 1
    return logits


@pytest.mark.parametrize("size", [(352, 368), (333, 401), (40, 700), (17, 300)])
@pytest.mark.parametrize("options", [{}, {"depth": 2}])
def test_tiles_equal_the_whole_image(size: tuple[int, int], options: dict[str, int]) -> None:
    network = _network(**options)
    image = np.random.default_rng(1).integers(0, 255, (3, *size), dtype=np.uint8)
    with torch.inference_mode():
        whole = network(torch.from_numpy(image)[None])[0].numpy()
    tiled = _tiled(Predictor(network, tile=48), image)
    assert np.abs(whole - tiled).max() < 1e-4
    assert np.array_equal(whole.argmax(0), tiled.argmax(0))


def test_tiled_label_maps_of_uint16_with_a_hole_of_nan() -> None:
    network = _network(bands=2, depth=2)
    image = np.random.default_rng(2).normal(100, 30, (2, 130, 90)).astype(np.float32)
    image[:, 20:30, 20:30] = np.nan
    with torch.inference_mode():
        whole = ArgmaxDecision().labels(network(torch.from_numpy(image)[None]))[0].numpy()
    tiled = _tiled(Predictor(network, tile=32), image).argmax(0)
    assert np.array_equal(whole, tiled)


def test_wrong_number_of_bands_is_one_line() -> None:
    predictor = Predictor(_network(bands=3, depth=2))
    with pytest.raises(DataError, match="takes images of 3 bands, but this one has 1"):
        list(predictor.iterate(lambda w: np.zeros((1, w.height, w.width), np.uint8), 40, 40))
