"""What the pages of the documentation show runs: Python, the commands of the first page, and predictions."""

from __future__ import annotations

import doctest
import os
import re
import shlex
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from PIL import Image

from doc_pages import DOCS, PAGES, ROOT, Block, fenced, inline_code, name_of, prose, shell_lines
from rareseg.cli.main import main
from tiny import make_tiny_dataset, make_tiny_study

SMALL = {"budget": {"steps": 2, "batch_size": 2, "patch_size": 32}, "seeds": [0], "record": {}}
SMALL_BASE = {"model": {"name": "unet", "base_channels": 4, "depth": 2}}
BLOCKS = [block for page in PAGES for block in fenced(page)]
PYTHON = [block for block in BLOCKS if block.language == "python"]


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {block.language for block in BLOCKS} <= {"bash", "python", "yaml"}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder such as the pages speak of: my_data with its study, finished runs, a bundle, and new images."""
    folder = tmp_path_factory.mktemp("workplace")
    data = make_tiny_dataset(folder / "my_data")
    study = make_tiny_study(
        data, Path(), name="my_data", strategies={"baseline": {}, "focal_iscf": {}}, **SMALL
    )
    assert main(["run", str(study), "--out", str(folder / "runs"), "--device", "cpu", "--quiet"]) == 0
    run = folder / "runs" / "focal_iscf" / "seed-0"
    assert main(["export", str(run), "--out", str(folder / "bundle"), "--quiet"]) == 0
    (folder / "new_images").mkdir()
    shutil.copy(data / "images" / "im00.png", folder / "new_images" / "a.png")
    with Image.open(data / "images" / "im01.png") as image:
        image.save(folder / "scene.tif")
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


def test_commands_of_the_page_on_deployment_run(
    workplace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(workplace, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    pytest.importorskip("onnxscript", reason="the extra openvino is not installed")
    pytest.importorskip("openvino", reason="the extra openvino is not installed")
    lines = [
        line for line in shell_lines(DOCS / "deployment.md") if re.match("rareseg (export|predict) ", line)
    ]
    assert len({line.split()[1] for line in lines}) == 2
    for line in lines:
        words = shlex.split(line, comments=True)
        assert main([*words[1:], "--quiet"]) == 0, line
        assert Path(words[words.index("--out") + 1]).exists()


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
