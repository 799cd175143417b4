"""Bundles of untrained networks, whose batch norms have statistics as after training; shared by tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import torch
from torch import nn

from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.export.parity import Parity
from rareseg.export.write_bundle import FORMATS, write_bundle
from rareseg.inference.blueprint import Blueprint, GateRule
from rareseg.models.network import Network

NAMES = ("background", "dent", "crack")
SMALL_UNET = {"name": "unet", "base_channels": 4, "depth": 2}


def make_blueprint(
    *,
    model: Mapping[str, Any] = SMALL_UNET,
    head: Mapping[str, Any] | None = None,
    decision: Mapping[str, Any] | None = None,
    bands: int = 1,
    gate: GateRule | None = None,
) -> Blueprint:
    """A segmenter of three classes for images of 8 bits."""
    return Blueprint(
        class_table=ClassTable.from_names(NAMES),
        reading=ImageReading(),
        model=model,
        head=head or {"name": "softmax"},
        decision=decision or {"name": "argmax"},
        mean=tuple(100.0 + 5 * band for band in range(bands)),
        std=tuple(20.0 + band for band in range(bands)),
        gate=gate,
    )


def make_network(blueprint: Blueprint) -> Network:
    """Random weights, and random statistics in every batch norm."""
    network = blueprint.build_network(seed=3)
    generator = torch.Generator().manual_seed(4)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low, high in (
                (module.running_mean, -0.3, 0.3),
                (module.running_var, 0.5, 2.0),
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.3, 0.3),
            ):
                tensor.copy_(low + (high - low) * torch.rand(tensor.shape, generator=generator))
    return network.eval()


def make_patches(bands: int) -> list[np.ndarray[Any, np.dtype[np.generic]]]:
    """Noise in bytes, of two sizes."""
    rng = np.random.default_rng(0)
    return [rng.integers(40, 200, (bands, *size), dtype=np.uint8) for size in ((64, 96), (33, 50))]


def make_bundle(
    folder: Path, blueprint: Blueprint, network: Network, *, formats: Sequence[str] = FORMATS
) -> dict[str, Parity]:
    """Write it, as `rareseg export` does."""
    jaxtyping.config.update("jaxtyping_disable", True)  # the exporter of torch traces the code
    try:
        return write_bundle(
            folder,
            blueprint,
            network,
            name="made by a test",
            formats=formats,
            patches=make_patches(len(blueprint.mean)),
            patches_from="noise",
            quality={},
            provenance={"seed": 3},
        )
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
