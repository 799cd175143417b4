from __future__ import annotations

from typing import Any

import pytest
import torch

from rareseg.errors import ConfigError, OptionError, UnknownNameError
from rareseg.losses.cross_entropy import cross_entropy
from rareseg.losses.focal import focal
from rareseg.losses.terms import Loss, build_loss, loss_summary

NAMES = ["background", "cavity", "crack"]
PIXELS = [900, 25, 100]


def build(terms: Any) -> Loss:
    return build_loss(terms, class_pixels=PIXELS, class_names=NAMES)


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(0, 3, (2, 4, 4), generator=generator)
    target[0, 0] = 255
    return torch.randn(2, 3, 4, 4, generator=generator, requires_grad=True), target


def test_a_sum_is_the_sum_of_its_terms() -> None:
    logits, target = batch()
    value = build(["cross_entropy", {"name": "focal", "gamma": 1.5, "weights": [1, 2, 3], "scale": 0.5}])(
        logits, target
    )
    plain = cross_entropy(logits, target)
    half = 0.5 * focal(logits, target, gamma=1.5, weight=torch.tensor([1.0, 2.0, 3.0]))
    assert list(value.terms) == ["cross_entropy", "focal"]
    torch.testing.assert_close(value.terms["focal"], half)
    torch.testing.assert_close(value.total, plain + half)
    torch.testing.assert_close(
        torch.autograd.grad(value.total, logits), torch.autograd.grad(plain + half, logits)
    )


def test_the_softmax_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = torch.nn.functional.softmax
    monkeypatch.setattr(torch.nn.functional, "softmax", lambda *a, **k: calls.append(1) or real(*a, **k))
    build(["cross_entropy", "focal", "dice", {"name": "focal", "gamma": 1}, "tversky"])(*batch())
    assert len(calls) == 1


def test_two_terms_of_one_name_are_told_apart() -> None:
    value = build(["focal", {"name": "focal", "gamma": 0}, "focal"])(*batch())
    assert list(value.terms) == ["focal", "focal#2", "focal#3"]
    assert torch.equal(value.terms["focal"], value.terms["focal#3"])


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ("icf", [3 * w / (1 / 900 + 1 / 25 + 1 / 100) for w in (1 / 900, 1 / 25, 1 / 100)]),
        ("iscf", [3 * w / (1 / 30 + 1 / 5 + 1 / 10) for w in (1 / 30, 1 / 5, 1 / 10)]),
        ("focal_paper", [0.25, 0.75, 0.75]),
        ([1, 2, 3.5], [1.0, 2.0, 3.5]),
        ({"crack": 3, "background": 1, "cavity": 2}, [1.0, 2.0, 3.0]),
    ],
)
def test_weights_in_every_form(weights: Any, expected: list[float]) -> None:
    loss = build({"name": "cross_entropy", "weights": weights})
    buffers = dict(loss.named_buffers())
    torch.testing.assert_close(buffers["terms.cross_entropy.weight"], torch.tensor(expected))
    logits, target = batch()
    torch.testing.assert_close(
        loss(logits, target).total, cross_entropy(logits, target, weight=torch.tensor(expected))
    )


def test_a_cap_cuts_the_weights() -> None:
    loss = build({"name": "focal", "weights": "icf", "weight_cap": 1.5})
    assert float(loss.get_buffer("terms.focal.weight").max()) == 1.5


def test_autocast_does_not_reach_the_terms() -> None:
    logits, target = batch()
    loss = build(["cross_entropy", {"name": "focal", "weights": "iscf"}])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(logits, target)
    assert inside.total.dtype == torch.float32
    assert torch.equal(inside.total, loss(logits, target).total)


def test_the_loss_does_not_hold_or_change_its_options() -> None:
    options = {"name": "focal", "weights": [1.0, 2.0, 3.0]}
    build(options)
    assert options == {"name": "focal", "weights": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize(
    ("terms", "error", "text"),
    [
        ("focl", UnknownNameError, "There is no loss named 'focl'. Did you mean 'focal'?"),
        ({"name": "focal", "gama": 2}, ConfigError, "there is no key 'gama'. Did you mean 'gamma'?"),
        ({"name": "cross_entropy", "gamma": 2}, ConfigError, "there is no key 'gamma'"),
        ({"name": "focal", "gamma": -1}, ConfigError, "gamma: Input should be greater than or equal to 0"),
        ({"name": "focal", "scale": 0}, ConfigError, "scale: Input should be greater than 0"),
        ({"name": "focal", "weights": "isfc"}, UnknownNameError, "Did you mean 'iscf'?"),
        ({"name": "focal", "weights": 3}, ConfigError, "give a scheme"),
        ({"name": "focal", "weights": ["x", 1, 2]}, ConfigError, "a list of numbers in class order"),
        (
            {"name": "focal", "weights": [1, 2]},
            ConfigError,
            "Expected one weight for each of 3 classes, but got 2",
        ),
        (
            {"name": "focal", "weights": {"crack": 1}},
            ConfigError,
            "'background' has none. Add it to 'weights'",
        ),
        (
            {"name": "focal", "weights": {"crac": 1}},
            UnknownNameError,
            "no class named 'crac'. Did you mean 'crack'?",
        ),
        ({"name": "focal", "weight_cap": 2}, OptionError, "'weight_cap' of the loss 'focal' has no effect"),
        (
            {"name": "focal", "reduction": "weighted_mean"},
            OptionError,
            "'reduction' of the loss 'focal' has no effect",
        ),
        ({"gamma": 2}, ConfigError, "Expected a loss term with a name"),
        ([], ConfigError, "Expected at least one loss term, but got none"),
    ],
)
def test_mistakes_are_one_line(terms: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        build(terms)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


def test_counts_and_names_must_agree() -> None:
    with pytest.raises(ConfigError, match="Expected a pixel count for each of 3 classes, but got 2"):
        build_loss("focal", class_pixels=[1, 2], class_names=NAMES)


@pytest.mark.parametrize(
    ("terms", "summary"),
    [
        ("cross_entropy", "cross entropy"),
        ({"name": "cross_entropy", "weights": "icf"}, "cross entropy, ICF weights"),
        ({"name": "focal", "gamma": 2, "weights": "iscf"}, "focal gamma=2, ISCF weights"),
        ({"name": "focal", "gamma": 0.5, "weights": "focal_paper"}, "focal gamma=0.5, 0.25/0.75 weights"),
        (
            {"name": "focal", "weights": [1, 2], "weight_cap": 1.5, "reduction": "weighted_mean"},
            "focal gamma=2, given weights up to 1.5, weighted mean",
        ),
        (["cross_entropy", {"name": "focal", "scale": 0.25}], "cross entropy + 0.25 x (focal gamma=2)"),
    ],
)
def test_summary(terms: Any, summary: str) -> None:
    assert loss_summary(terms) == summary
