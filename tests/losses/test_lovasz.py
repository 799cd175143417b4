"""The Lovász losses against algorithm 1 of the paper, step by step in float64."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from rareseg.errors import ConfigError
from rareseg.losses.lovasz import lovasz
from rareseg.losses.lovasz_slopes import lovasz_slopes


def by_the_paper(errors: list[float], truth: list[bool]) -> float:
    """Sum of sorted errors times the growth of the Jaccard loss when the pixel becomes wrong as well."""
    order = sorted(range(len(errors)), key=lambda place: -errors[place])
    wrong: set[int] = set()
    positives = {place for place, true in enumerate(truth) if true}
    total, before = 0.0, 0.0
    for place in order:
        wrong.add(place)
        loss = 1 - len(positives - wrong) / len(positives | wrong)
        total += errors[place] * (loss - before)
        before = loss
    return total


def batch(*, seed: int = 0, channels: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(3, channels, 7, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 3, (3, 7, 5), generator=generator)  # class 3 is absent
    target[0][target[0] == 2] = 1  # class 2 is absent from the first image
    target[torch.rand(3, 7, 5, generator=generator) < 0.25] = 255
    return logits.requires_grad_(), target


def expected(
    errors: torch.Tensor, truth: torch.Tensor, valid: torch.Tensor, *, absent: str, by_image: bool
) -> float:
    regions = [[image] for image in range(3)] if by_image else [[0, 1, 2]]
    means = []
    for images in regions:
        losses = []
        for channel in range(errors.shape[1]):
            e, t = (torch.cat([part[i, channel][valid[i]] for i in images]) for part in (errors, truth))
            if absent == "largest" or t.any():
                losses.append(by_the_paper(e.tolist(), t.tolist()))
        means.append(sum(losses) / len(losses))
    return sum(means) / len(means)


@pytest.mark.parametrize("reduction", ["batch", "image"])
@pytest.mark.parametrize("absent", ["skip", "largest"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_softmax(reduction: str, absent: str, dtype: torch.dtype) -> None:
    logits, target = batch()
    logits = logits.detach().to(dtype)
    truth = torch.stack([target == index for index in range(4)], dim=1)
    errors = (truth.double() - logits.double().softmax(1)).abs()
    value = lovasz(logits, target, reduction=reduction, absent=absent)
    paper = expected(errors, truth, target != 255, absent=absent, by_image=reduction == "image")
    assert float(value) == pytest.approx(paper, rel=1e-12 if dtype == torch.float64 else 1e-6)
    usual = lovasz(logits, target, reduction=reduction)
    assert torch.equal(usual, value) == (absent == "skip")


@pytest.mark.parametrize("reduction", ["batch", "image"])
@pytest.mark.parametrize("absent", ["skip", "largest"])
def test_hinge(reduction: str, absent: str) -> None:
    logits, target = batch(channels=3)
    truth = torch.stack([target == index for index in (1, 2, 3)], dim=1)
    errors = (1 - logits.detach() * (2 * truth.double() - 1)).clamp_min(0)
    value = lovasz(logits, target, reduction=reduction, absent=absent, activation="sigmoid")
    paper = expected(errors, truth, target != 255, absent=absent, by_image=reduction == "image")
    assert float(value.detach()) == pytest.approx(paper, rel=1e-12)
    usual = lovasz(logits, target, reduction=reduction, activation="sigmoid")
    assert torch.equal(usual, value) == (absent == "largest")


def test_some_channels() -> None:
    logits, target = batch()
    apart = [lovasz(logits, target, channels=(channel,)) for channel in (0, 2)]
    torch.testing.assert_close(lovasz(logits, target, channels=(0, 2)), sum(apart) / 2)


def test_whole_pixels_cost_their_jaccard_loss() -> None:
    target = torch.tensor([[[0, 0, 0, 1, 1, 1, 1]]])
    answer = torch.tensor([[[0, 0, 1, 1, 1, 0, 0]]])  # class 0: 2 of 5 in common, class 1: 2 of 5
    logits = 400.0 * torch.nn.functional.one_hot(answer, 2).movedim(-1, 1).float()
    assert float(lovasz(logits, target)) == pytest.approx((3 / 5 + 3 / 5) / 2, rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("largest", [1.0, 3e38])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_slopes_are_differences_of_jaccard_losses(dtype: torch.dtype, largest: float, share: float) -> None:
    generator = torch.Generator().manual_seed(1)
    errors = torch.rand(3, 400, generator=generator).mul(largest).to(dtype)
    truth = torch.rand(3, 400, generator=generator) < share
    for row, true, slopes in zip(errors, truth, lovasz_slopes(errors, truth), strict=True):
        order = row.argsort(descending=True)
        hits = true[order].double().cumsum(0)
        others = (~true[order]).double().cumsum(0)
        losses = [0.0, *(1 - (true.sum() - hits) / (true.sum() + others)).tolist()]
        growth = torch.tensor([after - before for before, after in pairwise(losses)])
        torch.testing.assert_close(slopes[order], growth.to(dtype), rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_ways_of_the_host_and_of_a_device_agree(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler, like a device, sorts all rows whole; the host picks what can have a slope of its own."""
    generator = torch.Generator().manual_seed(3)
    truth = torch.rand(4, 3000, generator=generator) < torch.tensor([[0.0], [0.01], [0.5], [1.0]])
    errors = (truth.double() - torch.rand(4, 3000, generator=generator).double() ** 8).abs().to(dtype)
    picked = lovasz_slopes(errors, truth)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(picked, lovasz_slopes(errors, truth))


def test_no_noise_in_large_regions() -> None:
    """Differences of losses would have three right digits here."""
    errors = torch.linspace(1, 0, 2**20)[None]
    truth = torch.zeros(1, 2**20, dtype=torch.bool)
    truth[0, -1] = True  # one pixel, all others are worse: slopes 1 / (n (n + 1))
    slopes = lovasz_slopes(errors, truth)[0, :-1].double()
    n = torch.arange(1, 2**20, dtype=torch.float64)
    torch.testing.assert_close(slopes, 1 / (n * (n + 1)), rtol=1e-6, atol=0)


def test_true_pixels_come_first_among_equal_errors() -> None:
    errors = torch.full((1, 4), 0.5)
    slopes = lovasz_slopes(errors, torch.tensor([[False, True, False, True]]))
    torch.testing.assert_close(slopes, torch.tensor([[0.0, 0.5, 0.0, 0.5]]))


def test_largest_errors_share_the_slope_of_an_absent_class() -> None:
    errors = torch.tensor([[0.25, 0.75, 0.75, 0.5]])
    slopes = lovasz_slopes(errors, torch.zeros(1, 4, dtype=torch.bool))
    torch.testing.assert_close(slopes, torch.tensor([[0.0, 0.5, 0.5, 0.0]]))


def test_refusals() -> None:
    logits, target = batch()
    with pytest.raises(ConfigError, match="reduction 'batch' or 'image', but got 'mean'"):
        lovasz(logits, target, reduction="mean")
    with pytest.raises(ConfigError, match="absent 'skip' or 'largest', but got 'zero'"):
        lovasz(logits, target, absent="zero")
