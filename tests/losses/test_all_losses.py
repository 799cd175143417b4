"""What every registered loss promises, with a softmax and with a sigmoid.

A new loss is covered by adding its pins, worked out by hand; what it cannot promise is named in `EXEMPT`.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from rareseg.errors import ConfigError, OptionError
from rareseg.losses.terms import LOSSES, Loss, build_loss, loss_summary

NAMES = ["background", "agglomeration", "cavity", "crack"]
PIXELS = [6400, 400, 16, 100]
CHANNELS = {"softmax": 4, "sigmoid": 3}

# Loss and test to the reason why the loss cannot keep that promise. The test must then fail.
EXEMPT: dict[tuple[str, str], str] = {
    (
        "smoothed_cross_entropy",
        "test_a_perfect_answer_costs_nothing",
    ): "no answer is right for a smoothed truth",
    (
        "boundary",
        "test_a_pixel_may_be_ignored_in_one_channel_only",
    ): "a class that fills the patch has no boundary",
}

# The pins are for equal logits (of a softmax p is 1/4, of a sigmoid 1/2) and these six pixels.
TARGETS = {
    "class absent": torch.tensor([[[0, 1, 2], [2, 1, 0]]]),  # crack, index 3, does not occur
    "all background": torch.zeros(1, 2, 3, dtype=torch.long),
}
Pin = tuple[float, torch.Tensor]


def truth_of(target: torch.Tensor, activation: str) -> torch.Tensor:
    """One channel a class, or a class of interest: 1 where a pixel belongs to it."""
    hot = torch.nn.functional.one_hot(target.where(target != 255, 0), 4).movedim(-1, 1)
    return hot if activation == "softmax" else hot[:, 1:] * (target != 255)[:, None]


def of_pixels(activation: str, value: float, slope: float) -> dict[str, Pin]:
    """Pins of a mean of functions of cross-entropy: their value, and their slope in it, alike for all pixels.

    The slope of cross-entropy in the logits is p - 1 for the truth and p for the rest.
    """
    p, num = (1 / 4, 6) if activation == "softmax" else (1 / 2, 18)
    return {
        case: (value, slope * (p - truth_of(target, activation)) / num) for case, target in TARGETS.items()
    }


def of_priors() -> dict[str, Pin]:
    """Pins of cross-entropy of adjusted logits, whose softmax is each class's share of the training pixels."""
    p = torch.tensor(PIXELS, dtype=torch.float64)[:, None, None] / sum(PIXELS)
    pins = {}
    for case, target in TARGETS.items():
        truth = truth_of(target, "softmax")
        pins[case] = (-float((truth * p.log()).sum()) / 6, (p - truth) / 6)
    return pins


def of_regions(activation: str, **cases: Sequence[tuple[float, float, float]]) -> dict[str, Pin]:
    """Pins of a mean over channels of functions of the sums of probability over regions.

    Each channel gives its value, its slope ``a`` in the sum over all pixels and its slope ``b`` in the sum over
    its own pixels. A probability's slope is then g = a, or a + b at its own pixels, and a logit's is
    p (g - sum of p g) for a softmax and p (1 - p) g for a sigmoid.
    """
    pins = {}
    for case, channels in cases.items():
        values, a, b = (torch.tensor(part, dtype=torch.float64) for part in zip(*channels, strict=True))
        truth = truth_of(TARGETS[case.replace("_", " ")], activation)
        g = (a[:, None, None] + b[:, None, None] * truth) / len(channels)
        slope = (g - g.mean(dim=1, keepdim=True)) / 4 if activation == "softmax" else g / 4
        pins[case.replace("_", " ")] = (float(values.mean()), slope)
    return pins


# A class without a true pixel costs its mean probability, whose slope is one over the six pixels.
ABSENT, ABSENT_SIGMOID = (1 / 4, 1 / 6, 0.0), (1 / 2, 1 / 6, 0.0)
# Softmax: the sums are P = 3/2, and T = 2 and I = 1/2 for a class that occurs, T = 6 and I = 3/2 for one that
# fills the patch. Sigmoid: P = 3, and T = 2 and I = 1 for a class that occurs.
ALL_ABSENT = [ABSENT_SIGMOID] * 3
FOCAL = 0.75**2 + 2 * 0.75 * 0.25 * math.log(4)
FOCAL_SIGMOID = 0.5**2 + 2 * 0.5 * 0.5 * math.log(2)


def of_unified_focal(activation: str, **cases: Sequence[tuple[float, float, float]]) -> dict[str, Pin]:
    """Pins of the mean of a loss of regions, as above, and of the asymmetric focal loss of pixels."""
    p, num = (1 / 4, 6) if activation == "softmax" else (1 / 2, 18)
    nll, miss = -math.log(p), 1 - p
    damped = 0.4 * miss**0.5 * nll, 0.4 * (miss**0.5 + 0.5 * miss**-0.5 * p * nll)
    pins = {}
    for case, (region, region_slope) in of_regions(activation, **cases).items():
        truth = truth_of(TARGETS[case], activation)
        rare = (TARGETS[case] != 0)[:, None].double() if activation == "softmax" else truth.double()
        focal = float((rare * 0.6 * nll + (1 - rare) * damped[0]).mean())
        slopes = rare * 0.6 + (1 - rare) * damped[1]
        pins[case] = (region + focal) / 2, (region_slope + slopes * (p - truth) / num) / 2
    return pins


def _powered(pin: tuple[float, float, float], exponent: float = 0.75) -> tuple[float, float, float]:
    """The pin of a function to a power."""
    value, a, b = pin
    factor = exponent * value ** (exponent - 1)
    return value**exponent, factor * a, factor * b


def _mean(*pins: tuple[float, float, float]) -> tuple[float, float, float]:
    """The pin of a mean of functions."""
    value, a, b = (sum(part) / len(pins) for part in zip(*pins, strict=True))
    return value, a, b


# 0.4 P + 0.6 T below the line, softmax: 1.8 and 4.2, sigmoid: 2.4. The pixels outside a class of a sigmoid have
# P = 3, T = 4 and I = 2 (3.6 below the line), or T = 6 and I = 3 where it is absent (4.8); their slopes a and b
# are -a - b and b in terms of the class.
UNIFIED = {
    "occurs": (13 / 18, 5 / 81, -5 / 9),
    "fills": (9 / 14, 5 / 147, -5 / 21),
    "occurs, sigmoid": (7 / 12, 5 / 72, -5 / 12),
    "outside, sigmoid": (4 / 9, 5 / 18 - 5 / 81, -5 / 18),
    "all outside, sigmoid": (3 / 8, 5 / 24 - 5 / 96, -5 / 24),
}
TVERSKY = {  # 0.3 P + 0.7 T below the line: 1.85, 4.65 and 2.3
    "occurs": (27 / 37, 60 / 1369, -20 / 37),
    "fills": (21 / 31, 20 / 961, -20 / 93),
    "occurs, sigmoid": (13 / 23, 30 / 529, -10 / 23),
}
PINS: dict[str, dict[str, dict[str, Pin]]] = {
    "asymmetric_unified_focal": {
        "softmax": of_unified_focal(
            "softmax",
            class_absent=[
                UNIFIED["occurs"],
                *[_powered(UNIFIED["occurs"], 0.5)] * 2,
                _powered(ABSENT, 0.5),
            ],
            all_background=[UNIFIED["fills"]] + [_powered(ABSENT, 0.5)] * 3,
        ),
        "sigmoid": of_unified_focal(
            "sigmoid",
            class_absent=[_mean(_powered(UNIFIED["occurs, sigmoid"], 0.5), UNIFIED["outside, sigmoid"])] * 2
            + [_mean(_powered(ABSENT_SIGMOID, 0.5), UNIFIED["all outside, sigmoid"])],
            all_background=[_mean(_powered(ABSENT_SIGMOID, 0.5), UNIFIED["all outside, sigmoid"])] * 3,
        ),
    },
    "balanced_softmax": {"softmax": of_priors()},
    "cross_entropy": {
        "softmax": of_pixels("softmax", math.log(4), 1),
        "sigmoid": of_pixels("sigmoid", math.log(2), 1),
    },
    "focal": {
        "softmax": of_pixels("softmax", 0.75**2 * math.log(4), FOCAL),
        "sigmoid": of_pixels("sigmoid", 0.5**2 * math.log(2), FOCAL_SIGMOID),
    },
    "logit_adjustment": {"softmax": of_priors()},
    # Softmax: true pixels have the largest errors, 3/4, and share the slope 1; the mean is over the classes that
    # occur, 3 of 4 or 1 of 4. Sigmoid: all errors are 1, and so is their slope in the logit; a probability's is 4
    # times that. True pixels come first and share the slope 1; of an absent class all share it.
    "lovasz": {
        "softmax": of_regions(
            "softmax",
            class_absent=[(4 / 3 * 3 / 4, 0.0, -4 / 3 / 2)] * 3 + [(0.0, 0.0, 0.0)],
            all_background=[(4 * 3 / 4, 0.0, -4 / 6)] + [(0.0, 0.0, 0.0)] * 3,
        ),
        "sigmoid": of_regions(
            "sigmoid",
            class_absent=[(1.0, 0.0, -4 / 2)] * 2 + [(1.0, 4 / 6, 0.0)],
            all_background=[(1.0, 4 / 6, 0.0)] * 3,
        ),
    },
    "recall": {  # every pixel is missed, so that every class has the weight 1
        "softmax": of_pixels("softmax", math.log(4), 1),
        "sigmoid": of_pixels("sigmoid", math.log(2), 1),
    },
    "smoothed_cross_entropy": {  # the slope is p minus 0.9 for the truth and 0.1 / 4 (sigmoid: / 2) for each
        "softmax": of_pixels("softmax", math.log(4), 0.9),
        "sigmoid": of_pixels("sigmoid", math.log(2), 0.9),
    },
    "top_k": {  # all pixels tie and share the places
        "softmax": of_pixels("softmax", math.log(4), 1),
        "sigmoid": of_pixels("sigmoid", math.log(2), 1),
    },
    # Every pixel is half a pixel from the boundary of each class that occurs: 1/2 * 3/4 for both true pixels and
    # 1/2 * 1/4 for the four others, over six; sigmoid: 1/2 * 1/2. The slope is 1/2 / 6 outside, minus that inside.
    "boundary": {
        "softmax": of_regions(
            "softmax",
            class_absent=[(5 / 24, 1 / 12, -1 / 6)] * 3 + [(0.0, 0.0, 0.0)],
            all_background=[(0.0, 0.0, 0.0)] * 4,
        ),
        "sigmoid": of_regions(
            "sigmoid",
            class_absent=[(1 / 4, 1 / 12, -1 / 6)] * 2 + [(0.0, 0.0, 0.0)],
            all_background=[(0.0, 0.0, 0.0)] * 3,
        ),
    },
    "dice": {
        "softmax": of_regions(
            "softmax",
            class_absent=[(5 / 7, 4 / 49, -4 / 7)] * 3 + [ABSENT],
            all_background=[(3 / 5, 4 / 75, -4 / 15)] + [ABSENT] * 3,
        ),
        "sigmoid": of_regions(
            "sigmoid",
            class_absent=[(3 / 5, 2 / 25, -2 / 5)] * 2 + [ABSENT_SIGMOID],
            all_background=ALL_ABSENT,
        ),
    },
    "generalised_dice": {  # one ratio: 2 * 3/2 over 12, where all weights are 1; its slopes times the channels
        "softmax": of_regions(
            "softmax",
            class_absent=[(3 / 4, 1 / 12, -2 / 3)] * 4,
            all_background=[(3 / 4, 1 / 12, -2 / 3)] * 4,
        ),
        "sigmoid": of_regions(
            "sigmoid", class_absent=[(9 / 13, 12 / 169, -6 / 13)] * 3, all_background=ALL_ABSENT
        ),
    },
    "jaccard": {
        "softmax": of_regions(
            "softmax",
            class_absent=[(5 / 6, 1 / 18, -7 / 18)] * 3 + [ABSENT],
            all_background=[(3 / 4, 1 / 24, -5 / 24)] + [ABSENT] * 3,
        ),
        "sigmoid": of_regions(
            "sigmoid",
            class_absent=[(3 / 4, 1 / 16, -5 / 16)] * 2 + [ABSENT_SIGMOID],
            all_background=ALL_ABSENT,
        ),
    },
    "tversky": {
        "softmax": of_regions(
            "softmax",
            class_absent=[TVERSKY["occurs"]] * 3 + [ABSENT],
            all_background=[TVERSKY["fills"]] + [ABSENT] * 3,
        ),
        "sigmoid": of_regions(
            "sigmoid",
            class_absent=[TVERSKY["occurs, sigmoid"]] * 2 + [ABSENT_SIGMOID],
            all_background=ALL_ABSENT,
        ),
    },
    "focal_tversky": {
        "softmax": of_regions(
            "softmax",
            class_absent=[_powered(TVERSKY["occurs"])] * 3 + [_powered(ABSENT)],
            all_background=[_powered(TVERSKY["fills"])] + [_powered(ABSENT)] * 3,
        ),
        "sigmoid": of_regions(
            "sigmoid",
            class_absent=[_powered(TVERSKY["occurs, sigmoid"])] * 2 + [_powered(ABSENT_SIGMOID)],
            all_background=[_powered(ABSENT_SIGMOID)] * 3,
        ),
    },
    # 0.8 times Jaccard and 0.2 times that of everything else, whose union is 6 - I: 5/11 with slopes 2/11 and
    # -34/121 (sigmoid: 3/5, 1/5, -7/25). Of a class that fills the patch nothing else is left: 3/4, -1/6, 0.
    "class_aware_jaccard": {
        "softmax": of_regions(
            "softmax",
            class_absent=[
                (
                    0.8 * 5 / 6 + 0.2 * 5 / 11,
                    0.8 * 1 / 18 + 0.2 * 2 / 11,
                    -0.8 * 7 / 18 - 0.2 * 34 / 121,
                )
            ]
            * 3
            + [ABSENT],
            all_background=[(3 / 4, 0.8 * 1 / 24 - 0.2 * 1 / 6, -0.8 * 5 / 24)] + [ABSENT] * 3,
        ),
        "sigmoid": of_regions(
            "sigmoid", class_absent=[(0.72, 0.09, -0.306)] * 2 + [ABSENT_SIGMOID], all_background=ALL_ABSENT
        ),
    },
}


def variants() -> list[tuple[str, dict[str, Any]]]:
    """Activation and options: every loss by itself, with weights, by image and smoothed, as far as it can."""
    found: list[tuple[str, dict[str, Any]]] = []
    for name in LOSSES:
        fields = LOSSES[name].settings.model_fields
        options: list[dict[str, Any]] = [{}]
        if "weights" in fields:
            options.append({"weights": "iscf"})
        if "classes" in fields:
            options.append({"classes": ["crack", "cavity"], "reduction": "image"})
        if "smooth" in fields:
            options.append({"smooth": 2.0})
        for activation in PINS.get(name, {}):
            found += [(activation, {"name": name, **more}) for more in options]
    return found


@pytest.fixture(params=variants(), ids=lambda variant: f"{variant[0]}: {loss_summary(variant[1])}")
def loss(request: pytest.FixtureRequest) -> Loss:
    return make(request)


@pytest.fixture(
    params=[variant for variant in variants() if variant[0] == "sigmoid"],
    ids=lambda variant: loss_summary(variant[1]),
)
def sigmoid_loss(request: pytest.FixtureRequest) -> Loss:
    return make(request)


def make(request: pytest.FixtureRequest) -> Loss:
    activation, term = request.param
    reason = EXEMPT.get((term["name"], request.node.originalname))
    if reason is not None:
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return build_loss(term, class_pixels=PIXELS, class_names=NAMES, activation=activation)


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def dtype(request: pytest.FixtureRequest) -> Any:
    return request.param


def batch(
    loss: Loss, *, dtype: torch.dtype = torch.float32, scale: float = 2.0
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(11)
    logits = scale * torch.randn(3, CHANNELS[loss.activation], 6, 5, generator=generator)
    target = torch.randint(0, 4, (3, 6, 5), generator=generator)
    target[torch.rand(3, 6, 5, generator=generator) < 0.2] = 255
    return logits.to(dtype).requires_grad_(), target


def value_and_gradient(
    loss: Any, logits: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    total = loss(logits, target).total
    (gradient,) = torch.autograd.grad(total, logits)
    return total.detach(), gradient


@pytest.mark.parametrize(
    ("name", "activation"), [(name, a) for name in LOSSES for a in PINS.get(name, {None: {}})]
)
@pytest.mark.parametrize("case", TARGETS)
def test_pins_of_value_and_gradient(name: str, case: str, activation: str, dtype: torch.dtype) -> None:
    if name not in PINS:
        pytest.fail(f"work out value and gradient of '{name}' by hand and add them to PINS")
    loss = build_loss(name, class_pixels=PIXELS, class_names=NAMES, activation=activation)
    logits = torch.zeros(1, CHANNELS[activation], 2, 3, dtype=dtype, requires_grad=True)
    value, gradient = value_and_gradient(loss, logits, TARGETS[case])
    expected_value, expected = PINS[name][activation][case]
    assert float(value) == pytest.approx(expected_value, rel=1e-6)
    rtol = 1e-5 if dtype == torch.float32 else 2**-8
    torch.testing.assert_close(gradient.float(), expected.float(), rtol=rtol, atol=1e-8)


@pytest.mark.parametrize("name", list(LOSSES))
def test_an_activation_without_pins_is_refused(name: str) -> None:
    for activation in CHANNELS.keys() - PINS[name].keys():
        with pytest.raises(OptionError, match=rf"but the head is a {activation}\. [A-Z]"):
            build_loss(name, class_pixels=PIXELS, class_names=NAMES, activation=activation)


def test_all_ignored_gives_exactly_zero(loss: Loss, dtype: torch.dtype) -> None:
    logits, target = batch(loss, dtype=dtype)
    value, gradient = value_and_gradient(loss, logits, torch.full_like(target, 255))
    assert value == 0
    assert torch.count_nonzero(gradient) == 0
    assert not gradient.isnan().any()


def test_ignored_pixels_have_no_say(loss: Loss, dtype: torch.dtype) -> None:
    logits, target = batch(loss, dtype=dtype)
    value, gradient = value_and_gradient(loss, logits, target)
    ignored = (target == 255)[:, None].expand_as(logits)
    assert ignored.any()
    assert torch.count_nonzero(gradient[ignored]) == 0
    changed = torch.where(ignored, 7.0, logits.detach()).to(dtype).requires_grad_()
    assert torch.equal(value_and_gradient(loss, changed, target)[0], value)


def test_an_ignored_image_changes_nothing(loss: Loss) -> None:
    logits, target = batch(loss)
    alone = value_and_gradient(loss, logits.detach()[:2].requires_grad_(), target[:2])
    target[2] = 255
    value, gradient = value_and_gradient(loss, logits, target)
    torch.testing.assert_close((value, gradient[:2]), alone)


def test_bfloat16_is_near_float32(loss: Loss) -> None:
    logits, target = batch(loss, dtype=torch.bfloat16)
    narrow, narrow_gradient = value_and_gradient(loss, logits, target)
    wide, wide_gradient = value_and_gradient(loss, logits.detach().float().requires_grad_(), target)
    assert narrow.dtype == torch.float32
    torch.testing.assert_close(narrow, wide, rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(narrow_gradient.float(), wide_gradient, rtol=2**-8, atol=1e-7)


def test_float32_is_near_float64(loss: Loss) -> None:
    logits, target = batch(loss)
    value, gradient = value_and_gradient(loss, logits, target)
    wide, wide_gradient = value_and_gradient(loss, logits.detach().double().requires_grad_(), target)
    assert wide.dtype == torch.float64
    torch.testing.assert_close(value.double(), wide, rtol=1e-6, atol=0)
    torch.testing.assert_close(gradient.double(), wide_gradient, rtol=1e-5, atol=1e-8)


def test_the_gradient_is_that_of_the_value(loss: Loss) -> None:
    logits, target = batch(loss, dtype=torch.float64)
    logits, target = logits.detach()[:2, :, :3, :2].clone().requires_grad_(), target[:2, :3, :2]
    assert torch.autograd.gradcheck(lambda scores: loss(scores, target).total, (logits,))


def test_the_order_of_the_batch_does_not_matter(loss: Loss) -> None:
    logits, target = batch(loss)
    value, gradient = value_and_gradient(loss, logits, target)
    order = torch.tensor([2, 0, 1])
    moved, moved_gradient = value_and_gradient(loss, logits.detach()[order].requires_grad_(), target[order])
    torch.testing.assert_close(moved, value)
    torch.testing.assert_close(moved_gradient, gradient[order])


def test_turning_images_does_not_matter(loss: Loss) -> None:
    logits, target = batch(loss)
    value, gradient = value_and_gradient(loss, logits, target)
    turned = logits.detach().rot90(1, (2, 3)).requires_grad_()
    moved, moved_gradient = value_and_gradient(loss, turned, target.rot90(1, (1, 2)))
    torch.testing.assert_close(moved, value)
    torch.testing.assert_close(moved_gradient, gradient.rot90(1, (2, 3)))


def test_the_memory_layout_does_not_matter(loss: Loss) -> None:
    logits, target = batch(loss)
    strided = logits.detach().to(memory_format=torch.channels_last).requires_grad_()
    torch.testing.assert_close(
        value_and_gradient(loss, strided, target), value_and_gradient(loss, logits, target)
    )


@pytest.mark.parametrize("scale", [1e2, 1e4])
def test_extreme_logits_stay_finite(loss: Loss, scale: float) -> None:
    value, gradient = value_and_gradient(loss, *batch(loss, scale=scale))
    assert value.isfinite()
    assert gradient.isfinite().all()


def test_a_perfect_answer_costs_nothing(loss: Loss) -> None:
    _, target = batch(loss)
    certain = 120.0 * truth_of(target, loss.activation) - 60
    value, gradient = value_and_gradient(loss, certain.requires_grad_(), target)
    assert 0 <= value < 1e-5
    assert gradient.isfinite().all()


def test_arguments_are_left_alone(loss: Loss) -> None:
    logits, target = batch(loss)
    before = logits.detach().clone(), target.clone()
    loss(logits, target).total.backward()
    assert torch.equal(logits.detach(), before[0])
    assert torch.equal(target, before[1])


def test_tensors_are_buffers_and_nothing_is_trained(loss: Loss) -> None:
    assert not list(loss.parameters())
    moved = loss.to(torch.float64)
    assert all(buffer.dtype == torch.float64 for buffer in moved.buffers())


def test_a_multilabel_target_says_the_same_as_class_indices(sigmoid_loss: Loss) -> None:
    logits, target = batch(sigmoid_loss)
    maps = truth_of(target, "sigmoid").where((target != 255)[:, None], 255)
    torch.testing.assert_close(
        value_and_gradient(sigmoid_loss, logits, maps), value_and_gradient(sigmoid_loss, logits, target)
    )


def test_a_pixel_may_be_ignored_in_one_channel_only(sigmoid_loss: Loss) -> None:
    logits, _ = batch(sigmoid_loss)
    maps = torch.ones_like(logits, dtype=torch.long)  # every class at once: they may overlap
    maps[:, 1, :3] = 255
    value, gradient = value_and_gradient(sigmoid_loss, logits, maps)
    assert torch.count_nonzero(gradient[:, 1, :3]) == 0
    assert torch.count_nonzero(gradient[:, 1, 3:]) > 0
    other = logits.detach().clone()
    other[:, 1, :3] = 9
    assert torch.equal(value_and_gradient(sigmoid_loss, other.requires_grad_(), maps)[0], value)


TRACE = """
import json, sys, torch
from rareseg.losses.terms import build_loss

target = torch.arange(90).reshape(3, 6, 5) % 4
target[:, 2] = 255
variants, pixels, names, backend = json.loads(sys.argv[1])
for activation, terms in variants:
    torch._dynamo.reset()
    generator = torch.Generator().manual_seed(11)
    channels = 4 if activation == "softmax" else 3
    logits = torch.randn(3, channels, 6, 5, generator=generator).requires_grad_()
    loss = build_loss(terms, class_pixels=pixels, class_names=names, activation=activation)
    values = [way(logits, target).total for way in (loss, torch.compile(loss, backend=backend, fullgraph=True))]
    torch.testing.assert_close(*values)
    torch.testing.assert_close(*(torch.autograd.grad(value, logits) for value in values))
    print(json.dumps([activation, terms]))
"""


def trace(cases: list[Any], backend: str) -> list[Any]:
    """Compare traced and eager, in a process of its own: torch cannot trace the checks of shapes here."""
    arguments = json.dumps([cases, PIXELS, NAMES, backend])
    done = subprocess.run([sys.executable, "-c", TRACE, arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_each_is_traced_whole() -> None:
    """No graph break, so that `torch.compile` can fuse it; the eager backend traces and compiles nothing."""
    cases = [
        [activation, [term for other, term in variants() if other == activation and (len(term) > 1) == more]]
        for activation in CHANNELS
        for more in (False, True)
    ]
    assert trace(cases, "eager") == cases


@pytest.mark.slow
def test_compiled_sums_equal_eager_ones() -> None:
    terms: list[Any] = ["cross_entropy", {"name": "focal", "weights": "iscf"}, "dice", "focal_tversky"]
    cases: list[Any] = [["softmax", terms], ["sigmoid", terms]]
    assert trace(cases, "inductor") == cases


@pytest.mark.parametrize("name", list(LOSSES))
def test_unknown_options_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"there is no key 'scal'\. Did you mean 'scale'"):
        build_loss({"name": name, "scal": 2}, class_pixels=PIXELS, class_names=NAMES)


@pytest.mark.parametrize("name", list(LOSSES))
def test_scale_multiplies_value_and_gradient(name: str) -> None:
    plain = build_loss(name, class_pixels=PIXELS, class_names=NAMES)
    logits, target = batch(plain)
    once, gradient = value_and_gradient(plain, logits, target)
    scaled = build_loss({"name": name, "scale": 4.0}, class_pixels=PIXELS, class_names=NAMES)
    four, four_gradient = value_and_gradient(scaled, logits, target)
    torch.testing.assert_close(four, 4 * once)
    torch.testing.assert_close(four_gradient, 4 * gradient)
