"""A model that applies its own softmax or sigmoid is told of, once; one that gives logits is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from rareseg.config.load import Settings
from rareseg.config.study import load_study_settings
from rareseg.models.registry import MODELS, ModelBuilder
from rareseg.models.unet import UNet
from rareseg.study.progress import Progress
from rareseg.study.run_study import run_study
from rareseg.training.activated_outputs import looks_activated
from tiny import make_tiny_dataset, make_tiny_study


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_probabilities_are_told_from_logits(dtype: torch.dtype) -> None:
    logits = torch.randn(3, 4, 9, 7, generator=torch.Generator().manual_seed(0)) * 3
    assert looks_activated(logits.softmax(1).to(dtype), "softmax")
    assert looks_activated(logits.sigmoid().to(dtype), "sigmoid")
    assert not looks_activated(logits.to(dtype), "softmax")
    assert not looks_activated(logits.to(dtype), "sigmoid")
    # Sigmoids in front of a softmax are not its probabilities; small logits of one sign are not either.
    assert not looks_activated(logits.sigmoid().to(dtype), "softmax")
    assert not looks_activated((logits.abs() / 100).to(dtype), "softmax")


def test_a_last_layer_that_starts_at_zero_tells_nothing() -> None:
    assert not looks_activated(torch.zeros(1, 2, 4, 4), "sigmoid")
    assert not looks_activated(torch.full((1, 2, 4, 4), 0.5), "softmax")


class _NoSettings(Settings):
    name: str


class _Activated(nn.Module):
    """A user's model that ends in an activation."""

    def __init__(self, bands: int, outputs: int, activation: str) -> None:
        super().__init__()
        self.core = UNet(bands, outputs, base_channels=2, depth=1)
        self.in_channels, self.num_classes = bands, outputs
        self.stride, self.receptive_radius = self.core.stride, self.core.receptive_radius
        self.activation = activation

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.core(image)
        return logits.sigmoid() if self.activation == "sigmoid" else logits.softmax(1)


class _Notes(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_model_with_an_activation_is_told_of_once(
    activation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: dict[str, Any] = {
        **{name: MODELS[name] for name in MODELS},
        "own": ModelBuilder(_NoSettings, lambda s, b, k: _Activated(b, k, activation)),
    }
    monkeypatch.setattr(MODELS, "_entries", entries)
    study = make_tiny_study(
        tmp_path,
        make_tiny_dataset(tmp_path / "data"),
        base={"head": activation, "model": {"name": "unet", "base_channels": 2, "depth": 1}},
        strategies={"plain": {}, "activated": {"model": "own"}},
        budget={"steps": 3, "batch_size": 2, "patch_size": 32},
        record={"validate_every": 3},
        evaluate=["val"],
    )
    progress = _Notes()
    run_study(load_study_settings(study), tmp_path / "runs", device="cpu", progress=progress)
    (told,) = [note for note in progress.notes if "look like probabilities" in note]
    assert "activated seed 0" in told
    assert f"apply the {activation} themselves, so it is applied twice; take it out of the model" in told
