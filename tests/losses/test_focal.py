"""Focal loss against a float64 reference in numpy, differentiated by central differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rareseg.errors import ConfigError
from rareseg.losses.cross_entropy import cross_entropy
from rareseg.losses.focal import focal
from rareseg.losses.terms import build_loss

WEIGHT = np.array([0.2, 1.0, 2.5])
TARGET = np.array([[[0, 2], [255, 0]]])


def reference(z: np.ndarray, gamma: float) -> float:
    """Equation 3.8, averaged over the three pixels that count."""
    total = 0.0
    for row, col in ((0, 0), (0, 1), (1, 1)):
        scores = z[0, :, row, col]
        true = TARGET[0, row, col]
        p = np.exp(scores[true]) / np.exp(scores).sum()
        total += WEIGHT[true] * (1 - p) ** gamma * -np.log(p)
    return total / 3


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 1.7, 2.0, 5.0])
def test_value_and_gradient(gamma: float) -> None:
    z = np.random.default_rng(3).normal(size=(1, 3, 2, 2)) * 2
    logits = torch.tensor(z, requires_grad=True)
    value = focal(logits, torch.tensor(TARGET), gamma=gamma, weight=torch.tensor(WEIGHT))
    value.backward()
    assert float(value.detach()) == pytest.approx(reference(z, gamma), rel=1e-10)
    for position in np.ndindex(z.shape):
        step = np.zeros_like(z)
        step[position] = 1e-5
        slope = (reference(z + step, gamma) - reference(z - step, gamma)) / 2e-5
        assert float(logits.grad[position]) == pytest.approx(slope, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_narrow_logits_keep_the_float64_value(dtype: torch.dtype, gamma: float) -> None:
    logits = torch.randn(1, 3, 2, 2, generator=torch.Generator().manual_seed(1)).to(dtype)
    value = focal(logits, torch.tensor(TARGET), gamma=gamma, weight=torch.tensor(WEIGHT))
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(reference(logits.double().numpy(), gamma), rel=1e-5)


def test_gamma_zero_is_cross_entropy_to_the_bit() -> None:
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    target = torch.randint(0, 3, (2, 4, 4))
    ours, plain = focal(logits, target, gamma=0.0), cross_entropy(logits, target)
    assert torch.equal(ours, plain)
    assert torch.equal(torch.autograd.grad(ours, logits)[0], torch.autograd.grad(plain, logits)[0])


@pytest.mark.parametrize("gamma", [0.1, 0.5, 0.999, 1.0, 1.5, 2.0, 30.0])
@pytest.mark.parametrize("margin", [5.0, 15.0, 17.0, 40.0, 1e4])
def test_certain_pixels_give_no_nan(gamma: float, margin: float) -> None:
    logits = torch.tensor([margin, 0.0]).view(1, 2, 1, 1).requires_grad_()
    for true in (0, 1):
        (gradient,) = torch.autograd.grad(focal(logits, torch.tensor([[[true]]]), gamma=gamma), logits)
        assert gradient.isfinite().all()
    certain = focal(logits, torch.tensor([[[0]]]), gamma=gamma)
    assert 0 <= certain < 0.01


def test_a_pixel_of_probability_one_has_zero_gradient() -> None:
    logits = torch.tensor([100.0, 0.0]).view(1, 2, 1, 1).requires_grad_()
    value = focal(logits, torch.tensor([[[0]]]), gamma=0.5)
    value.backward()
    assert value == 0
    assert not logits.grad.any()


@pytest.mark.parametrize("gamma", [-1.0, float("nan")])
def test_gamma_below_zero_is_refused(gamma: float) -> None:
    with pytest.raises(ConfigError, match="Expected gamma of at least 0, but got"):
        focal(torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, dtype=torch.long), gamma=gamma)


def test_excluded_classes_count_as_little_as_ignored_pixels() -> None:
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(2, 3, 4, 4, generator=generator, requires_grad=True)
    target = torch.randint(0, 3, (2, 4, 4), generator=generator)
    target[0, 0] = 255
    names = ["background", "cavity", "crack"]
    for options in (
        {},
        {"weights": [1.0, 2.0, 5.0]},
        {"weights": [1.0, 2.0, 5.0], "reduction": "weighted_mean"},
    ):
        plain = {"name": "focal", **options}
        without = build_loss({**plain, "exclude": ["background"]}, class_pixels=[90, 5, 5], class_names=names)
        ours = without(logits, target).total
        masked = build_loss(plain, class_pixels=[90, 5, 5], class_names=names)(
            logits, target.where(target != 0, 255)
        )
        torch.testing.assert_close(ours, masked.total)
        torch.testing.assert_close(
            torch.autograd.grad(ours, logits), torch.autograd.grad(masked.total, logits)
        )
    value = without(logits, torch.zeros_like(target)).total
    assert value == 0


def test_excluding_every_class_or_an_unknown_one_is_refused() -> None:
    for exclude, text in ((["crack", "background"], "names every class"), (["crak"], "Did you mean 'crack'")):
        with pytest.raises(ConfigError, match=text):
            build_loss(
                {"name": "focal", "exclude": exclude},
                class_pixels=[1, 1],
                class_names=["background", "crack"],
            )
