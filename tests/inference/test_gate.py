"""The gate looks at every pixel of an image of any size, and at nothing else."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from rareseg.inference.gate import GateScorer, ImageGate
from rareseg.inference.predictor import Predictor
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.gated import Gated
from rareseg.models.network import Network
from rareseg.models.unet import UNet
from rareseg.types import Region, Window


class Brightest(nn.Module):
    """A gate whose logit is the brightest pixel of the patch."""

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        assert image.shape[-2:] == (16, 24)
        return image.amax(dim=(1, 2, 3))[:, None]


@pytest.fixture
def scorer() -> GateScorer:
    core = Gated(UNet(1, 2, base_channels=2, depth=2), Brightest())
    return GateScorer(Predictor(TorchEngine(Network(core, mean=[0.0], std=[1.0]))), "gate", (16, 24))


@pytest.mark.parametrize("size", [(16, 24), (17, 25), (40, 90), (5, 7), (8, 100)])
def test_no_pixel_is_missed(scorer: GateScorer, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    corners = [(0, 0), (0, size[1] - 1), (size[0] - 1, 0), (size[0] - 1, size[1] - 1)]
    for row, col in [*corners, *rng.integers(0, size, (20, 2)).tolist()]:
        image = np.full((1, *size), -9, np.int16)
        image[0, row, col] = 2
        score = scorer.score(lambda window, image=image: image[:, *window.slices], *size)
        assert score == pytest.approx(1 / (1 + np.exp(-2.0)), rel=1e-6)


def test_images_below_the_threshold_are_skipped(scorer: GateScorer) -> None:
    image = np.zeros((1, 20, 30), np.uint16)  # 16 bits are more than torch convolves
    read = lambda window: image[:, *window.slices]  # noqa: E731 (what a source gives)
    assert ImageGate(scorer, 0.5).is_open(read, 20, 30)
    assert not ImageGate(scorer, 0.51).is_open(read, 20, 30)


def test_a_known_score_is_not_computed_again(scorer: GateScorer) -> None:
    known, other = (Region("a", Window(0, row, 20, 30)) for row in (0, 20))
    gate = ImageGate(scorer, 0.6, {known: 0.7})
    read = lambda window: np.zeros((1, window.height, window.width), np.uint8)  # noqa: E731 (what a source gives)
    assert gate.is_open(read, 20, 30, region=known)
    assert not gate.is_open(read, 20, 30, region=other)
