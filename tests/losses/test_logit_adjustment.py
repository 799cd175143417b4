"""Logit adjustment and balanced softmax against torch's cross-entropy and the paper's other form."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from rareseg.errors import ConfigError, DataError, OptionError
from rareseg.losses.balanced_softmax import balanced_softmax
from rareseg.losses.cross_entropy import cross_entropy
from rareseg.losses.logit_adjustment import logit_adjustment
from rareseg.losses.terms import build_loss

PIXELS = [900, 80, 20]
NAMES = ["background", "crack", "cavity"]


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(2, 3, 4, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 3, (2, 4, 5), generator=generator)
    target[0, 0] = 255
    return logits.requires_grad_(), target


@pytest.mark.parametrize("tau", [0.5, 1.0, 2.0])
def test_it_is_cross_entropy_of_shifted_logits(tau: float) -> None:
    logits, target = batch()
    shift = tau * torch.log(torch.tensor([0.9, 0.08, 0.02], dtype=torch.float64))
    expected = F.cross_entropy(logits + shift[:, None, None], target, ignore_index=255)
    value = logit_adjustment(logits, target, class_pixels=PIXELS, tau=tau)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, logits), torch.autograd.grad(expected, logits))


def test_pairs_need_a_margin_of_the_ratio_of_priors() -> None:
    """Equation 11 of the paper: log(1 + sum over others of prior' / prior * exp(z' - z))."""
    logits, target = batch()
    z, y = logits.detach()[1, :, 2, 3], int(target[1, 2, 3])
    ratios = torch.tensor(PIXELS, dtype=torch.float64) / PIXELS[y]
    others = [c for c in range(3) if c != y]
    expected = torch.log1p(sum(ratios[c] * torch.exp(z[c] - z[y]) for c in others))
    one = logit_adjustment(z.view(1, 3, 1, 1), torch.tensor([[[y]]]), class_pixels=PIXELS)
    torch.testing.assert_close(one, expected)


def test_weights_and_map() -> None:
    logits, target = batch()
    weight = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    shift = torch.log(torch.tensor([0.9, 0.08, 0.02], dtype=torch.float64))[:, None, None]
    for reduction in ("none", "weighted_mean", "mean"):
        torch.testing.assert_close(
            logit_adjustment(logits, target, class_pixels=PIXELS, weight=weight, reduction=reduction),
            cross_entropy(logits + shift, target, weight=weight, reduction=reduction),
        )


def test_equal_classes_are_not_adjusted() -> None:
    logits, target = batch()
    value = logit_adjustment(logits, target, class_pixels=[7, 7, 7], tau=3)
    torch.testing.assert_close(value, cross_entropy(logits, target))


def test_balanced_softmax_is_the_ratio_of_weighted_exponentials() -> None:
    logits, target = batch()
    odds = torch.tensor(PIXELS)[:, None, None] * logits.exp()
    probs = odds / odds.sum(dim=1, keepdim=True)
    valid = target != 255
    true_probs = probs.gather(1, target.where(valid, 0)[:, None])[:, 0][valid]
    value = balanced_softmax(logits, target, class_pixels=PIXELS)
    torch.testing.assert_close(value, -true_probs.log().mean())


def test_the_terms_take_priors_from_the_training_pixels() -> None:
    logits, target = batch()
    logits = logits.detach().float()
    for term, tau in (
        ("balanced_softmax", 1.0),
        ("logit_adjustment", 1.0),
        ({"name": "logit_adjustment", "tau": 2}, 2.0),
    ):
        loss = build_loss(term, class_pixels=PIXELS, class_names=NAMES)
        expected = logit_adjustment(logits, target, class_pixels=PIXELS, tau=tau)
        torch.testing.assert_close(loss(logits, target).total, expected)


def test_the_network_is_not_shifted() -> None:
    """Adding a constant to a class's logits undoes the adjustment, so the answer is the raw logits."""
    logits, target = batch()
    shift = torch.log(torch.tensor([0.9, 0.08, 0.02], dtype=torch.float64))[:, None, None]
    raised = logits.detach() - shift
    torch.testing.assert_close(
        logit_adjustment(raised, target, class_pixels=PIXELS), cross_entropy(logits.detach(), target)
    )
    # Where cross-entropy would settle on the priors, the raw logits are equal for all classes.
    expected = torch.zeros(1, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    truths = torch.tensor([0] * 90 + [1] * 8 + [2] * 2).view(1, 1, 100)
    logit_adjustment(expected.expand(1, 3, 1, 100), truths, class_pixels=PIXELS).backward()
    torch.testing.assert_close(expected.grad, torch.zeros_like(expected))


@pytest.mark.parametrize("name", ["logit_adjustment", "balanced_softmax"])
def test_a_class_without_training_pixels_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="class 'cavity' has none for training"):
        build_loss(name, class_pixels=[5, 5, 0], class_names=NAMES)


@pytest.mark.parametrize("name", ["logit_adjustment", "balanced_softmax"])
def test_options_of_weights_need_weights(name: str) -> None:
    with pytest.raises(OptionError, match="no effect with 'weights: none'"):
        build_loss({"name": name, "reduction": "weighted_mean"}, class_pixels=PIXELS, class_names=NAMES)


def test_refusals() -> None:
    logits, target = batch()
    with pytest.raises(ConfigError, match="tau above 0"):
        logit_adjustment(logits, target, class_pixels=PIXELS, tau=0)
    with pytest.raises(ConfigError, match="each of 3 classes, but got 2 counts"):
        logit_adjustment(logits, target, class_pixels=[1, 2])
    with pytest.raises(DataError, match="class 1 has none"):
        balanced_softmax(logits, target, class_pixels=[1, 0, 2])
