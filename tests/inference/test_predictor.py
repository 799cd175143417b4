"""Tiles equal the whole image: the logits to rounding, the label maps exactly."""

from __future__ import annotations

from typing import cast

import numpy as np
import pytest
import torch

from rareseg.errors import DataError
from rareseg.inference.decision import ArgmaxDecision
from rareseg.inference.engine import Engine
from rareseg.inference.predictor import Predictor
from rareseg.inference.torch_engine import TorchEngine
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
    tiled = _tiled(Predictor(TorchEngine(network), tile=48), image)
    assert np.abs(whole - tiled).max() < 1e-4
    assert np.array_equal(whole.argmax(0), tiled.argmax(0))


def test_tiled_label_maps_of_uint16_with_a_hole_of_nan() -> None:
    network = _network(bands=2, depth=2)
    image = np.random.default_rng(2).normal(100, 30, (2, 130, 90)).astype(np.float32)
    image[:, 20:30, 20:30] = np.nan
    with torch.inference_mode():
        whole = ArgmaxDecision().labels(network(torch.from_numpy(image)[None]))[0].numpy()
    tiled = _tiled(Predictor(TorchEngine(network), tile=32), image).argmax(0)
    assert np.array_equal(whole, tiled)


def test_wrong_number_of_bands_is_one_line() -> None:
    predictor = Predictor(TorchEngine(_network(bands=3, depth=2)))
    with pytest.raises(DataError, match="takes images of 3 bands, but this one has 1"):
        list(predictor.iterate(lambda w: np.zeros((1, w.height, w.width), np.uint8), 40, 40))


def _global_network() -> Network:
    torch.manual_seed(0)
    settings = {"name": "se_unet", "base_channels": 4, "depth": 2}
    return Network(
        build_model(settings, in_channels=3, num_classes=4), mean=[100.0] * 3, std=[30.0] * 3
    ).eval()


@pytest.mark.parametrize("size", [(100, 200), (97, 205)])
def test_a_network_that_needs_the_whole_image_gets_it(size: tuple[int, int]) -> None:
    network = _global_network()
    image = np.random.default_rng(1).integers(0, 255, (3, *size), dtype=np.uint8)
    predictor = Predictor(TorchEngine(network), tile=48, whole_megapixels=0.02)
    assert predictor.is_exact(*size)
    with torch.inference_mode():
        whole = network(torch.from_numpy(image)[None])[0]
    ((window, logits),) = predictor.iterate(lambda w: image[:, *w.slices], *size)
    assert window == Window(0, 0, *size)
    torch.testing.assert_close(logits, whole, rtol=1e-4, atol=1e-4)


def test_an_image_too_large_for_it_goes_in_tiles_with_a_halo_of_half_a_tile() -> None:
    network = _global_network()
    image = np.random.default_rng(1).integers(0, 255, (3, 120, 90), dtype=np.uint8)
    predictor = Predictor(TorchEngine(network), tile=40, whole_megapixels=0.01)
    assert not predictor.is_exact(120, 90)
    tiled = _tiled(predictor, image)
    # The tile in the middle of the first column, taken for the whole image.
    with torch.inference_mode():
        alone = network(torch.from_numpy(image[None, :, 20:100, :60]))[0]
    np.testing.assert_allclose(tiled[:, 40:80, :40], alone[:, 20:60, :40], rtol=1e-4, atol=1e-4)
    with torch.inference_mode():
        whole = network(torch.from_numpy(image)[None])[0].numpy()
    assert 1e-3 < np.abs(tiled - whole).max() < np.abs(whole).max()


def test_a_network_of_finite_reach_is_exact_at_any_size() -> None:
    assert Predictor(TorchEngine(_network(depth=2)), whole_megapixels=0.01).is_exact(100_000, 100_000)


class _Seeing:
    """An engine that sees so far."""

    def __init__(self, radius: int | None) -> None:
        self.stride, self.receptive_radius = 32, radius


@pytest.mark.parametrize(
    ("radius", "tile", "halo"), [(108, 1024, 128), (None, 1024, 512), (540, 1632, 544), (342, 1056, 352)]
)
def test_networks_that_see_far_have_larger_tiles_by_default(radius: int | None, tile: int, halo: int) -> None:
    predictor = Predictor(cast(Engine, _Seeing(radius)))
    assert (predictor.tile, predictor.halo) == (tile, halo)
    assert Predictor(cast(Engine, _Seeing(radius)), tile=256).tile == 256
