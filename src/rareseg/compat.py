"""Installed packages that break others merely by being there, found before they do."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys

from rareseg.errors import ConfigError

__all__ = ["check_torchvision"]


def check_torchvision() -> None:
    """Refuse a torchvision whose build does not belong to the installed torch; none at all is fine.

    rareseg does not use torchvision, but torchmetrics, which lightning needs, imports it where it finds it, and
    then fails without a word of what is wrong; so do timm and segmentation_models_pytorch, which cannot do without
    it. Call this before any of them is imported.

    Raises:
        ConfigError: torchvision is installed and cannot be imported.

    Example:
        >>> check_torchvision()
    """
    if "torchvision" in sys.modules or importlib.util.find_spec("torchvision") is None:
        return
    try:
        importlib.import_module("torchvision")
    # AttributeError: what a second attempt raises, when parts of the first are left in sys.modules.
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise ConfigError(
            f"Expected a torchvision that matches torch {_version('torch')}, but torchvision "
            f"{_version('torchvision')} cannot be imported ({reason}), and what imports it (lightning, "
            "segmentation_models_pytorch) fails with it. Only the model 'smp' needs it: pip uninstall torchvision, "
            "or install the build that belongs to this torch, from where torch came."
        ) from None


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"
