from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rareseg.errors import DataError
from rareseg.models.network import Network


class Copy(nn.Module):
    """Returns what it is given, so that the padding and normalisation show."""

    def __init__(self, bands: int, stride: int) -> None:
        super().__init__()
        self.in_channels = self.num_classes = bands
        self.stride, self.receptive_radius = stride, 0
        self.seen: torch.Tensor | None = None

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen = image
        return image


@pytest.mark.parametrize(
    "dtype",
    [torch.uint8, torch.uint16, torch.int16, torch.int32, torch.float16, torch.float32, torch.float64],
)
def test_any_type_is_normalised_in_float32(dtype: torch.dtype) -> None:
    network = Network(Copy(2, 1), mean=[10.0, 20.0], std=[2.0, 5.0])
    raw = torch.tensor([[[[8, 12]], [[20, 25]]]]).to(dtype)
    out = network(raw)
    assert out.dtype == torch.float32
    assert out.tolist() == [[[[-1.0, 1.0]], [[0.0, 1.0]]]]


def test_missing_values_become_the_mean() -> None:
    network = Network(Copy(1, 1), mean=[10.0], std=[2.0])
    raw = torch.tensor([float("nan"), float("inf"), -float("inf"), 12.0]).view(1, 1, 1, 4)
    assert network(raw).flatten().tolist() == [0.0, 0.0, 0.0, 1.0]


def test_a_constant_band_is_shifted_only() -> None:
    network = Network(Copy(1, 1), mean=[255.0], std=[0.0])
    assert network(torch.full((1, 1, 2, 2), 255, dtype=torch.uint8)).count_nonzero() == 0


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), stride=st.sampled_from([1, 2, 4, 16, 32]))
def test_padding_is_numpys_symmetric_padding(height: int, width: int, stride: int) -> None:
    core = Copy(1, stride)
    raw = torch.arange(height * width, dtype=torch.float32).view(1, 1, height, width)
    out = Network(core, mean=[0.0], std=[1.0])(raw)
    assert torch.equal(out, raw)
    below, right = -height % stride, -width % stride
    expected = np.pad(raw[0, 0].numpy(), ((0, below), (0, right)), mode="symmetric")
    assert core.seen is not None
    np.testing.assert_array_equal(core.seen[0, 0].numpy(), expected)


def test_sizes_that_fit_are_not_padded() -> None:
    core = Copy(1, 16)
    Network(core, mean=[0.0], std=[1.0])(torch.zeros(1, 1, 32, 48))
    assert core.seen is not None
    assert core.seen.shape == (1, 1, 32, 48)


def test_mistakes() -> None:
    with pytest.raises(
        DataError, match="Expected a mean and a deviation for each of 2 bands, but got 1 and 2"
    ):
        Network(Copy(2, 1), mean=[0.0], std=[1.0, 1.0])
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(DataError, match="Expected finite means and deviations of at least 0"):
            Network(Copy(1, 1), mean=[0.0], std=[wrong])
    with pytest.raises(DataError, match="Expected images of 1 bands, but got 3"):
        Network(Copy(1, 1), mean=[0.0], std=[1.0])(torch.zeros(1, 3, 4, 4))
