"""The check of shapes is at work: it would fall silent if rareseg were imported before it is set up."""

from __future__ import annotations

import jaxtyping
import pytest
import torch

from rareseg.inference.decision import ArgmaxDecision
from rareseg.losses.cross_entropy import cross_entropy
from rareseg.losses.weights import class_weights


def test_a_wrong_shape_or_number_type_is_refused() -> None:
    logits = torch.zeros(1, 2, 3, 3)
    with pytest.raises(jaxtyping.TypeCheckError, match=r"parameters of rareseg\.losses\.cross_entropy"):
        cross_entropy(logits, torch.zeros(1, 3, 4, dtype=torch.long))
    with pytest.raises(jaxtyping.TypeCheckError, match=r"parameters of rareseg\.inference\.decision"):
        ArgmaxDecision().labels(logits.long())


def test_hints_without_shapes_are_left_to_mypy() -> None:
    assert class_weights([1, 2], [1, 2]).tolist() == [1.0, 2.0]


@pytest.mark.usefixtures("shapes_unchecked")
def test_the_check_can_be_left_out() -> None:
    assert ArgmaxDecision().labels(torch.zeros(1, 2, 3, 3).long()).shape == (1, 3, 3)
