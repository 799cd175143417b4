"""The site of docs/: its links lead somewhere, nothing is missing from it, and it is built without a warning."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import rareseg
from doc_pages import DOCS, PAGES, ROOT, anchors, inline_code, links, name_of, prose, script

SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))


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
