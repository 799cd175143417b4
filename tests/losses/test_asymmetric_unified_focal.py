"""The asymmetric unified focal loss against the published algorithm, written class by class in float64."""

from __future__ import annotations

import pytest
import torch

from rareseg.errors import ConfigError
from rareseg.losses.asymmetric_unified_focal import asymmetric_unified_focal
from rareseg.losses.focal import focal
from rareseg.losses.terms import build_loss, loss_summary
from rareseg.losses.tversky import tversky


def published(
    probs: torch.Tensor, truth: torch.Tensor, *, weight: float, delta: float, gamma: float
) -> torch.Tensor:
    """Both parts over the pixels of `probs` and `truth` (classes, pixels), the first class the background."""
    cross_entropy = -truth * probs.log()
    background = (1 - delta) * (1 - probs[0]) ** gamma * cross_entropy[0]
    focal_part = (background + delta * cross_entropy[1:].sum(0)).mean()
    costs = []
    for index, (p, t) in enumerate(zip(probs, truth, strict=True)):
        found, missed, false = (t * p).sum(), (t * (1 - p)).sum(), ((1 - t) * p).sum()
        loss = 1 - found / (found + delta * missed + (1 - delta) * false)
        costs.append(loss if index == 0 else loss * loss**-gamma)
    return weight * torch.stack(costs).mean() + (1 - weight) * focal_part


def batch(num_classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, num_classes, 7, 6, generator=generator, dtype=torch.float64)
    target = torch.randint(0, num_classes, (2, 7, 6), generator=generator)
    target[torch.rand(2, 7, 6, generator=generator) < 0.2] = 255
    return logits.requires_grad_(), target


NUMBERS = [(0.5, 0.6, 0.5), (0.2, 0.7, 0.0), (1.0, 0.6, 0.75), (0.9, 0.3, 0.2)]


@pytest.mark.parametrize(("weight", "delta", "gamma"), NUMBERS)
@pytest.mark.parametrize("num_classes", [2, 4])
@pytest.mark.parametrize("reduction", ["batch", "image"])
def test_softmax_is_the_published_loss(
    num_classes: int, reduction: str, weight: float, delta: float, gamma: float
) -> None:
    logits, target = batch(num_classes)
    options = {"weight": weight, "delta": delta, "gamma": gamma}
    probs = logits.softmax(1).movedim(1, 0)
    valid = target != 255
    if reduction == "batch":
        parts = [(probs[:, valid], target[valid])]
    else:
        parts = [(probs[:, i, valid[i]], target[i, valid[i]]) for i in range(2)]
    tversky_only = {**options, "weight": 1.0}
    truths = [torch.nn.functional.one_hot(known, num_classes).T.double() for _, known in parts]
    overlap = torch.stack(
        [published(p, t, **tversky_only) for (p, _), t in zip(parts, truths, strict=True)]
    ).mean()
    everything = torch.nn.functional.one_hot(target[valid], num_classes).T.double()
    pixels = published(probs[:, valid], everything, **{**options, "weight": 0.0})
    expected = weight * overlap + (1 - weight) * pixels
    value = asymmetric_unified_focal(logits, target, reduction=reduction, **options)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, logits), torch.autograd.grad(expected, logits))


@pytest.mark.parametrize(("weight", "delta", "gamma"), NUMBERS)
def test_a_sigmoid_has_two_classes_in_each_channel(weight: float, delta: float, gamma: float) -> None:
    logits, target = batch(3)
    valid = target != 255
    expected = []
    for channel, index in enumerate((2, 0, 1)):
        p, t = logits[:, channel][valid].sigmoid(), (target[valid] == index).double()
        two = torch.stack([1 - p, p]), torch.stack([1 - t, t])
        expected.append(published(*two, weight=weight, delta=delta, gamma=gamma))
    value = asymmetric_unified_focal(
        logits,
        target,
        weight=weight,
        delta=delta,
        gamma=gamma,
        activation="sigmoid",
        positive_classes=(2, 0, 1),
    )
    torch.testing.assert_close(value, torch.stack(expected).mean())
    torch.testing.assert_close(
        torch.autograd.grad(value, logits), torch.autograd.grad(torch.stack(expected).mean(), logits)
    )


def test_of_background_alone_it_is_known_losses() -> None:
    logits, target = batch(3)
    target = torch.zeros_like(target)
    means = logits.softmax(1).mean((0, 2, 3))
    overlap = tversky(logits, target, fp_weight=0.4, fn_weight=0.6, channels=(0,)) + means[1:].sqrt().sum()
    expected = 0.5 * overlap / 3 + 0.5 * 0.4 * focal(logits, target, gamma=0.5)
    torch.testing.assert_close(asymmetric_unified_focal(logits, target), expected)


def test_one_pixel_by_hand() -> None:
    logits = torch.log(torch.tensor([0.5, 0.25, 0.25])).view(1, 3, 1, 1)
    # Background absent: 0.5. Class 1: 1 - 0.25 / (0.25 + 0.6 * 0.75) = 9 / 14. Class 2 absent: 0.25. The roots
    # of the last two are 0.80178 and 0.5. Focal: 0.6 * 1.38629.
    value = asymmetric_unified_focal(logits, torch.tensor([[[1]]]))
    assert float(value) == pytest.approx(0.5 * (0.5 + 0.80178 + 0.5) / 3 + 0.5 * 0.6 * 1.38629, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_narrow_logits_keep_the_float64_value(dtype: torch.dtype, activation: str) -> None:
    logits, target = batch(3)
    narrow = logits.detach().to(dtype)
    value = asymmetric_unified_focal(narrow, target, activation=activation)
    assert value.dtype == torch.float32
    wide = asymmetric_unified_focal(narrow.double(), target, activation=activation)
    assert float(value) == pytest.approx(float(wide), rel=1e-6)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_an_exact_answer_has_no_slope(activation: str) -> None:
    target = torch.tensor([[[0, 1, 2, 1]]])
    index = target if activation == "softmax" else target - 1
    hot = torch.stack([index == channel for channel in range(3 if activation == "softmax" else 2)], dim=1)
    logits = torch.where(hot, 500.0, -500.0).requires_grad_()
    value = asymmetric_unified_focal(logits, target, activation=activation)
    value.backward()
    assert value == 0
    assert not logits.grad.any()


@pytest.mark.parametrize(
    ("option", "number", "text"),
    [
        ("weight", 0.0, "'weight' above 0 and at most 1, but got 0.0"),
        ("weight", 1.5, "'weight' above 0 and at most 1, but got 1.5"),
        ("delta", 1.0, "'delta' between 0 and 1, but got 1.0"),
        ("delta", float("nan"), "'delta' between 0 and 1, but got nan"),
        ("gamma", 1.0, "'gamma' of at least 0 and below 1, but got 1.0"),
        ("gamma", -0.1, "'gamma' of at least 0 and below 1, but got -0.1"),
    ],
)
def test_numbers_out_of_range_are_refused(option: str, number: float, text: str) -> None:
    logits, target = batch(3)
    with pytest.raises(ConfigError, match=text):
        asymmetric_unified_focal(logits, target, **{option: number})
    with pytest.raises(ConfigError, match=rf"{option}: Input should be"):
        build_loss(
            {"name": "asymmetric_unified_focal", option: number},
            class_pixels=[3, 1],
            class_names=["background", "crack"],
        )


@pytest.mark.parametrize(("option", "given"), [("weights", "iscf"), ("classes", ["crack"])])
def test_options_of_other_losses_are_refused(option: str, given: object) -> None:
    with pytest.raises(ConfigError, match=f"no key '{option}'"):
        build_loss(
            {"name": "asymmetric_unified_focal", option: given},
            class_pixels=[3, 1],
            class_names=["background", "crack"],
        )


def test_the_built_term_does_what_the_function_does() -> None:
    logits, target = batch(2)
    options = {"weight": 0.3, "delta": 0.7, "gamma": 0.25, "reduction": "image"}
    terms = {"name": "asymmetric_unified_focal", **options}
    built = build_loss(terms, class_pixels=[3, 1], class_names=["background", "crack"])
    torch.testing.assert_close(
        built(logits, target).total, asymmetric_unified_focal(logits, target, **options)
    )
    assert loss_summary(terms) == "asymmetric unified focal weight=0.3 delta=0.7 gamma=0.25 by image"
