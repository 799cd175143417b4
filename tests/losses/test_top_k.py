"""The hardest pixels against torch's own top-k and a plain loop."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from rareseg.errors import ConfigError, OptionError
from rareseg.losses.terms import build_loss
from rareseg.losses.top_k import top_k


def batch(*, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 4, 8, 6, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 4, (2, 8, 6), generator=generator)
    target[torch.rand(2, 8, 6, generator=generator) < 0.3] = 255
    return logits.requires_grad_(), target


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.9])
def test_a_share_is_torchs_top_k(share: float) -> None:
    logits, target = batch()
    losses = F.cross_entropy(logits, target, ignore_index=255, reduction="none").flatten()
    num = max(round(share * int((target != 255).sum())), 1)
    expected = losses.topk(num).values.mean()
    value = top_k(logits, target, share=share)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, logits), torch.autograd.grad(expected, logits))


@pytest.mark.parametrize(
    ("threshold", "min_kept"), [(0.3, None), (0.01, 7), (0.3, 7), (None, 7), (None, 9999)]
)
def test_threshold_and_least_number(threshold: float | None, min_kept: int | None) -> None:
    logits, target = batch()
    losses = F.cross_entropy(logits, target, reduction="none", ignore_index=255)[target != 255]
    hardest = sorted(losses.tolist(), reverse=True)
    likely = sum(math.exp(-loss) < (threshold or 0) for loss in hardest)
    kept = hardest[: max(likely, min_kept or 0)]
    value = top_k(logits, target, share=0, threshold=threshold, min_kept=min_kept)
    assert float(value.detach()) == pytest.approx(sum(kept) / len(kept), rel=1e-12)


def test_the_larger_number_wins() -> None:
    logits, target = batch()
    assert torch.equal(top_k(logits, target, share=0.5, threshold=0.01), top_k(logits, target, share=0.5))
    many = top_k(logits, target, share=0.1, threshold=0.4)
    assert torch.equal(many, top_k(logits, target, share=0, threshold=0.4))


def test_no_pixel_below_the_threshold_gives_zero() -> None:
    logits = torch.tensor([5.0, 0.0]).view(1, 2, 1, 1).requires_grad_()
    value = top_k(logits, torch.tensor([[[0]]]), share=0, threshold=0.5)
    value.backward()
    assert value == 0
    assert not logits.grad.any()


def test_ties_share_the_last_places() -> None:
    odds = torch.tensor([[0.1, 0.9], [0.5, 0.5], [0.5, 0.5], [0.9, 0.1]])  # the last is the easiest
    logits = odds.log().T.reshape(1, 2, 1, 4).requires_grad_()
    value = top_k(logits, torch.zeros(1, 1, 4, dtype=torch.long), share=0.5)
    value.backward()
    assert float(value.detach()) == pytest.approx((-math.log(0.1) - math.log(0.5)) / 2, rel=1e-6)
    # Half a place each: (p - 1) / 2 for the first, half of that factor for both in the middle.
    expected = torch.tensor([-0.9 / 2, -0.5 / 4, -0.5 / 4, 0.0])
    torch.testing.assert_close(logits.grad[0, 0, 0], expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("true", [[0, 0, 0, 0], [0, 1, 0, 1]], ids=["all background", "class absent"])
def test_only_the_hardest_are_pushed(true: list[int], dtype: torch.dtype) -> None:
    scores = [[2.0, 0.0, 1.0], [-1.0, 1.0, 0.0], [0.0, 2.0, 1.0], [3.0, 0.0, -1.0]]  # of class 0, 1 and 2
    probs = [[math.exp(z) / sum(map(math.exp, pixel)) for z in pixel] for pixel in scores]
    hardest = [1, 2] if true[1] == 0 else [2, 3]
    expected = torch.zeros(4, 3)
    for pixel in hardest:
        for channel in range(3):
            expected[pixel, channel] = (probs[pixel][channel] - (channel == true[pixel])) / 2
    logits = torch.tensor(scores, dtype=dtype).T.reshape(1, 3, 1, 4).contiguous().requires_grad_()
    value = top_k(logits, torch.tensor([[true]]), share=0.5)
    value.backward()
    losses = [-math.log(probs[pixel][true[pixel]]) for pixel in range(4)]
    assert sorted(range(4), key=losses.__getitem__)[2:] in (hardest, hardest[::-1])
    assert float(value.detach()) == pytest.approx(sum(losses[pixel] for pixel in hardest) / 2, rel=1e-6)
    rtol = 1e-5 if dtype == torch.float32 else 2**-8
    torch.testing.assert_close(logits.grad[0, :, 0].T.float(), expected, rtol=rtol, atol=1e-8)
    assert (logits.grad[0, 2, 0, hardest] > 0).all()  # class 2 occurs nowhere and is pushed down


@pytest.mark.parametrize(("num", "kept"), [(2, 1), (10, 2), (14, 4), (30, 8)])  # 0.5, 2.5, 3.5 and 7.5 pixels
def test_halves_round_to_the_even_number(num: int, kept: int) -> None:
    logits = torch.zeros(1, 2, 1, num, requires_grad=True)
    with torch.no_grad():
        logits[0, 0, 0] = torch.arange(num) / 8
    top_k(logits, torch.zeros(1, 1, num, dtype=torch.long), share=0.25).backward()
    assert torch.count_nonzero(logits.grad[0, 0]) == kept


def test_many_certain_pixels_do_not_dilute_the_mean() -> None:
    logits = torch.zeros(1, 2, 1, 100)
    logits[0, 0, 0, 1:] = 200.0  # 99 pixels cost exactly 0 and tie for the other 24 places
    value = top_k(logits, torch.zeros(1, 1, 100, dtype=torch.long), share=0.25)
    assert float(value) == pytest.approx(math.log(2) / 25, rel=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "weighted_mean"])
def test_weights_weigh_what_is_kept(reduction: str) -> None:
    logits, target = batch()
    weight = torch.tensor([0.1, 1.0, 2.0, 5.0], dtype=torch.float64)
    valid = target != 255
    losses = F.cross_entropy(logits, target, ignore_index=255, reduction="none")[valid]
    values, places = losses.topk(round(0.25 * int(valid.sum())))
    weights = weight[target[valid][places]]
    expected = (values * weights).sum() / (weights.sum() if reduction == "weighted_mean" else len(values))
    value = top_k(logits, target, weight=weight, reduction=reduction)
    torch.testing.assert_close(value, expected)


def test_sigmoid_pools_the_channels() -> None:
    logits, target = batch()
    logits = logits.detach()[:, 1:].requires_grad_()
    valid = (target != 255)[:, None].expand_as(logits)
    truth = torch.stack([target == index for index in (1, 2, 3)], dim=1).double()
    losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")[valid]
    expected = losses.topk(round(0.25 * len(losses))).values.mean()
    value = top_k(logits, target, activation="sigmoid")
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, logits), torch.autograd.grad(expected, logits))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_logits_keep_the_float64_value(dtype: torch.dtype) -> None:
    logits, target = batch()
    narrow = logits.detach().to(dtype)
    value = top_k(narrow, target)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(float(top_k(narrow.double(), target)), rel=1e-6)


def test_refusals() -> None:
    logits, target = batch()
    with pytest.raises(ConfigError, match="share of at least 0 and below 1"):
        top_k(logits, target, share=1)
    with pytest.raises(ConfigError, match="'threshold' between 0 and 1"):
        top_k(logits, target, threshold=1.5)
    with pytest.raises(ConfigError, match="'min_kept' of at least 1"):
        top_k(logits, target, min_kept=0)
    with pytest.raises(OptionError, match="keeps no pixel"):
        top_k(logits, target, share=0)
    with pytest.raises(OptionError, match="keeps no pixel"):
        build_loss({"name": "top_k", "share": 0}, class_pixels=[3, 1], class_names=["background", "crack"])
