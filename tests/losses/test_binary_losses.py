"""Cross-entropy and focal loss of a sigmoid head, against torch and a definition in numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rareseg.errors import ConfigError, DataError, OptionError, UnknownNameError
from rareseg.losses.cross_entropy import cross_entropy
from rareseg.losses.focal import focal
from rareseg.losses.inputs import LossInputs
from rareseg.losses.terms import build_loss, loss_summary

NAMES = ["background", "agglomeration", "cavity", "crack", "blade_trail"]
PIXELS = [61_341_642, 1_532_701, 39_040, 550_683, 752_734]  # Table 3.1 of the foil thesis


def random_batch(num_channels: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(5)
    logits = 3 * torch.randn(2, num_channels, 5, 6, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 5, (2, 5, 6), generator=generator)
    target[torch.rand(2, 5, 6, generator=generator) < 0.3] = 255
    return logits.requires_grad_(), target


def build(term: Any, **more: Any) -> Any:
    return build_loss(term, class_pixels=PIXELS, class_names=NAMES, activation="sigmoid", **more)


def test_cross_entropy_is_that_of_torch_over_valid_pixels_of_all_channels() -> None:
    logits, target = random_batch()
    valid = target != 255
    truth = torch.stack([(target == index)[valid] for index in range(1, 5)]).double()
    for pos_weight in (1.0, 4.0):
        scores = logits.movedim(1, 0)[:, valid]
        ours = build({"name": "cross_entropy", "pos_weight": pos_weight})(logits, target).total
        theirs = F.binary_cross_entropy_with_logits(
            scores, truth, pos_weight=torch.tensor(pos_weight, dtype=torch.float64)
        )
        torch.testing.assert_close(ours, theirs)
        torch.testing.assert_close(
            torch.autograd.grad(ours, logits)[0], torch.autograd.grad(theirs, logits)[0]
        )


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_focal_by_the_definition(gamma: float) -> None:
    logits, target = random_batch(2)
    pairs = np.array([[0.1, 0.9], [0.3, 0.7]])
    ours = focal(
        logits,
        target,
        gamma=gamma,
        weight=torch.tensor(pairs),
        activation="sigmoid",
        positive_classes=(4, 2),
    )
    z, t = logits.detach().numpy(), target.numpy()
    total = 0.0
    for b, row, col in np.argwhere(t != 255):
        for channel, positive in enumerate((4, 2)):
            truth = int(t[b, row, col] == positive)
            p = 1 / (1 + np.exp(-z[b, channel, row, col]))
            p_true = p if truth else 1 - p
            total -= pairs[channel, truth] * (1 - p_true) ** gamma * np.log(p_true)
    assert float(ours.detach()) == pytest.approx(total / (2 * (t != 255).sum()), rel=1e-9)


@pytest.mark.parametrize("gamma", [0.1, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("margin", [17.0, 40.0, 1e4])
def test_certain_pixels_give_no_nan(gamma: float, margin: float) -> None:
    for sign in (1, -1):
        logits = torch.full((1, 1, 1, 2), sign * margin, requires_grad=True)
        value = focal(logits, torch.tensor([[[0, 1]]]), gamma=gamma, activation="sigmoid")
        value.backward()
        assert value.isfinite()
        assert logits.grad is not None
        assert logits.grad.isfinite().all()


def test_schemes_weigh_each_class_against_all_others() -> None:
    # Table 3.7 of the foil thesis, with the printed rows of cavity and crack in their own places.
    expected = [[0.135, 0.865], [0.024, 0.976], [0.085, 0.915], [0.098, 0.902]]
    loss = build({"name": "focal", "weights": "iscf"})
    torch.testing.assert_close(
        loss.get_buffer("terms.focal.weight"), torch.tensor(expected), atol=1e-3, rtol=0
    )
    one = build({"name": "focal", "weights": "iscf"}, positive_classes=[2])
    torch.testing.assert_close(
        one.get_buffer("terms.focal.weight"), loss.get_buffer("terms.focal.weight")[1:2]
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"weights": "focal_paper"}, [[0.25, 0.75], [0.25, 0.75]]),
        ({"weights": [3, 5]}, [[1.0, 3.0], [1.0, 5.0]]),
        ({"weights": {"crack": 3, "cavity": 5}, "weight_cap": 4}, [[1.0, 4.0], [1.0, 3.0]]),
        ({"weights": "icf", "weight_cap": 0.5}, [[39_040 / 64_216_800, 0.5], [550_683 / 64_216_800, 0.5]]),
        ({"pos_weight": 0.8, "neg_weight": 0.2}, [[0.2, 0.8], [0.2, 0.8]]),
        ({"neg_weight": 0.5}, [[0.5, 1.0], [0.5, 1.0]]),
    ],
)
def test_weights_in_every_form(options: dict[str, Any], expected: list[list[float]]) -> None:
    loss = build({"name": "cross_entropy", **options}, positive_classes=[2, 3])
    torch.testing.assert_close(loss.get_buffer("terms.cross_entropy.weight"), torch.tensor(expected))


def test_weighted_mean_divides_by_the_weights_met() -> None:
    # Two positives of weight 4 and one negative of weight 1, all at probability one half.
    value = cross_entropy(
        torch.zeros(1, 1, 1, 4),
        torch.tensor([[[1, 1, 0, 255]]]),
        weight=torch.tensor([[1.0, 4.0]]),
        reduction="weighted_mean",
        activation="sigmoid",
    )
    assert float(value) == pytest.approx(np.log(2))


def test_each_channel_of_a_multilabel_target_counts_its_own_valid_pixels() -> None:
    target = torch.tensor([[[[1, 0]], [[255, 1]]]])
    inputs = LossInputs(torch.zeros(1, 2, 1, 2), target, activation="sigmoid")
    assert inputs.num_valid == 3
    assert inputs.valid.tolist() == [[[True, True]]]
    assert inputs.regions.true.tolist() == [[1, 1]]
    assert inputs.regions.valid.tolist() == [[2, 1]]
    assert inputs.regions.predicted.tolist() == [[1.0, 0.5]]
    assert inputs.regions.intersection.tolist() == [[0.5, 0.5]]


@pytest.mark.parametrize(
    ("term", "more", "error", "text"),
    [
        (
            {"name": "cross_entropy", "pos_weight": 2, "weights": "icf"},
            {},
            OptionError,
            "in place of 'weights'",
        ),
        ({"name": "cross_entropy", "pos_weight": 0, "neg_weight": 0}, {}, OptionError, "are both 0"),
        ({"name": "focal", "exclude": ["crack"]}, {}, OptionError, "Give the class's channel the weight 0"),
        (
            {"name": "focal", "weights": {"background": 1}},
            {},
            UnknownNameError,
            "no class named 'background'",
        ),
        (
            {"name": "focal", "weights": [1, 2]},
            {},
            ConfigError,
            "one weight for each of 4 classes, but got 2",
        ),
        ("focal", {"positive_classes": [1, 1]}, ConfigError, "Expected different positive classes of 0 to 4"),
        ("focal", {"positive_classes": [5]}, ConfigError, "but got [5]"),
        ("focal", {"positive_classes": []}, ConfigError, "but got []"),
        ({"name": "dice", "classes": "foreground"}, {"positive_classes": [0]}, OptionError, "at least one"),
        ({"name": "dice", "classes": ["background"]}, {}, UnknownNameError, "no class named 'background'"),
    ],
)
def test_mistakes_are_one_line(term: Any, more: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error) as caught:
        build(term, **more)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("shapes_unchecked")
def test_options_of_the_other_activation_are_refused() -> None:
    with pytest.raises(
        OptionError, match=r"'pos_weight' of cross_entropy works with a sigmoid.*Give 'weights'"
    ):
        build_loss({"name": "cross_entropy", "pos_weight": 2}, class_pixels=PIXELS, class_names=NAMES)
    with pytest.raises(OptionError, match="'positive_classes' has no effect on a softmax"):
        build_loss("focal", class_pixels=PIXELS, class_names=NAMES, positive_classes=[1])
    with pytest.raises(UnknownNameError, match="no activation named 'sigmod'"):
        build_loss("focal", class_pixels=PIXELS, class_names=NAMES, activation="sigmod")  # type: ignore[arg-type]
    logits, target = torch.zeros(1, 2, 3, 3), torch.zeros(1, 3, 3, dtype=torch.long)
    with pytest.raises(ConfigError, match="'positive_classes' has no effect on a softmax"):
        LossInputs(logits, target, positive_classes=(1, 2))
    with pytest.raises(ConfigError, match="one positive class for each of 2 channels, but got 1"):
        LossInputs(logits, target, activation="sigmoid", positive_classes=(1,))
    with pytest.raises(UnknownNameError, match="Did you mean 'sigmoid'"):
        LossInputs(logits, target, activation="sigmod")  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"a target \(b, h, w\) or \(b, c, h, w\)"):
        LossInputs(logits, target[:, None], activation="sigmoid")
    with pytest.raises(ConfigError, match=r"negatives and of positives for each of 2 channels, \(2, 2\)"):
        cross_entropy(logits, target, weight=torch.ones(2), activation="sigmoid")


def test_summary() -> None:
    assert (
        loss_summary({"name": "cross_entropy", "pos_weight": 4, "neg_weight": 0.5})
        == "cross entropy positive weight=4 negative weight=0.5"
    )
