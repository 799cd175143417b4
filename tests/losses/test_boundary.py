"""The boundary loss against distances from a search over all pairs of pixels."""

from __future__ import annotations

import math

import pytest
import torch

from rareseg.errors import ConfigError
from rareseg.losses.boundary import boundary
from rareseg.losses.terms import build_loss


def search(truth: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Signed distances of one map, pixel by pixel."""
    found = torch.zeros(truth.shape, dtype=torch.float64)
    sides = {side: torch.nonzero((truth == side) & valid).tolist() for side in (True, False)}
    if all(sides.values()):
        for side, pixels in sides.items():
            for pixel in pixels:
                nearest = min(math.dist(pixel, other) for other in sides[not side])
                found[tuple(pixel)] = (0.5 - nearest) if side else (nearest - 0.5)
    return found


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(3, 4, 9, 7, generator=generator, dtype=torch.float64)
    target = torch.zeros(3, 9, 7, dtype=torch.long)
    target[0, 2:6, 1:4] = 1  # class 3 is absent everywhere
    target[0, 7, :] = 2
    target[1, :3, 4:] = 2
    target[1, 5, 5] = 1
    target[2] = 2  # and this image is filled by one class
    target[0, 4:, 3] = 255
    target[1, 4, 4:] = 255
    return logits.requires_grad_(), target


def test_a_crack_of_one_pixel_is_not_free() -> None:
    logits = torch.full((1, 2, 3, 5), 0.0)
    logits[:, 0] = 500.0  # all background
    target = torch.zeros(1, 3, 5, dtype=torch.long)
    target[:, 1] = 1
    assert float(boundary(logits, target, channels=(1,))) == pytest.approx(5 * 0.5 / 15)


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("reduction", ["batch", "image"])
@pytest.mark.parametrize("channels", [None, (2, 1)])
def test_value_and_gradient_are_those_of_distance_times_error(
    activation: str, reduction: str, channels: tuple[int, ...] | None
) -> None:
    logits, target = batch()
    probs = logits.softmax(1) if activation == "softmax" else logits.sigmoid()
    first = 0 if activation == "softmax" else 1
    valid = target != 255
    means, costs = [], []
    for image in range(3):
        cost = logits.new_zeros(())
        chosen = channels or (0, 1, 2, 3)
        for channel in chosen:
            truth = target[image] == channel + first
            distance = search(truth & valid[image], valid[image])
            cost = cost + (distance * (probs[image, channel] - truth.double()))[valid[image]].sum()
        costs.append(cost)
        means.append(cost / (valid[image].sum() * len(chosen)))
    total = torch.stack(costs).sum() / (valid.sum() * len(chosen))
    expected = total if reduction == "batch" else torch.stack(means).mean()
    value = boundary(logits, target, activation=activation, reduction=reduction, channels=channels)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(torch.autograd.grad(value, logits), torch.autograd.grad(expected, logits))


def test_a_class_without_boundary_adds_nothing() -> None:
    logits, target = batch()
    absent = boundary(logits, target, channels=(3,))
    filled = boundary(logits[2:], target[2:])
    for value in (absent, filled):
        (gradient,) = torch.autograd.grad(value, logits)
        assert value == 0
        assert not gradient.any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_narrow_logits_keep_the_float64_value(dtype: torch.dtype) -> None:
    logits, target = batch()
    narrow = logits.detach().to(dtype)
    value = boundary(narrow, target)
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(float(boundary(narrow.double(), target)), rel=1e-6)


def test_a_pixel_ignored_in_one_channel_hides_its_boundary_there() -> None:
    logits = torch.zeros(1, 2, 1, 3, requires_grad=True)
    maps = torch.tensor([[[[1, 255, 0]], [[1, 1, 0]]]])
    boundary(logits, maps, activation="sigmoid").backward()
    # Channel 0: both known pixels are two apart, so 1.5; channel 1: 1.5, 0.5 and 0.5. p (1 - p) = 1/4, 5 pixels.
    expected = torch.tensor([[[[-1.5, 0.0, 1.5]], [[-1.5, -0.5, 0.5]]]]) / 20
    torch.testing.assert_close(logits.grad, expected)


def test_options_that_it_has_not_are_refused() -> None:
    logits, target = batch()
    with pytest.raises(ConfigError, match="Expected reduction 'batch' or 'image', but got 'mean'"):
        boundary(logits, target, reduction="mean")  # type: ignore[arg-type]  # the mistake
    with pytest.raises(ConfigError, match="no key 'weights'"):
        build_loss({"name": "boundary", "weights": "icf"}, class_pixels=[3, 1], class_names=["a", "b"])
