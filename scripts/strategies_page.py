"""Write docs/strategies.md from the catalogue, the registries and their docstrings; a test holds the page to them.

python scripts/strategies_page.py
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import yaml

from rareseg.cli.strategies import strategy_groups
from rareseg.config.catalog import CATALOG
from rareseg.inference.decision import DECISIONS
from rareseg.losses.terms import LOSSES
from rareseg.models.build import MODELS
from rareseg.registry import Registry
from rareseg.sampling.plans import PLANS
from rareseg.strategies.heads import HEADS

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "strategies.md"
FORMATS = DOCS / "formats.md"

TOP = """\
<!-- Written by `python scripts/strategies_page.py`; change the catalogue and the docstrings, not this page. -->
# Strategies

A strategy is a remedy for rare classes: where patches come from, what a mistake costs, how many models there are, what
the network is, or several of these at once. Each is a line of `study.yaml`, and all of a study get the same budget:

```yaml
# study.yaml: names of the catalogue, and mixtures of your own
name: my_data
strategies:
  baseline:
  focal_iscf:
  mine: {use: equal_samples, loss: [dice, {name: focal, gamma: 2}], ema: 0.999}
```

    rareseg strategies               # this catalogue in the terminal
    rareseg strategies focal_iscf    # what one of them changes

No strategy wins everywhere: [results](results.md) says what came out on which data. [Files and keys](formats.md#base)
has every key of a strategy, and [concepts](concepts.md#a-strategy-is-a-composition) says why they can be mixed.

Sources are papers, by arXiv number or doi, or documents whose [systems](systems/index.md) are repeated here.
"""

ABOUT = {
    "Baseline": "What all others are compared with.",
    "Sampling": "Which patches are trained on.",
    "Loss": "What a mistake costs.",
    "Head": "How many models there are, and what their channels mean.",
    "Model": "The network itself, each with its default width.",
    "Data": "What patches look like.",
    "Recipe": "Several remedies at once, as they are used elsewhere.",
}

DOCUMENTS = {
    "foil thesis": "foil_thesis",
    "Severstal report": "severstal_two_stage",
    "solar plant report": "solar_satellite",
    "Mars report of team Annamo": "mars_annamo",
    "Mars report of team Camal": "mars_camal",
}

BLOCKS: tuple[tuple[str, str, Registry[Any]], ...] = (
    (
        "Losses",
        "Key `loss`; a list of them is summed. Some take [weights of classes](formats.md#losses-of-pixels).",
        LOSSES,
    ),
    ("Sampling plans", "Key `sampling`.", PLANS),
    ("Heads", "Key `head`; each can have an [image gate](formats.md#gate) in front of it.", HEADS),
    ("Models", "Key `model`.", MODELS),
    ("Decisions", "Key `decision`: how probabilities become a label map.", DECISIONS),
)


def strategies_page() -> str:
    """The text of docs/strategies.md."""
    chapters = [TOP, "## The catalogue\n"]
    for group, names in strategy_groups().items():
        chapters += [f"### {group}\n", f"{ABOUT.get(group, '')}\n", _catalogue_table(names)]
        changed = {name: CATALOG[name].change for name in names if CATALOG[name].change}
        if changed:
            chapters.append(_as_study(group, changed))
    chapters += ["## What strategies are made of\n", "Names lead to the keys of each.\n"]
    for title, purpose, registry in BLOCKS:
        chapters += [f"### {title}\n", f"{purpose}\n", _block_table(registry)]
    return "\n".join(chapters)


def _catalogue_table(names: list[str]) -> str:
    rows = [f"| `{name}` | {CATALOG[name].summary} | {linked(CATALOG[name].source)} |" for name in names]
    return "\n".join(["| strategy | what it does | source |", "|---|---|---|", *rows, ""])


def _as_study(group: str, changed: dict[str, dict[str, Any]]) -> str:
    """What the strategies of a group change, as somebody would write it without the catalogue."""
    lines = "".join(
        yaml.safe_dump({name: change}, default_flow_style=None, sort_keys=False, width=100)
        for name, change in changed.items()
    )
    heading = f"# study.yaml: what the catalogue says under {group}\nname: {group.lower()}\nstrategies:\n"
    return f"```yaml\n{heading}{textwrap.indent(lines, '  ')}```\n"


def _block_table(registry: Registry[Any]) -> str:
    rows = []
    for name in registry:
        text = about(registry, name)
        rows.append(f"| {_keys_of(name)} | {_summary(text)} | {linked(source_of(text) or '-')} |")
    return "\n".join(["| name | what it is | source |", "|---|---|---|", *rows, ""])


def _keys_of(name: str) -> str:
    """The name, as a link where it has a chapter among the keys."""
    found = re.search(rf"^#+ `{name}`$", FORMATS.read_text(encoding="utf-8"), re.M)
    return f"[`{name}`](formats.md#{name})" if found else f"`{name}`"


def about(registry: Registry[Any], name: str) -> str:
    """The docstring that speaks about a building block: of its file, or of its class where a file holds several."""
    maker = _maker(registry[name])
    of_file = sys.modules[maker.__module__].__doc__
    shared = (
        registry is DECISIONS
        or sum(_maker(registry[key]).__module__ == maker.__module__ for key in registry) > 1
    )
    return inspect.cleandoc((maker.__doc__ if shared else None) or of_file or "")


def _maker(entry: Any) -> Any:
    """The class or function that makes a building block."""
    build = entry if inspect.isclass(entry) else getattr(entry, "build", entry)
    return getattr(build, "__self__", build)


def _summary(text: str) -> str:
    """The first sentence, without the source in brackets at its end."""
    first = text.split("\n\n")[0].replace("\n", " ")
    first = re.sub(r"^The (?:plan|head|decision) ``\w+``: ", "", first)
    without = re.sub(r" \(arXiv [^)]*\)(?=\.$)", "", first).replace("``", "`").rstrip(".")
    return without[:1].upper() + without[1:]


def source_of(text: str) -> str | None:
    """What a docstring names as the source: ``(arXiv ...)`` at the end of its first line, or ``Source: ...``."""
    found = re.search(r"^Source: (.+?)\.$", text, re.M) or re.match(r".*\((arXiv [^)]*)\)\.", text)
    return found[1] if found else None


def linked(source: str) -> str:
    """A source with links to papers, and to the pages of systems that are repeated here."""
    for document, page in DOCUMENTS.items():
        source = source.replace(document, f"[{document}](systems/{page}.md)")
    source = re.sub(r"(?<![\d.])(\d{4}\.\d{5})\b", r"[\1](https://arxiv.org/abs/\1)", source)
    source = re.sub(r"(?<=doi )(10\.\S+?)(?=[;,)]|$)", r"[\1](https://doi.org/\1)", source)
    return re.sub(r"https://github\.com/(\S+)", r"[\1](https://github.com/\1)", source)


if __name__ == "__main__":
    PAGE.write_text(strategies_page(), encoding="utf-8")
