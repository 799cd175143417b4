"""The site of docs/: what its pages show runs, its links lead somewhere, and nothing is missing or out of date."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

import rareseg
from doc_pages import (
    DOCS,
    PAGES,
    ROOT,
    Block,
    anchors,
    fenced,
    inline_code,
    links,
    name_of,
    prose,
    shell_lines,
)
from rareseg.cli.main import main
from rareseg.inference.decision import DECISIONS
from rareseg.losses.terms import LOSSES
from rareseg.models.build import MODELS
from rareseg.sampling.plans import PLANS
from rareseg.strategies.heads import HEADS
from tiny import make_tiny_dataset, make_tiny_study

SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
SMALL = {"budget": {"steps": 2, "batch_size": 2, "patch_size": 32}, "seeds": [0], "record": {}}
SMALL_BASE = {"model": {"name": "unet", "base_channels": 4, "depth": 2}}
BLOCKS = [block for page in PAGES for block in fenced(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]


def script(name: str) -> ModuleType:
    """A Python file of the folder scripts as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {block.language for block in BLOCKS} == {"bash", "python", "yaml"}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder such as the pages speak of: my_data with its study, finished runs, and new images."""
    folder = tmp_path_factory.mktemp("workplace")
    data = make_tiny_dataset(folder / "my_data")
    study = make_tiny_study(
        data, Path(), name="my_data", strategies={"baseline": {}, "focal_iscf": {}}, **SMALL
    )
    assert main(["run", str(study), "--out", str(folder / "runs"), "--device", "cpu", "--quiet"]) == 0
    (folder / "new_images").mkdir()
    shutil.copy(data / "images" / "im00.png", folder / "new_images" / "a.png")
    shutil.copytree(data, folder / "studies" / "crackforest")
    return folder


@pytest.mark.parametrize("block", PYTHON, ids=[f"{block.page}-{n}" for n, block in enumerate(PYTHON)])
def test_python_runs(block: Block, workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(workplace, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    names: dict[str, Any] = {"__name__": "__main__"}
    if not block.text.startswith(">>>"):
        exec(compile(block.text, block.page, "exec"), names)
        return
    example = doctest.DocTestParser().get_doctest(block.text, names, block.page, None, None)
    said: list[str] = []
    outcome = doctest.DocTestRunner().run(example, out=said.append)
    assert outcome.failed == 0 and outcome.attempted > 0, "".join(said)


def test_commands_of_the_first_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a newcomer types them, only smaller."""
    monkeypatch.chdir(tmp_path)
    from rareseg.strategies import demo_study

    full = demo_study.demo_study
    monkeypatch.setattr(
        demo_study, "demo_study", lambda *, quick: full(quick=quick) | SMALL | {"base": SMALL_BASE}
    )
    (make_tiny_dataset(Path("my_data")) / "dataset.yaml").unlink()
    Path("new_images").mkdir()
    shutil.copy("my_data/images/im00.png", "new_images/a.png")
    done = []
    for line in shell_lines(DOCS / "start.md"):
        verb, *words = shlex.split(line.removeprefix("rareseg ")) if line.startswith("rareseg ") else [""]
        if verb:
            done.append(verb)
            assert (
                main([verb, *words, *(["--images", "6", "--size", "96"] if verb == "demo" else [])]) == 0
            ), line
        if verb == "plan":
            _shrink(Path("my_data/study.yaml"))
    assert done == ["demo", "inspect", "inspect", "plan", "run", "report", "predict"]
    for path in (
        "rareseg-demo/report-quick.html",
        "inspection/my_data/inspection.html",
        "runs/report.html",
        "labels/a.png",
    ):
        assert f"`{Path(path).parent}" in prose(DOCS / "start.md") or path == "labels/a.png"
        assert Path(path).is_file(), path


def _shrink(path: Path) -> None:
    """Make a planned study small, after a look at whether it is as large as the page says."""
    study = yaml.safe_load(path.read_text())
    assert study["budget"]["steps"] == 10_000 and len(study["seeds"]) * len(study["strategies"]) == 18
    path.write_text(yaml.safe_dump(study | SMALL | {"base": SMALL_BASE}))


def other_commands() -> Iterator[tuple[str, str]]:
    """Lines that start a script of the repository, with their page."""
    for page in PAGES:
        for line in (*shell_lines(page), *inline_code(page)):
            found = re.match(r"(?:[A-Z_]+=\S+ )*((?:\S*/)?python (?!-)\S+\.py\b.*|scripts/\S+.*)", line)
            if found:
                yield name_of(page), found[1]


COMMANDS = sorted(set(other_commands()))


@pytest.mark.parametrize(("page", "line"), COMMANDS, ids=[" ".join(pair) for pair in COMMANDS])
def test_scripts_exist_with_these_options(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)
    path = ROOT / words["python" in words[0]]
    assert path.is_file(), f"{page}: there is no {path}"
    if path.suffix == ".py":
        unknown = [word for word in words if word.startswith("--") and f'"{word}"' not in path.read_text()]
        assert not unknown, f"{page}: {path.name} has no {unknown}"
    else:
        assert os.access(path, os.X_OK)


def test_extras_exist() -> None:
    known = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    for page in PAGES:
        for names in re.findall(r"'(?:rareseg|\.)\[([\w,]+)\]'", page.read_text(encoding="utf-8")):
            assert set(names.split(",")) <= known, f"{name_of(page)}: {names}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)}: there is no {link}"
        assert not anchor or anchor in anchors(target), f"{name_of(page)}: no heading for {link}"


def test_every_page_is_in_the_navigation() -> None:
    def pages(entries: list[Any]) -> Iterator[str]:
        for entry in entries:
            if isinstance(entry, str):
                yield entry
            else:
                [target] = entry.values()
                yield from pages(target) if isinstance(target, list) else [target]

    shown = sorted(pages(script("site_hooks").expand_folders(SITE["nav"], DOCS)))
    assert shown == sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))


def test_every_system_is_in_its_table() -> None:
    table = set(links(DOCS / "systems" / "index.md"))
    assert {page.name for page in (DOCS / "systems").glob("*.md")} - {"index.md"} <= table


def test_folders_become_their_pages(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    for name in ("index", "b", "a"):
        (tmp_path / "api" / f"{name}.md").touch()
    nav = script("site_hooks").expand_folders([{"Home": "index.md"}, {"API": "api/"}], tmp_path)
    assert nav == [{"Home": "index.md"}, {"API": ["api/index.md", "api/a.md", "api/b.md"]}]


@pytest.mark.parametrize(
    ("page", "text", "expected"),
    [
        ("index.md", "[a](formats.md#base)", "[a](formats.md#base)"),
        ("index.md", "[a](https://b.c)", "[a](https://b.c)"),
        ("index.md", "[a](../README.md#more)", "[a](R/blob/main/README.md#more)"),
        ("systems/mars_camal.md", "[a](../../studies)", "[a](R/tree/main/studies)"),
        ("index.md", "[`README.md`](../README.md)", "[`README.md`](R/blob/main/README.md)"),
        ("index.md", "see `docs/leaks.md`.", "see [`docs/leaks.md`](leaks.md)."),
        ("systems/mars_camal.md", "`docs/leaks.md`", "[`docs/leaks.md`](../leaks.md)"),
        ("index.md", "`studies/mars_camal`", "[`studies/mars_camal`](R/tree/main/studies/mars_camal)"),
        ("index.md", "`runs/report.html`", "`runs/report.html`"),
        (
            "index.md",
            "    [a](../README.md)\n[a](../README.md)",
            "    [a](../README.md)\n[a](R/blob/main/README.md)",
        ),
        ("index.md", "```\n[a](../README.md)\n```\n", "```\n[a](../README.md)\n```\n"),
    ],
)
def test_links_out_of_the_site(page: str, text: str, expected: str) -> None:
    assert script("site_hooks").rewrite_links(text, page, "R") == expected


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


API = [
    (page.name, name)
    for page in (DOCS / "api").glob("*.md")
    for name in re.findall(r"^::: (\S+)", prose(page), re.M)
]


@pytest.mark.parametrize(("page", "name"), API, ids=[name for _, name in API])
def test_names_of_the_api_exist_and_are_explained(page: str, name: str) -> None:
    home, _, attribute = name.rpartition(".")
    found = (
        importlib.import_module(name)
        if page == "errors.md"
        else getattr(importlib.import_module(home), attribute)
    )
    assert (inspect.getdoc(found) or "").split("\n\n")[0].rstrip().endswith((".", ":"))


def test_the_api_shows_every_public_name() -> None:
    shown = {name for _, name in API} | {f"rareseg.errors.{name}" for name in rareseg.errors.__all__}
    public = {f"rareseg.{name}" for name in rareseg.__all__} - {"rareseg.__version__", "rareseg.RaresegError"}
    assert public <= shown
    assert public <= set(inline_code(DOCS / "api" / "index.md"))


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    absent = [
        name
        for name in ("mkdocs", "material", "mkdocstrings_handlers")
        if importlib.util.find_spec(name) is None
    ]
    if absent:
        pytest.skip(
            f"{', '.join(absent)} not installed; scripts/docs installs the extra docs and builds the site"
        )
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        fetched = re.findall(
            r'<(?:script|img|iframe)[^>]* src="?(https?:[^" >]+)', page.read_text(encoding="utf-8")
        )
        fetched += re.findall(r'<link[^>]* href="?(https?:[^" >]+)', page.read_text(encoding="utf-8"))
        assert not fetched, f"{page.name} takes {fetched} from elsewhere"
