"""A strategy in one line, from its resolved configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rareseg.config.recipe import OptimizerSettings, ScheduleSettings

__all__ = ["PARTS", "describe_strategy"]

PARTS = (
    "loss",
    "sampling",
    "head",
    "model",
    "decision",
    "phases",
    "augmentation",
    "patch_sizes",
    "optimizer",
    "schedule",
    "clip_gradient",
    "ema",
    "early_stopping",
    "weights",
)
"""Parts of a strategy in the order in which they are told."""

_USUAL = {"optimizer": OptimizerSettings().model_dump(), "schedule": ScheduleSettings().model_dump()}


def describe_strategy(strategy: Mapping[str, Any]) -> dict[str, str]:
    """Each part of a strategy in plain words; parts that are empty are left out.

    Args:
        strategy: The key ``strategy`` of a run's ``config.yaml``.

    Example:
        >>> describe_strategy({"loss": [{"name": "focal", "gamma": 2.0}], "sampling": {"name": "uniform"}})
        {'loss': 'focal (gamma 2)', 'sampling': 'uniform'}
    """
    return {part: text for part in PARTS if (text := _words(_told(part, strategy.get(part))))}


def _told(part: str, value: Any) -> Any:
    """An optimizer or a schedule without the options that are as usual, most of which say nothing to it."""
    usual = _USUAL.get(part)
    if usual is None or not isinstance(value, Mapping):
        return value
    return {key: item for key, item in value.items() if key in ("name", "lr") or item != usual.get(key)}


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        options = {
            key: item for key, item in value.items() if key != "name" and item not in (None, "", [], {}, ())
        }
        told = ", ".join(f"{key.replace('_', ' ')} {_words(item)}" for key, item in options.items())
        name = str(value["name"]).replace("_", " ") if "name" in value else ""
        return f"{name} ({told})" if name and told else name or told
    if isinstance(value, Sequence) and not isinstance(value, str):
        parts = [_words(item) for item in value]
        return (" + " if any(isinstance(item, Mapping) for item in value) else ", ").join(parts)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)
