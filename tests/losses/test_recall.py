"""Recall loss against rates counted by hand and a plain loop."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rareseg.errors import ConfigError
from rareseg.losses.cross_entropy import cross_entropy
from rareseg.losses.recall import recall


def by_hand(logits: torch.Tensor, target: torch.Tensor, *, smooth: float) -> float:
    scores, truth = logits.detach().double().numpy(), target.numpy()
    missed, pixels = np.zeros(scores.shape[1]), np.zeros(scores.shape[1])
    places = [place for place in np.ndindex(truth.shape) if truth[place] != 255]
    for b, row, col in places:
        own = truth[b, row, col]
        others = np.delete(scores[b, :, row, col], own)
        pixels[own] += 1
        missed[own] += scores[b, own, row, col] <= others.max()
    total = 0.0
    for b, row, col in places:
        z, own = scores[b, :, row, col], truth[b, row, col]
        rate = (missed[own] + smooth) / (pixels[own] + smooth)
        total += rate * (np.log(np.exp(z).sum()) - z[own])
    return total / len(places)


@pytest.mark.parametrize("smooth", [0.0, 1.0, 10.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_value_is_that_of_a_plain_loop(smooth: float, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(2, 4, 6, 5, generator=generator).to(dtype)
    target = torch.randint(0, 3, (2, 6, 5), generator=generator)  # class 3 is absent
    target[0, :2] = 255
    value = recall(logits, target, smooth=smooth)
    assert float(value) == pytest.approx(by_hand(logits, target, smooth=smooth), rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("true", "rates"),
    [([0, 0, 0, 0], [1 / 4, 0, 0]), ([0, 0, 1, 1], [1 / 2, 1 / 2, 0])],
    ids=["all background", "class absent"],
)
def test_value_and_gradient_by_hand(true: list[int], rates: list[float], dtype: torch.dtype) -> None:
    scores = [[2.0, 0.0, 1.0], [-1.0, 1.0, 0.0], [2.0, 0.0, 1.0], [3.0, 4.0, -1.0]]  # of class 0, 1 and 2
    if true[3] == 0:
        scores[3] = [4.0, 3.0, -1.0]
    total, expected = 0.0, torch.zeros(4, 3)
    for pixel, own in enumerate(true):
        odds = [math.exp(z) for z in scores[pixel]]
        total += rates[own] * math.log(sum(odds) / odds[own])
        for channel in range(3):
            expected[pixel, channel] = rates[own] * (odds[channel] / sum(odds) - (channel == own)) / 4
    logits = torch.tensor(scores, dtype=dtype).T.reshape(1, 3, 1, 4).contiguous().requires_grad_()
    value = recall(logits, torch.tensor([[true]]), smooth=0)
    value.backward()
    assert float(value.detach()) == pytest.approx(total / 4, rel=1e-6)
    rtol = 1e-5 if dtype == torch.float32 else 2**-8
    torch.testing.assert_close(logits.grad[0, :, 0].T.float(), expected, rtol=rtol, atol=1e-8)
    assert (logits.grad[0, 2] > 0).all()  # class 2 occurs nowhere and is pushed down


def test_a_class_that_is_found_has_no_say_without_smoothing() -> None:
    logits = torch.tensor([[3.0, 2.0, 0.0], [0.0, 0.0, 1.0]]).reshape(1, 2, 1, 3).requires_grad_()
    recall(logits, torch.tensor([[[0, 0, 0]]]), smooth=0).backward()
    assert (logits.grad != 0).all()  # one of three is missed: all pixels of the class are pushed by a third
    logits.grad = None
    recall(logits, torch.tensor([[[0, 0, 1]]]), smooth=0).backward()
    assert not logits.grad.any()


def test_the_rate_carries_no_gradient() -> None:
    logits = torch.tensor([[1.0, -1.0, 0.5], [0.0, 0.0, 0.0]]).reshape(1, 2, 1, 3).requires_grad_()
    target = torch.tensor([[[0, 0, 1]]])  # class 0: one of two missed; class 1: one of one
    value = recall(logits, target, smooth=0)
    plain = cross_entropy(logits, target, weight=torch.tensor([0.5, 1.0]))
    torch.testing.assert_close(value, plain)
    torch.testing.assert_close(torch.autograd.grad(value, logits), torch.autograd.grad(plain, logits))


def test_a_sigmoid_channel_has_a_rate_of_each_side() -> None:
    # Positives: one of two missed. Negatives: one of three missed. The last pixel is ignored.
    logits = torch.tensor([2.0, -1.0, -3.0, 1.0, -2.0, 9.0]).view(1, 1, 1, 6).requires_grad_()
    target = torch.tensor([[[1, 1, 0, 0, 0, 255]]])
    value = recall(logits, target, smooth=0, activation="sigmoid")
    losses = [math.log1p(math.exp(-sign * z)) for z, sign in ((2, 1), (-1, 1), (-3, -1), (1, -1), (-2, -1))]
    expected = (0.5 * sum(losses[:2]) + sum(losses[2:]) / 3) / 5
    assert float(value.detach()) == pytest.approx(expected, rel=1e-6)


def test_two_classes_of_a_softmax_are_one_channel_of_a_sigmoid() -> None:
    generator = torch.Generator().manual_seed(4)
    margin = torch.randn(2, 1, 5, 5, generator=generator)
    target = torch.randint(0, 2, (2, 5, 5), generator=generator)
    pair = torch.cat([torch.zeros_like(margin), margin], dim=1)
    torch.testing.assert_close(recall(pair, target), recall(margin, target, activation="sigmoid"))


def test_it_is_cross_entropy_where_all_is_missed() -> None:
    logits = torch.zeros(1, 3, 4, 4)
    target = torch.arange(16).view(1, 4, 4) % 3
    torch.testing.assert_close(recall(logits, target), F.cross_entropy(logits, target))


def test_negative_smoothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="'smooth' of at least 0"):
        recall(torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, dtype=torch.long), smooth=-1)
