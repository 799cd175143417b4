"""What every registered loss promises. A new loss is covered by adding its pins, worked out by hand."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import pytest
import torch

from rareseg.errors import ConfigError
from rareseg.losses.terms import LOSSES, build_loss, loss_summary

NAMES = ["background", "agglomeration", "cavity", "crack"]
PIXELS = [6400, 400, 16, 100]

# With four equal logits p is 1/4 everywhere. Focal with gamma 2: value 0.75**2 * ln 4, and its slope is that
# of cross-entropy times 0.75**2 + 2 * 0.75 * 0.25 * ln 4.
_FOCAL_SLOPE = 0.75**2 + 2 * 0.75 * 0.25 * math.log(4)
PINS: dict[str, dict[str, Any]] = {
    # Value of a batch of equal logits; gradient of a pixel's true class and of each other, times the pixels.
    "cross_entropy": {"value": math.log(4), "true": -0.75, "other": 0.25},
    "focal": {"value": 0.75**2 * math.log(4), "true": -0.75 * _FOCAL_SLOPE, "other": 0.25 * _FOCAL_SLOPE},
}


def variants() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in LOSSES:
        found.append({"name": name})
        if "weights" in LOSSES[name].settings.model_fields:
            found.append({"name": name, "weights": "iscf"})
    return found


@pytest.fixture(params=variants(), ids=loss_summary)
def loss(request: pytest.FixtureRequest) -> Any:
    return build_loss(request.param, class_pixels=PIXELS, class_names=NAMES)


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def dtype(request: pytest.FixtureRequest) -> Any:
    return request.param


def batch(*, dtype: torch.dtype = torch.float32, scale: float = 2.0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(11)
    logits = (scale * torch.randn(3, 4, 6, 5, generator=generator)).to(dtype).requires_grad_()
    target = torch.randint(0, 4, (3, 6, 5), generator=generator)
    target[torch.rand(3, 6, 5, generator=generator) < 0.2] = 255
    return logits, target


def value_and_gradient(
    loss: Any, logits: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    total = loss(logits, target).total
    (gradient,) = torch.autograd.grad(total, logits)
    return total.detach(), gradient


@pytest.mark.parametrize("name", list(LOSSES))
@pytest.mark.parametrize("case", ["class absent", "all background"])
def test_pins_of_value_and_gradient(name: str, case: str, dtype: torch.dtype) -> None:
    if name not in PINS:
        pytest.fail(f"work out value and gradient of '{name}' by hand and add them to PINS")
    target = torch.zeros(1, 2, 3, dtype=torch.long)
    if case == "class absent":  # crack, index 3, does not occur
        target = torch.tensor([[[0, 1, 2], [2, 1, 0]]])
    logits = torch.zeros(1, 4, 2, 3, dtype=dtype, requires_grad=True)
    loss = build_loss(name, class_pixels=PIXELS, class_names=NAMES)
    value, gradient = value_and_gradient(loss, logits, target)
    true = torch.nn.functional.one_hot(target, 4).movedim(-1, 1).bool()
    expected = torch.where(true, PINS[name]["true"] / 6, PINS[name]["other"] / 6)
    assert float(value) == pytest.approx(PINS[name]["value"], rel=1e-6)
    rtol = 1e-5 if dtype == torch.float32 else 2**-8
    torch.testing.assert_close(gradient.float(), expected, rtol=rtol, atol=0)


def test_all_ignored_gives_exactly_zero(loss: Any, dtype: torch.dtype) -> None:
    logits, target = batch(dtype=dtype)
    value, gradient = value_and_gradient(loss, logits, torch.full_like(target, 255))
    assert value == 0
    assert torch.count_nonzero(gradient) == 0
    assert not gradient.isnan().any()


def test_ignored_pixels_have_no_say(loss: Any, dtype: torch.dtype) -> None:
    logits, target = batch(dtype=dtype)
    value, gradient = value_and_gradient(loss, logits, target)
    ignored = (target == 255)[:, None].expand_as(logits)
    assert ignored.any()
    assert torch.count_nonzero(gradient[ignored]) == 0
    changed = torch.where(ignored, 7.0, logits.detach()).to(dtype).requires_grad_()
    assert torch.equal(value_and_gradient(loss, changed, target)[0], value)


def test_bfloat16_is_near_float32(loss: Any) -> None:
    logits, target = batch(dtype=torch.bfloat16)
    narrow, narrow_gradient = value_and_gradient(loss, logits, target)
    wide, wide_gradient = value_and_gradient(loss, logits.detach().float().requires_grad_(), target)
    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow, wide, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(narrow_gradient.float(), wide_gradient, rtol=2**-8, atol=1e-7)


def test_the_order_of_the_batch_does_not_matter(loss: Any) -> None:
    logits, target = batch()
    value, gradient = value_and_gradient(loss, logits, target)
    order = torch.tensor([2, 0, 1])
    moved, moved_gradient = value_and_gradient(loss, logits.detach()[order].requires_grad_(), target[order])
    torch.testing.assert_close(moved, value)
    torch.testing.assert_close(moved_gradient, gradient[order])


def test_turning_images_does_not_matter(loss: Any) -> None:
    logits, target = batch()
    value, gradient = value_and_gradient(loss, logits, target)
    turned = logits.detach().rot90(1, (2, 3)).requires_grad_()
    moved, moved_gradient = value_and_gradient(loss, turned, target.rot90(1, (1, 2)))
    torch.testing.assert_close(moved, value)
    torch.testing.assert_close(moved_gradient, gradient.rot90(1, (2, 3)))


def test_the_memory_layout_does_not_matter(loss: Any) -> None:
    logits, target = batch()
    strided = logits.detach().to(memory_format=torch.channels_last).requires_grad_()
    torch.testing.assert_close(
        value_and_gradient(loss, strided, target), value_and_gradient(loss, logits, target)
    )


@pytest.mark.parametrize("scale", [1e2, 1e4])
def test_extreme_logits_stay_finite(loss: Any, scale: float) -> None:
    value, gradient = value_and_gradient(loss, *batch(scale=scale))
    assert value.isfinite()
    assert gradient.isfinite().all()


def test_a_perfect_answer_costs_nothing(loss: Any) -> None:
    _, target = batch()
    true = torch.nn.functional.one_hot(target.where(target != 255, 0), 4).movedim(-1, 1)
    value, _ = value_and_gradient(loss, (60.0 * true).requires_grad_(), target)
    assert 0 <= value < 1e-6


def test_arguments_are_left_alone(loss: Any) -> None:
    logits, target = batch()
    before = logits.detach().clone(), target.clone()
    loss(logits, target)
    assert torch.equal(logits.detach(), before[0])
    assert torch.equal(target, before[1])


def test_tensors_are_buffers_and_nothing_is_trained(loss: Any) -> None:
    assert not list(loss.parameters())
    moved = loss.to(torch.float64)
    assert all(buffer.dtype == torch.float64 for buffer in moved.buffers())


TRACE = """
import json, sys, torch
from rareseg.losses.terms import build_loss

logits = torch.randn(3, 4, 6, 5, generator=torch.Generator().manual_seed(11)).requires_grad_()
target = torch.arange(90).reshape(3, 6, 5) % 4
target[:, 2] = 255
variants, pixels, names = json.loads(sys.argv[1])
for terms in variants:
    loss = build_loss(terms, class_pixels=pixels, class_names=names)
    values = [way(logits, target).total for way in (loss, torch.compile(loss, backend="eager", fullgraph=True))]
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(value, logits) for value in values))
    print(json.dumps(terms))
"""


def test_each_is_traced_whole() -> None:
    """No graph break, so that `torch.compile` can fuse it; the eager backend traces and compiles nothing.

    In a process of its own: torch cannot trace the check of shapes that stands around every function here.
    """
    arguments = json.dumps([variants(), PIXELS, NAMES])
    done = subprocess.run([sys.executable, "-c", TRACE, arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == variants()


@pytest.mark.parametrize("name", list(LOSSES))
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"there is no key 'scal'\. Did you mean 'scale'"):
        build_loss({"name": name, "scal": 2}, class_pixels=PIXELS, class_names=NAMES)


@pytest.mark.parametrize("name", list(LOSSES))
def test_scale_multiplies_value_and_gradient(name: str) -> None:
    logits, target = batch()
    once, gradient = value_and_gradient(
        build_loss(name, class_pixels=PIXELS, class_names=NAMES), logits, target
    )
    scaled = build_loss({"name": name, "scale": 4.0}, class_pixels=PIXELS, class_names=NAMES)
    four, four_gradient = value_and_gradient(scaled, logits, target)
    torch.testing.assert_close(four, 4 * once)
    torch.testing.assert_close(four_gradient, 4 * gradient)
