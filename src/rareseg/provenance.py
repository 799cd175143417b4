"""Where a result came from: versions, hardware, threads, command and time."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["collect_provenance", "digest_of", "digest_of_files"]

_PACKAGES = ("rareseg", "torch", "lightning", "numpy", "scipy", "pyarrow", "pillow", "tifffile")


def digest_of(value: Mapping[str, Any]) -> str:
    """Short stable digest of a JSON-like mapping, to tell whether two settings are the same."""
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def digest_of_files(text: str, files: Sequence[Path]) -> str:
    """Digest of a text and of the bytes of files, in this order."""
    found = hashlib.sha256(text.encode())
    for file in files:
        with file.open("rb") as stream:
            found.update(hashlib.file_digest(stream, "sha256").digest())
    return found.hexdigest()


def collect_provenance(*, device: str = "cpu") -> dict[str, Any]:
    """Describe this process and machine; nothing in it names the user or the network.

    Args:
        device: Torch device that does the work, such as ``"cpu"`` or ``"cuda:0"``.
    """
    import torch

    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "versions": versions,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": device,
        "gpu": torch.cuda.get_device_name(device) if device.startswith("cuda") else None,
        "code": _git_commit(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git_commit() -> str | None:
    """Commit of the source tree that runs, where it runs from one."""
    folder = Path(__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None
