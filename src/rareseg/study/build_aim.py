"""From an aim's settings to the aim."""

from __future__ import annotations

from collections.abc import Sequence

from rareseg.config.aim import AimSettings
from rareseg.errors import OptionError, UnknownNameError
from rareseg.metrics.aims import Aim, ContestDiceAim, CostAim, FBetaAim, RecallAim

__all__ = ["build_aim"]


def build_aim(settings: AimSettings, class_names: Sequence[str], *, counted: Sequence[str]) -> Aim:
    """Make the aim that settings name.

    Args:
        settings: The aim.
        class_names: All classes, the background first.
        counted: Classes that means over classes count: those that the judged images hold.

    Raises:
        UnknownNameError: A cost table names an unknown class.
        OptionError: It names the background.

    Example:
        >>> build_aim(AimSettings(name="f_beta"), ["background", "crack", "pore"], counted=["pore"]).classes
        (1,)
    """
    rare = list(class_names[1:])
    places = tuple(rare.index(name) for name in counted)
    if settings.name == "f_beta":
        return FBetaAim(settings.beta or 1.0, places)
    if settings.name == "contest_dice":
        return ContestDiceAim()
    if settings.name == "recall":
        assert settings.max_false_alarms is not None
        return RecallAim(settings.max_false_alarms, places)
    assert settings.costs is not None
    return CostAim(
        _by_class(settings.costs.missed_region, class_names, "missed_region"),
        _by_class(settings.costs.false_region, class_names, "false_region"),
        settings.costs.missed_image,
        settings.costs.false_stop,
    )


def _by_class(costs: float | dict[str, float], class_names: Sequence[str], key: str) -> tuple[float, ...]:
    if not isinstance(costs, dict):
        return (costs,) * (len(class_names) - 1)
    for name in costs:
        if name not in class_names:
            raise UnknownNameError("class", name, class_names)
        if name == class_names[0]:
            raise OptionError(f"'{key}' names '{name}', but the first class is the background; leave it out.")
    return tuple(costs.get(name, 0.0) for name in class_names[1:])
