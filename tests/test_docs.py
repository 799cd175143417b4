"""What the documentation says is compared with the code: files, keys, defaults, commands, columns."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import operator
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pyarrow.parquet as pq
import pytest
import typer
import yaml
from pydantic import BaseModel

import rareseg
from doc_pages import PAGES, ROOT, fenced, inline_code, name_of, shell_lines
from rareseg.artefacts import read_yaml
from rareseg.cli.main import app
from rareseg.config import bundle, dataset, recipe, study
from rareseg.config.aim import AIM_NAMES
from rareseg.config.coco import CocoSettings
from rareseg.config.costs import CostSettings
from rareseg.config.dataset import DatasetSettings
from rareseg.config.load import Settings, parse_settings
from rareseg.config.normalise import NormaliseSettings
from rareseg.config.npz import NpzSettings
from rareseg.config.raster import PolygonSettings, RasterSettings
from rareseg.config.resample import ResampleSettings
from rareseg.config.rle_csv import RleCsvSettings
from rareseg.config.study import StudySettings
from rareseg.inference.decision import DECISIONS, build_decision
from rareseg.losses.pixel_term import PixelTermSettings
from rareseg.losses.region_term import RegionSettings
from rareseg.losses.term import TermSettings
from rareseg.losses.terms import LOSSES
from rareseg.losses.weights import WEIGHT_SCHEMES
from rareseg.models.build import MODELS
from rareseg.sampling import plan_settings
from rareseg.sampling.plan_settings import PlanSettings
from rareseg.sampling.plans import PLANS
from rareseg.strategies.head import GateSettings
from rareseg.strategies.heads import HEADS, build_head
from rareseg.training.augmentation import AugmentationSettings
from rareseg.training.copy_paste_settings import CopyPasteSettings

FORMATS = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
PROSE = re.sub(r"^```.*?^```$", "", FORMATS, flags=re.S | re.M)
FILES: dict[str, type[Settings]] = {
    "dataset.yaml": DatasetSettings,
    "study.yaml": StudySettings,
    "costs.yaml": CostSettings,
}
SECTIONS: dict[str, type[Settings]] = {
    "dataset.yaml": DatasetSettings,
    "classes": dataset.ClassSettings,
    "masks": dataset.MaskSettings,
    "rle_csv": RleCsvSettings,
    "coco": CocoSettings,
    "npz": NpzSettings,
    "group": dataset.GroupSettings,
    "split": dataset.SplitSettings,
    "normalise": NormaliseSettings,
    "resample": ResampleSettings,
    "raster": RasterSettings,
    "polygons": PolygonSettings,
    "study.yaml": StudySettings,
    "budget": study.BudgetSettings,
    "record": study.RecordSettings,
    "scoring": study.ScoringSettings,
    "base": recipe.RecipeSettings,
    "gate": GateSettings,
    "loss": TermSettings,
    "augmentation": AugmentationSettings,
    "copy_paste": CopyPasteSettings,
    "optimizer": recipe.OptimizerSettings,
    "schedule": recipe.ScheduleSettings,
    "phases": recipe.PhaseSettings,
    "patch_sizes": recipe.PatchSizesSettings,
    "early_stopping": recipe.EarlyStoppingSettings,
    "Of an export: `bundle.yaml`": bundle.BundleSettings,
    "bundle files": bundle.FileSettings,
    "bundle reading": bundle.BundleReadingSettings,
    "bundle gate": bundle.BundleGateSettings,
    "bundle parity": bundle.ParitySettings,
    "keys of every plan": PlanSettings,
    "blank": plan_settings.BlankSettings,
    "refuse": plan_settings.RefuseSettings,
    "dark": plan_settings.DarkSettings,
    "leave_out": plan_settings.LeaveOutSettings,
}
SHARED = {"losses of pixels": PixelTermSettings, "losses of regions": RegionSettings}


def _shared_keys(settings: type[Settings]) -> Iterable[str]:
    """Keys of a loss that a table for its kind lists already."""
    return next((kind for kind in SHARED.values() if issubclass(settings, kind)), TermSettings).model_fields


COMPONENTS: dict[str, tuple[type[Settings], frozenset[str]]] = {
    **{name: (LOSSES[name].settings, frozenset(_shared_keys(LOSSES[name].settings))) for name in LOSSES},
    **{heading: (kind, frozenset(TermSettings.model_fields)) for heading, kind in SHARED.items()},
    **{name: (PLANS[name].SETTINGS, frozenset(PlanSettings.model_fields)) for name in PLANS},
    **{name: (MODELS[name].settings, frozenset({"name"})) for name in MODELS},
    **{name: (HEADS[name].settings, frozenset({"name", "gate"})) for name in HEADS},
    **{name: (DECISIONS[name].settings, frozenset({"name"})) for name in DECISIONS},
    "costs.yaml": (CostSettings, frozenset()),
}


def yaml_blocks() -> Iterator[tuple[str, str]]:
    """File name and text of every yaml block; it begins with a comment naming its file."""
    for page in PAGES:
        for block in fenced(page):
            if block.language == "yaml":
                named = re.match(r"# (\w+\.yaml)\b", block.text)
                assert named, f"a yaml block of {block.page} does not begin with a comment naming its file"
                yield named[1], block.text


BLOCKS = list(yaml_blocks())


def section_rows(heading: str) -> dict[str, str]:
    """Key and default of the table of keys below a heading."""
    found = re.search(rf"^#+ `?{re.escape(heading)}`?\n(.*?)(?=^#+ |\Z)", PROSE, re.S | re.M)
    assert found, f"docs/formats.md has no heading '{heading}'"
    table = re.search(r"^\| key \| default \| meaning \|\n\|[-|]+\|\n((?:\|.*\n)+)", found[1], re.M)
    if table is None:
        return {}
    cells = [row.strip("| ").split(" | ") for row in table[1].splitlines()]
    return {key.strip("`"): default for key, default, *_ in cells}


def check_table(heading: str, model: type[Settings], *, without: frozenset[str] = frozenset()) -> None:
    """The table below a heading lists exactly the model's keys with their defaults."""
    rows = section_rows(heading)
    fields = {key: field for key, field in model.model_fields.items() if key not in without}
    assert set(rows) == set(fields)
    for key, field in fields.items():
        if field.is_required():
            assert rows[key] == "required", key
        elif isinstance(field.default, BaseModel):
            assert rows[key] == "see below", key
        else:
            assert yaml.safe_load(rows[key].strip("`")) == _plain(field.default), key


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _choices(annotation: Any) -> Iterator[str]:
    if get_origin(annotation) is Literal:
        yield from get_args(annotation)
    for inner in get_args(annotation):
        yield from _choices(inner)


def test_there_are_examples_of_all_files() -> None:
    assert {name for name, _ in BLOCKS} == set(FILES)


@pytest.mark.parametrize(("name", "text"), BLOCKS, ids=[text.splitlines()[0][2:] for _, text in BLOCKS])
def test_examples_of_files_are_right(name: str, text: str) -> None:
    settings = parse_settings(FILES[name], yaml.safe_load(text), where=name)
    if not isinstance(settings, StudySettings):
        return
    for strategy in settings.strategies:
        made = settings.recipe(strategy)
        build_head(made.head)
        names = ("background", "crack", "pore", "cavity")
        build_decision(made.decision, class_names=names)
        AugmentationSettings.parse(made.augmentation, patch_size=settings.budget.patch_size)
        parse_settings(MODELS[made.model["name"]].settings, made.model, where=strategy)
        for plan in (made.sampling, *(phase.sampling for phase in made.phases)):
            if plan is not None:
                parse_settings(PLANS[plan["name"]].SETTINGS, plan, where=strategy)
        for terms in (made.loss, *(phase.loss for phase in made.phases)):
            for term in terms or ():
                parse_settings(LOSSES[term["name"]].settings, term, where=strategy)


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_and_default_is_documented(heading: str) -> None:
    check_table(heading, SECTIONS[heading])


def test_no_settings_model_is_left_out() -> None:
    models = {
        value
        for module in (bundle, dataset, recipe, study)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Settings) and value is not Settings
    }
    assert models <= set(SECTIONS.values())


@pytest.mark.parametrize("name", COMPONENTS)
def test_losses_plans_and_models_are_documented(name: str) -> None:
    model, shared = COMPONENTS[name]
    check_table(name, model, without=shared)


def test_every_choice_is_named() -> None:
    names = {*LOSSES, *PLANS, *MODELS, *HEADS, *DECISIONS, *WEIGHT_SCHEMES, *AIM_NAMES}
    for model in (*SECTIONS.values(), *(model for model, _ in COMPONENTS.values())):
        for field in model.model_fields.values():
            names |= set(_choices(field.annotation))
    missing = {name for name in names if f"`{name}`" not in FORMATS}
    assert not missing


def commands() -> Iterator[tuple[str, str, bool]]:
    """Every command line ``rareseg <verb> ...`` in code of the pages, with the page's name and whether it is whole.

    Within a sentence a verb may stand without its arguments.
    """
    for page in PAGES:
        for is_whole, spans in ((True, shell_lines(page)), (False, inline_code(page))):
            for span in spans:
                found = re.match(r"(?:\S*/)?rareseg ([a-z].*)", span)
                if found:
                    yield name_of(page), found[1], is_whole


COMMANDS = sorted(set(commands()))


@pytest.mark.parametrize(("page", "line", "is_whole"), COMMANDS, ids=[" ".join(c[:2]) for c in COMMANDS])
def test_commands_exist_with_these_options(page: str, line: str, is_whole: bool) -> None:
    verbs: Any = typer.main.get_command(app)
    verb, *words = shlex.split(line, comments=True)
    assert verb in verbs.commands, f"{page}: there is no verb '{verb}'"
    known = {option for parameter in verbs.commands[verb].params for option in parameter.opts}
    unknown = {word.split("=")[0] for word in words if word.startswith("-")} - known
    assert not unknown, f"{page}: rareseg {verb} has no {unknown}"
    if is_whole:
        verbs.commands[verb].make_context(
            verb, words
        )  # raises a usage error that says what is missing or too much


def test_a_wrong_command_would_be_noticed() -> None:
    verbs: Any = typer.main.get_command(app)
    with pytest.raises(Exception, match=r"Missing (argument|parameter)"):
        verbs.commands["report"].make_context("report", [])
    with pytest.raises(Exception, match="unexpected extra argument"):
        verbs.commands["report"].make_context("report", ["runs", "more"])


def test_the_pages_name_commands() -> None:
    assert {line.split()[0] for page, line, _ in COMMANDS if page == "README.md"} >= {
        "inspect",
        "plan",
        "run",
    }


def test_python_in_the_readme_uses_public_names() -> None:
    blocks = [block.text for block in fenced(PAGES[0]) if block.language == "python"]
    assert blocks
    for block in blocks:
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "rareseg" or node.attr in rareseg.__all__


def test_files_of_runs_are_documented(finished_study: Path) -> None:
    for folder in (finished_study, *finished_study.glob("*/seed-*")):
        for path in folder.iterdir():
            if path.is_dir() or path.name.startswith("."):
                continue
            name = re.sub(r"step-\d+", "step-<n>", path.name)
            assert f"| `{name}`" in FORMATS, name
            missing = [key for key in _keys(path) if f"`{key}`" not in _row(name)]
            assert not missing, f"{name}: {missing}"


def _row(name: str) -> str:
    """The line of a table about a file."""
    return next(line for line in FORMATS.splitlines() if line.startswith(f"| `{name}`"))


def _keys(path: Path) -> list[str]:
    if path.suffix == ".json":
        return [key for key in json.loads(path.read_text()) if key != "artefact"]
    if path.suffix == ".csv":
        return path.read_text().splitlines()[0].split(",")
    if path.suffix == ".parquet":
        return list(pq.read_schema(path).names)
    if path.name == "config.yaml":
        return [*read_yaml(path), *read_yaml(path)["decided"]]
    return []


def test_keys_of_the_fingerprint_are_documented(tiny_dataset: Path) -> None:
    fingerprint = rareseg.inspect_dataset(rareseg.load_dataset(tiny_dataset), None)
    chapter = FORMATS.split("### Of an inspection", 1)[1]
    keys = [*fingerprint, *fingerprint["classes"][0], *fingerprint["bands"], *fingerprint["warnings"][0]]
    assert not [key for key in keys if f"`{key}`" not in chapter]


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DOORS = re.findall(r"^- (`.*?)(?=^- |^#|\Z|\n\n)", ARCHITECTURE, re.S | re.M)


@pytest.mark.parametrize("door", DOORS, ids=[door.split("`")[1] for door in DOORS])
def test_doors_are_as_described(door: str) -> None:
    """Signatures after a module's name are found there, with arguments of these names."""
    spans = re.findall(r"`([^`]+)`", door)
    module = importlib.import_module(f"rareseg.{spans[0]}")
    for span in spans[1:]:
        if re.fullmatch(r"[a-z_]+\.[a-z_]+", span):
            module = importlib.import_module(f"rareseg.{span}")
        found = re.fullmatch(r"([A-Za-z_.]+)\((.*)\)", span)
        if found:
            described = operator.attrgetter(found[1])(module)
            arguments = {name.strip() for name in found[2].split(",") if name.strip() not in ("", "*")}
            assert arguments <= set(inspect.signature(described).parameters), span
        elif span.isidentifier() and span.isupper():
            assert hasattr(module, span), span
