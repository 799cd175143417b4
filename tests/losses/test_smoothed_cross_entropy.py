"""Label smoothing against torch's own."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from rareseg.errors import ConfigError
from rareseg.losses.smoothed_cross_entropy import smoothed_cross_entropy

WEIGHT = torch.tensor([0.2, 1.0, 2.0, 4.0], dtype=torch.float64)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(6)
    logits = 3 * torch.randn(2, 4, 5, 6, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 4, (2, 5, 6), generator=generator)
    target[torch.rand(2, 5, 6, generator=generator) < 0.3] = 255
    return logits.requires_grad_(), target


@pytest.mark.parametrize("smoothing", [0.05, 0.1, 0.9])
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_it_is_torchs_label_smoothing(smoothing: float, weight: torch.Tensor | None) -> None:
    logits, target = batch()
    options = {"weight": weight, "ignore_index": 255, "label_smoothing": smoothing}
    value = smoothed_cross_entropy(
        logits, target, smoothing=smoothing, weight=weight, reduction="weighted_mean"
    )
    expected = F.cross_entropy(logits, target, **options)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, logits), torch.autograd.grad(expected, logits))
    values = F.cross_entropy(logits, target, reduction="none", **options)
    torch.testing.assert_close(
        smoothed_cross_entropy(logits, target, smoothing=smoothing, weight=weight, reduction="none"), values
    )
    torch.testing.assert_close(
        smoothed_cross_entropy(logits, target, smoothing=smoothing, weight=weight),
        values.sum() / (target != 255).sum(),
    )


def test_a_sigmoid_is_binary_cross_entropy_of_soft_targets() -> None:
    logits, target = batch()
    logits = logits.detach()[:, 1:].requires_grad_()
    truth = torch.stack([target == index for index in (1, 2, 3)], dim=1).double()
    valid = (target != 255)[:, None].expand_as(logits)
    soft = 0.8 * truth + 0.1
    pairs = torch.tensor([[1.0, 3.0], [0.5, 1.0], [1.0, 1.0]], dtype=torch.float64)
    negative, positive = pairs[:, :, None, None].unbind(dim=1)
    weighted = -positive * soft * F.logsigmoid(logits) - negative * (1 - soft) * F.logsigmoid(-logits)
    value = smoothed_cross_entropy(logits, target, smoothing=0.2, weight=pairs, activation="sigmoid")
    torch.testing.assert_close(value, weighted[valid].mean())
    plain = smoothed_cross_entropy(logits, target, smoothing=0.2, activation="sigmoid")
    torch.testing.assert_close(plain, F.binary_cross_entropy_with_logits(logits[valid], soft[valid]))


def test_two_classes_of_a_softmax_are_one_channel_of_a_sigmoid() -> None:
    logits, target = batch()
    margin = (logits[:, :1] - logits[:, 1:2]).detach()
    target = target.where(target == 255, target % 2)
    pair = torch.cat([torch.zeros_like(margin), margin], dim=1)
    torch.testing.assert_close(
        smoothed_cross_entropy(pair, target), smoothed_cross_entropy(margin, target, activation="sigmoid")
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_logits_keep_the_float64_value(dtype: torch.dtype) -> None:
    logits, target = batch()
    narrow = logits.detach().to(dtype)
    value = smoothed_cross_entropy(narrow, target, weight=WEIGHT)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(
        float(smoothed_cross_entropy(narrow.double(), target, weight=WEIGHT)), rel=1e-6
    )


def test_the_least_value_is_the_entropy_of_the_smoothed_truth() -> None:
    soft = torch.tensor([0.925, 0.025, 0.025, 0.025], dtype=torch.float64)
    logits = soft.log().view(1, 4, 1, 1).requires_grad_()
    value = smoothed_cross_entropy(logits, torch.tensor([[[0]]]), smoothing=0.1)
    value.backward()
    assert float(value.detach()) == pytest.approx(
        -0.925 * math.log(0.925) - 0.075 * math.log(0.025), rel=1e-12
    )
    torch.testing.assert_close(logits.grad, torch.zeros_like(logits))


@pytest.mark.parametrize("smoothing", [0.0, 1.0, -0.1])
def test_no_smoothing_is_refused(smoothing: float) -> None:
    with pytest.raises(ConfigError, match="smoothing between 0 and 1"):
        smoothed_cross_entropy(
            torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, dtype=torch.long), smoothing=smoothing
        )


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_batch_of_classes_without_weight_gives_zero(activation: str) -> None:
    """Other classes' shares of the truth still cost something, which no sum of weights could divide."""
    logits = torch.zeros(1, 2, 3, 3, requires_grad=True)
    weight = torch.tensor([0.0, 1.0]) if activation == "softmax" else torch.tensor([[0.0, 1.0], [0.0, 1.0]])
    value = smoothed_cross_entropy(
        logits,
        torch.zeros(1, 3, 3, dtype=torch.long),
        weight=weight,
        reduction="weighted_mean",
        activation=activation,
    )
    value.backward()
    assert value == 0
    assert not logits.grad.any()


@pytest.mark.parametrize(("activation", "shape"), [("softmax", r"\(2,\)"), ("sigmoid", r"\(2, 2\)")])
def test_weights_of_another_shape_are_refused(activation: str, shape: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"weights of the shape {shape}, but got \(1,\)\. Give one a class"
    ):
        smoothed_cross_entropy(
            torch.zeros(1, 2, 1, 1),
            torch.zeros(1, 1, 1, dtype=torch.long),
            weight=torch.ones(1),
            activation=activation,
        )
