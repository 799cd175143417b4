"""Which program runs a bundle."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from rareseg.errors import OptionError, UnknownNameError
from rareseg.export import backends
from rareseg.export.backends import fastest, possible_backends


class Clock:
    """Stands still, but for those who push it on."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@dataclass
class Slow:
    """An engine that takes some seconds at each call, one after the other, the last for all that follow."""

    clock: Clock
    seconds: list[float]
    sizes: list[tuple[int, ...]] = field(default_factory=list)
    in_channels: int = 2
    stride: int = 16
    receptive_radius: int | None = 4
    mean: tuple[float, ...] = (5.0, 6.0)
    std: tuple[float, ...] = (1.0, 1.0)

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        self.sizes.append(tuple(batch.shape))
        self.clock.now += self.seconds[min(len(self.sizes), len(self.seconds)) - 1]
        return torch.zeros(1)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(backends, "time", clock)
    return clock


def test_the_median_decides_and_the_first_call_does_not_count(clock: Clock) -> None:
    engines = {
        "torch": Slow(clock, [0.1, 3.0]),
        "onnxruntime": Slow(clock, [60.0, 2.0, 9.0, 2.0]),
        "openvino": Slow(clock, [0.1, 1.0, 4.0, 4.0]),
    }
    name, engine = fastest({key: lambda key=key: engines[key] for key in engines}, tile=1000)
    assert (name, engine) == ("onnxruntime", engines["onnxruntime"])
    assert engine.sizes == [(1, 2, 512, 512)] * 4


def test_small_tiles_are_timed_as_they_are(clock: Clock) -> None:
    engines = {key: Slow(clock, [1.0]) for key in ("torch", "openvino")}
    fastest({key: lambda key=key: engines[key] for key in engines}, tile=40)
    assert set(engines["torch"].sizes) == {(1, 2, 32, 32)}


def test_a_single_one_is_not_timed(clock: Clock) -> None:
    alone = Slow(clock, [1.0])
    assert fastest({"torch": lambda: alone}, tile=64) == ("torch", alone)
    assert not alone.sizes


def test_possible_ones() -> None:
    assert possible_backends({"safetensors"}, "auto") == {"torch": "safetensors"}
    every = possible_backends({"safetensors", "onnx", "openvino"}, "auto")
    assert every == {"torch": "safetensors", "onnxruntime": "onnx", "openvino": "openvino"}
    assert possible_backends({"onnx"}, "auto") == {"onnxruntime": "onnx", "openvino": "onnx"}
    with pytest.raises(OptionError, match="holds onnx, which torch cannot run"):
        possible_backends({"onnx"}, "torch")
    with pytest.raises(UnknownNameError, match="no backend named 'tensorrt'"):
        possible_backends({"onnx"}, "tensorrt")
