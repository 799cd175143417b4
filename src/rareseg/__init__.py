"""rareseg: semantic segmentation for classes that are a sliver of the pixels.

The names below are the public interface; each is imported when it is first used, so that ``import rareseg``
stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rareseg.config.dataset import DatasetSettings
    from rareseg.config.dataset import load_dataset_settings as load_dataset
    from rareseg.config.study import StudySettings
    from rareseg.config.study import load_study_settings as load_study
    from rareseg.data.foil import make_foil
    from rareseg.data.foil_dataset import write_foil_dataset
    from rareseg.data.open_dataset import open_dataset
    from rareseg.data.photometric_stereo import photometric_stereo
    from rareseg.data.splits import make_splits
    from rareseg.errors import RaresegError
    from rareseg.export.load_bundle import load_bundle
    from rareseg.inspection.duplicates import find_duplicates
    from rareseg.losses.weights import class_weights
    from rareseg.metrics.counts import confusion_counts
    from rareseg.metrics.rates import rates
    from rareseg.report.inspection_page import write_inspection_page
    from rareseg.report.write_report import write_report
    from rareseg.study.inspect_dataset import inspect_dataset
    from rareseg.study.load_run import load_run
    from rareseg.study.run_study import run_study
    from rareseg.types import Region, Window

__version__ = "0.1.0"

_HOMES = {
    "DatasetSettings": ("rareseg.config.dataset", "DatasetSettings"),
    "RaresegError": ("rareseg.errors", "RaresegError"),
    "Region": ("rareseg.types", "Region"),
    "StudySettings": ("rareseg.config.study", "StudySettings"),
    "Window": ("rareseg.types", "Window"),
    "class_weights": ("rareseg.losses.weights", "class_weights"),
    "confusion_counts": ("rareseg.metrics.counts", "confusion_counts"),
    "find_duplicates": ("rareseg.inspection.duplicates", "find_duplicates"),
    "inspect_dataset": ("rareseg.study.inspect_dataset", "inspect_dataset"),
    "load_bundle": ("rareseg.export.load_bundle", "load_bundle"),
    "load_dataset": ("rareseg.config.dataset", "load_dataset_settings"),
    "load_run": ("rareseg.study.load_run", "load_run"),
    "load_study": ("rareseg.config.study", "load_study_settings"),
    "make_foil": ("rareseg.data.foil", "make_foil"),
    "make_splits": ("rareseg.data.splits", "make_splits"),
    "open_dataset": ("rareseg.data.open_dataset", "open_dataset"),
    "photometric_stereo": ("rareseg.data.photometric_stereo", "photometric_stereo"),
    "rates": ("rareseg.metrics.rates", "rates"),
    "run_study": ("rareseg.study.run_study", "run_study"),
    "write_foil_dataset": ("rareseg.data.foil_dataset", "write_foil_dataset"),
    "write_inspection_page": ("rareseg.report.inspection_page", "write_inspection_page"),
    "write_report": ("rareseg.report.write_report", "write_report"),
}

__all__ = [
    "DatasetSettings",
    "RaresegError",
    "Region",
    "StudySettings",
    "Window",
    "__version__",
    "class_weights",
    "confusion_counts",
    "find_duplicates",
    "inspect_dataset",
    "load_bundle",
    "load_dataset",
    "load_run",
    "load_study",
    "make_foil",
    "make_splits",
    "open_dataset",
    "photometric_stereo",
    "rates",
    "run_study",
    "write_foil_dataset",
    "write_inspection_page",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rareseg' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
