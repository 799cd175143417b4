"""A torchvision that does not belong to torch is named in one line, from the command line and from Python."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tiny import make_tiny_dataset, make_tiny_study

MISMATCH = "raise RuntimeError('operator torchvision::nms does not exist')\n"


def _install_torchvision(folder: Path, code: str, *, version: str = "0.99.1") -> Path:
    """A folder for ``PYTHONPATH`` that holds a package of this name whose import runs ``code``."""
    (folder / "torchvision").mkdir(parents=True)
    (folder / "torchvision" / "__init__.py").write_text(code)
    information = folder / f"torchvision-{version}.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: torchvision\nVersion: {version}\n")
    return folder


def _python(*arguments: str, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(path)}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True)


def test_the_command_line_says_it_in_one_line(tmp_path: Path) -> None:
    study = make_tiny_study(tmp_path, make_tiny_dataset(tmp_path / "data"))
    path = _install_torchvision(tmp_path / "site", MISMATCH)
    out = tmp_path / "runs"
    done = _python("-m", "rareseg", "run", str(study), "--out", str(out), "--device", "cpu", path=path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: Expected a torchvision that matches torch 2.")
    assert "torchvision 0.99.1 cannot be imported (operator torchvision::nms does not exist)" in line
    assert "pip uninstall torchvision" in line
    assert not out.exists()


@pytest.mark.parametrize("module", ["train", "task", "recorder"])
def test_a_library_user_gets_the_same_line(module: str, tmp_path: Path) -> None:
    path = _install_torchvision(tmp_path, "import a_library_that_is_not_there\n")
    done = _python("-c", f"import rareseg.training.{module}", path=path)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("rareseg.errors.ConfigError: Expected a torchvision that matches torch")
    assert "(No module named 'a_library_that_is_not_there')" in last


def test_the_model_smp_gets_the_same_line(tmp_path: Path) -> None:
    path = _install_torchvision(tmp_path, MISMATCH)
    (path / "segmentation_models_pytorch.py").write_text("import torchvision\n")
    code = "from rareseg.models.build import build_model; build_model('smp', in_channels=1, num_classes=2)"
    last = _python("-c", code, path=path).stderr.splitlines()[-1]
    assert last.startswith("rareseg.errors.ConfigError: Expected a torchvision that matches torch")
    assert "install the build that belongs to this torch" in last


def test_a_torchvision_that_works_is_no_concern(tmp_path: Path) -> None:
    path = _install_torchvision(tmp_path, "")
    code = "from rareseg.compat import check_torchvision; check_torchvision(); check_torchvision()"
    done = _python("-c", code, path=path)
    assert (done.returncode, done.stderr) == (0, "")
