"""A segmenter with random weights, for tests of what becomes of its label maps."""

from __future__ import annotations

from typing import Any

import torch

from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.inference.decision import ArgmaxDecision
from rareseg.inference.judge import Judge
from rareseg.inference.predictor import Predictor
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.strategies.heads import build_head

NAMES = ("ground", "pit", "scratch")


def make_segmenter(
    *,
    bands: int = 1,
    tile: int = 32,
    head: str = "softmax",
    smallest: tuple[int, ...] = (),
    model: str = "unet",
    **reading: Any,
) -> Segmenter:
    """A small network whose batch norm has seen a few batches; the same weights at every call.

    It computes in double precision: in single precision, the sums of tiles and of whole images differ in their last
    digit, which gives a pixel in ten thousand of such noise another class.
    """
    torch.manual_seed(0)
    num_outputs = len(NAMES) - (head == "sigmoid")
    core = build_model(
        {"name": model, "base_channels": 4, "depth": 2}, in_channels=bands, num_classes=num_outputs
    )
    network = Network(core, mean=[100.0] * bands, std=[30.0] * bands).train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randint(0, 255, (2, bands, 64, 64), dtype=torch.uint8))
    judge = Judge(
        Predictor(TorchEngine(network.double()), tile=tile),
        build_head({"name": head}),
        ArgmaxDecision(smallest_regions=smallest),
    )
    return Segmenter(judge, ClassTable.from_names(NAMES), ImageReading(**reading), digest="random")
