"""The shared pass against the same written with torch's own functions and automatic gradients."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F

from rareseg.losses.softmax_pass import softmax_pass


def batch(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(4)
    logits = 3 * torch.randn(2, 4, 3, 5, generator=generator, dtype=dtype)
    target = torch.randint(0, 4, (2, 3, 5), generator=generator)
    return logits.requires_grad_(), target, torch.rand(2, 3, 5, generator=generator) < 0.7


def plainly(logits: torch.Tensor, target: torch.Tensor, valid: torch.Tensor) -> list[torch.Tensor]:
    truth = F.one_hot(target, 4).movedim(-1, 1)
    probs = logits.softmax(1) * valid[:, None]
    nll = F.cross_entropy(logits, target, reduction="none") * valid
    return [nll, probs, (probs * truth).sum((2, 3)), probs.sum((2, 3))]


@pytest.mark.parametrize("some_ignored", [False, True])
@pytest.mark.parametrize(
    "used", [use for num in range(1, 5) for use in itertools.combinations(range(4), num)], ids=str
)
def test_values_and_gradients_of_every_combination(used: tuple[int, ...], some_ignored: bool) -> None:
    logits, target, valid = batch()
    given = valid if some_ignored else None
    ours = softmax_pass(logits, target, given, regions=True)
    theirs = plainly(logits, target, valid if some_ignored else torch.ones_like(valid))
    slopes = [torch.randn_like(value) for value in theirs]
    gradients = []
    for values in (ours, theirs):
        total = sum((values[index] * slopes[index]).sum() for index in used)
        gradients.append(torch.autograd.grad(total, logits)[0])
    torch.testing.assert_close(list(ours), theirs)
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize("offset", [0.0, 100.0, 3e4])
@pytest.mark.parametrize("margin", [0.0, 5.0, 20.0, 200.0])
def test_cross_entropy_keeps_its_digits(margin: float, offset: float) -> None:
    logits = torch.tensor([offset + margin, offset]).view(1, 2, 1, 1).expand(1, 2, 1, 2).contiguous()
    target = torch.tensor([[[0, 1]]])
    nll = softmax_pass(logits, target, None, regions=False).nll
    exact = F.cross_entropy(logits.double(), target, reduction="none")
    torch.testing.assert_close(nll.double(), exact, rtol=1e-6, atol=6e-8)


def test_sums_of_a_large_image_are_exact_to_float32() -> None:
    logits = torch.full((1, 2, 1500, 1500), 0.0)
    logits[:, 1] = -1e-3
    target = torch.zeros(1, 1500, 1500, dtype=torch.long)
    values = softmax_pass(logits, target, None, regions=True)
    assert values.intersection is not None
    expected = 1500**2 / (1 + torch.exp(torch.tensor(-1e-3, dtype=torch.float64)))
    torch.testing.assert_close(values.intersection[0, 0].double(), expected, rtol=2e-7, atol=0)


def test_not_a_number_stays_one() -> None:
    logits, target, _ = batch(torch.float32)
    broken = logits.detach().clone()
    broken[0, 1, 0, 0] = float("nan")
    assert softmax_pass(broken, target, None, regions=False).nll[0, 0, 0].isnan()
