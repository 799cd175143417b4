from __future__ import annotations

import pytest
import torch

from rareseg.losses.term_shares import term_shares
from rareseg.losses.terms import build_loss

FACTS = {"class_pixels": [900, 100], "class_names": ["background", "crack"]}


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_shares_are_those_of_the_terms_alone(activation: str) -> None:
    torch.manual_seed(0)
    logits = torch.randn(2, 2 if activation == "softmax" else 1, 6, 5, requires_grad=True)
    target = torch.randint(0, 2, (2, 6, 5))
    terms = [{"name": "cross_entropy", "scale": 0.3}, {"name": "focal", "gamma": 3.0}]
    loss = build_loss(terms, activation=activation, **FACTS)
    norms = {}
    for term in terms:
        value = build_loss(term, activation=activation, **FACTS)(logits, target).total
        norms[term["name"]] = float(torch.autograd.grad(value, logits)[0].norm())
    found = term_shares(loss, logits, target)
    for name, norm in norms.items():
        assert found[name].gradient_share == pytest.approx(norm / sum(norms.values()), rel=1e-5)
        assert found[name].value == pytest.approx(loss(logits, target).terms[name].item(), rel=1e-6)
    assert logits.grad is None


def test_no_gradient_at_all_is_shared_alike() -> None:
    loss = build_loss(["cross_entropy", "focal"], **FACTS)
    found = term_shares(loss, torch.zeros(1, 2, 2, 2), torch.full((1, 2, 2), 255))
    assert [share.gradient_share for share in found.values()] == [0.5, 0.5]
