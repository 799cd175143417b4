"""What mkdocs does beside its own work: folders in the navigation, and links to files outside docs/.

The pages are read on GitHub too, where ``../studies`` and `docs/leaks.md` mean what they say. On the site, links that
lead out of docs/ go to the repository, and a path in code that names a page or a file becomes a link.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
_CODE = re.compile(
    r"(^(?P<fence>```+).*?^(?P=fence)[ ]*$"  # fenced code
    r"|^(?: {4}|\t)[^\n]*$"  # indented code
    r"|(?<!\[)`[^`\n]+`)",  # code in a line, unless it is the text of a link
    re.S | re.M,
)
_LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
_PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[A-Z]{4,}\.md)`")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the pages of a folder in the place of its name."""
    config.nav = expand_folders(config.nav, Path(config.docs_dir))
    return config


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links work on the site."""
    return rewrite_links(markdown, page.file.src_uri, config.extra["repository"])


def expand_folders(nav: list[Any], docs: Path) -> list[Any]:
    """The navigation in which ``{title: "folder/"}`` is the list of the folder's pages, index.md first."""
    expanded = []
    for entry in nav:
        [(title, target)] = entry.items()
        if isinstance(target, str) and target.endswith("/"):
            pages = sorted(
                (docs / target).glob("*.md"), key=lambda page: (page.name != "index.md", page.name)
            )
            target = [page.relative_to(docs).as_posix() for page in pages]
        expanded.append({title: target})
    return expanded


def rewrite_links(markdown: str, page: str, repository: str) -> str:
    """Links out of docs/ as links to the repository, and paths in code as links.

    Args:
        markdown: Text of the page.
        page: Path of the page below docs.
        repository: Address of the repository.
    """
    return "".join(_rewritten(part, is_code, page, repository) for part, is_code in _parts(markdown))


def _parts(markdown: str) -> Iterator[tuple[str, bool]]:
    """Pieces of the text, and whether each is code."""
    end = 0
    for found in _CODE.finditer(markdown):
        yield markdown[end : found.start()], False
        yield found[0], True
        end = found.end()
    yield markdown[end:], False


def _rewritten(part: str, is_code: bool, page: str, repository: str) -> str:
    if not is_code:
        return _LINK.sub(lambda found: _target(found[1], page, repository), part)
    named = _PATH.fullmatch(part)
    if named is None or not (ROOT / named[1]).exists():
        return part
    here = posixpath.dirname(f"docs/{page}")
    return f"[{part}]({_target(posixpath.relpath(named[1], here), page, repository)})"


def _target(link: str, page: str, repository: str) -> str:
    """Where a link of a page leads on the site."""
    if re.match(r"[a-z]+:|#|/", link):
        return link
    path, hash_, anchor = link.partition("#")
    place = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), path))
    if place.startswith("docs/"):
        return link
    kind = "tree" if (ROOT / place).is_dir() else "blob"
    return f"{repository}/{kind}/main/{place}{hash_}{anchor}"
