"""The page of strategies is what the catalogue, the registries and their docstrings say."""

from __future__ import annotations

from typing import Any

import pytest

from doc_pages import DOCS, script
from rareseg.inference.decision import DECISIONS
from rareseg.losses.terms import LOSSES
from rareseg.models.build import MODELS
from rareseg.sampling.plans import PLANS
from rareseg.strategies.heads import HEADS


def test_strategies_are_as_the_code_says() -> None:
    written = (DOCS / "strategies.md").read_text(encoding="utf-8")
    assert written == script("strategies_page").strategies_page(), "run: python scripts/strategies_page.py"


@pytest.mark.parametrize("registry", [LOSSES, PLANS, HEADS, MODELS], ids=lambda registry: registry.kind)
def test_every_building_block_has_a_source(registry: Any) -> None:
    page = script("strategies_page")
    missing = [name for name in registry if page.source_of(page.about(registry, name)) is None]
    assert not missing, "add to the docstring of the file: Source: arXiv 1234.56789."


@pytest.mark.parametrize(
    "registry", [LOSSES, PLANS, HEADS, MODELS, DECISIONS], ids=lambda registry: registry.kind
)
def test_every_building_block_has_a_sentence_of_its_own(registry: Any) -> None:
    page = script("strategies_page")
    said = [page.about(registry, name) for name in registry]
    assert len(set(said)) == len(said), (
        "in a file that holds several, the function or class of each has a docstring"
    )


@pytest.mark.parametrize(
    ("about", "source", "linked"),
    [
        (
            "Focal (arXiv 1708.02002).",
            "arXiv 1708.02002",
            "arXiv [1708.02002](https://arxiv.org/abs/1708.02002)",
        ),
        (
            "A plan.\n\nSource: foil thesis, section 3.2.",
            "foil thesis, section 3.2",
            "[foil thesis](systems/foil_thesis.md), section 3.2",
        ),
        ("A.\n\nSource: X, doi 10.1/b-c.", "X, doi 10.1/b-c", "X, doi [10.1/b-c](https://doi.org/10.1/b-c)"),
    ],
)
def test_sources_are_read_and_linked(about: str, source: str, linked: str) -> None:
    page = script("strategies_page")
    assert page.source_of(about) == source
    assert page.linked(source) == linked
