"""Cross-entropy against hand-worked numbers, torch, and a float64 reference written in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rareseg.errors import ConfigError
from rareseg.losses.cross_entropy import cross_entropy

WEIGHT = torch.tensor([0.1, 0.5, 3.0, 0.8])


def random_batch(
    *, dtype: torch.dtype = torch.float32, scale: float = 3.0
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    logits = (torch.randn(2, 4, 5, 6, generator=generator, dtype=torch.float64) * scale).to(dtype)
    target = torch.randint(0, 4, (2, 5, 6), generator=generator)
    target[torch.rand(2, 5, 6, generator=generator) < 0.3] = 255
    return logits.requires_grad_(), target


def reference(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> tuple[float, np.ndarray]:
    """Value and gradient by the definition, one pixel at a time, in float64."""
    z, t, w = logits.detach().double().numpy(), target.numpy(), weight.double().numpy()
    total, count, gradient = 0.0, int((t != 255).sum()), np.zeros_like(z)
    for b, row, col in np.argwhere(t != 255):
        p = np.exp(z[b, :, row, col]) / np.exp(z[b, :, row, col]).sum()
        true = t[b, row, col]
        total -= w[true] * np.log(p[true])
        gradient[b, :, row, col] = w[true] * (p - np.eye(len(p))[true]) / count
    return total / count, gradient


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_mean_divides_the_weighted_sum_by_the_valid_pixels(dtype: torch.dtype) -> None:
    logits, target = random_batch(dtype=dtype)
    value = cross_entropy(logits, target, weight=WEIGHT)
    value.backward()
    expected, gradient = reference(logits, target, WEIGHT)
    tolerance = 1e-5 if dtype == torch.float32 else 1e-7  # the weights themselves are float32
    assert float(value.detach()) == pytest.approx(expected, rel=tolerance)
    np.testing.assert_allclose(logits.grad, gradient, rtol=tolerance, atol=tolerance * 1e-2)
    assert value.dtype == dtype


def test_bfloat16_logits_are_computed_in_float32() -> None:
    logits, target = random_batch(dtype=torch.bfloat16)
    value = cross_entropy(logits, target, weight=WEIGHT)
    value.backward()
    expected, gradient = reference(logits, target, WEIGHT)  # of the rounded logits
    assert value.dtype == torch.float32
    assert float(value.detach()) == pytest.approx(expected, rel=1e-5)
    assert logits.grad is not None
    assert logits.grad.dtype == torch.bfloat16
    np.testing.assert_allclose(logits.grad.float(), gradient, rtol=2**-8, atol=1e-7)  # rounded once


@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_weighted_mean_is_what_torch_calls_mean(weight: torch.Tensor | None) -> None:
    logits, target = random_batch()
    ours = cross_entropy(logits, target, weight=weight, reduction="weighted_mean")
    theirs = F.cross_entropy(logits, target, weight, ignore_index=255)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(torch.autograd.grad(ours, logits), torch.autograd.grad(theirs, logits))


def test_none_is_the_map_that_torch_gives() -> None:
    logits, target = random_batch()
    ours = cross_entropy(logits, target, weight=WEIGHT, reduction="none")
    torch.testing.assert_close(
        ours, F.cross_entropy(logits, target, WEIGHT, ignore_index=255, reduction="none")
    )


def test_another_ignore_index_leaves_that_class_out() -> None:
    logits, target = random_batch()
    target = target.where(target != 255, 0)
    ours = cross_entropy(logits, target, weight=WEIGHT, ignore_index=2)
    moved = cross_entropy(logits, target.where(target != 2, 255), weight=WEIGHT)
    assert torch.equal(ours, moved)


def test_masks_of_bytes_are_taken_as_they_are() -> None:
    logits, target = random_batch()
    assert torch.equal(cross_entropy(logits, target.to(torch.uint8)), cross_entropy(logits, target))


def test_weighted_mean_over_classes_of_weight_zero_is_zero() -> None:
    logits = torch.randn(1, 2, 2, 2, requires_grad=True)
    target = torch.zeros(1, 2, 2, dtype=torch.long)
    value = cross_entropy(logits, target, weight=torch.tensor([0.0, 1.0]), reduction="weighted_mean")
    value.backward()
    assert value == 0
    assert not logits.grad.any()


@pytest.mark.usefixtures("shapes_unchecked")
def test_wrong_weights_and_reductions_are_refused() -> None:
    logits, target = random_batch()
    with pytest.raises(ConfigError, match=r"Expected one weight for each of 4 classes, but got \(3,\)"):
        cross_entropy(logits, target, weight=torch.ones(3))
    with pytest.raises(
        ConfigError, match="Expected reduction 'mean', 'weighted_mean' or 'none', but got 'sum'"
    ):
        cross_entropy(logits, target, reduction="sum")  # type: ignore[arg-type]
