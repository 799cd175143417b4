from __future__ import annotations

import pytest
from pydantic import ValidationError

from rareseg.config.catalog import CATALOG
from rareseg.config.recipe import PhaseSettings, RecipeSettings
from rareseg.errors import UnknownNameError
from rareseg.strategies.heads import build_head
from rareseg.strategies.strategy import Strategy


def test_without_phases_there_is_one() -> None:
    (phase,) = Strategy.from_recipe("a", RecipeSettings()).phases_of(100)
    assert (phase.start, phase.end, phase.lr) == (0, 100, 1e-3)


def test_phases_cover_every_step_once() -> None:
    recipe = RecipeSettings.model_validate(
        {
            "phases": [{"share": 0.7, "loss": "focal"}, {"share": 0.1}, {"share": 0.2, "lr": 1e-4}],
            "loss": "cross_entropy",
        }
    )
    phases = Strategy.from_recipe("a", recipe).phases_of(33)
    assert [(p.start, p.end) for p in phases] == [(0, 23), (23, 26), (26, 33)]
    assert [p.loss[0]["name"] for p in phases] == ["focal", "cross_entropy", "cross_entropy"]
    assert [p.lr for p in phases] == [1e-3, 1e-3, 1e-4]


def test_a_strategy_cannot_be_changed() -> None:
    strategy = Strategy.from_recipe("a", RecipeSettings())
    with pytest.raises(AttributeError):
        strategy.name = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        PhaseSettings(share=0.5).share = 1.0  # type: ignore[misc]


def test_unknown_heads_are_named() -> None:
    with pytest.raises(UnknownNameError, match=r"no head named 'sofmax'\. Did you mean 'softmax'"):
        build_head({"name": "sofmax"})


@pytest.mark.parametrize("name", CATALOG)
def test_every_remedy_of_the_catalogue_is_a_recipe(name: str) -> None:
    entry = CATALOG[name]
    assert entry.summary
    assert entry.source
    RecipeSettings.model_validate(entry.change)
