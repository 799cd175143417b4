"""Whether a schedule and its kin can come into effect within a run: an option that cannot is a mistake."""

from __future__ import annotations

from rareseg.config.recipe import EarlyStoppingSettings, PatchSizesSettings, ScheduleSettings
from rareseg.errors import ConfigError

__all__ = ["check_takes_effect", "validation_steps"]


def validation_steps(steps: int, validate_every: int | None) -> range:
    """Steps after which a run of ``steps`` validates, without the last one, at which it does so in any case.

    Args:
        steps: Optimizer steps of the run.
        validate_every: Steps between validations; None for a tenth of the run.

    Example:
        >>> list(validation_steps(10, 4))
        [4, 8]
    """
    every = validate_every or max(1, steps // 10)
    return range(every, steps, every)


def check_takes_effect(
    schedule: ScheduleSettings,
    early_stopping: EarlyStoppingSettings | None,
    patch_sizes: PatchSizesSettings | None,
    *,
    steps: int,
    validate_every: int | None,
    where: str,
) -> None:
    """Refuse what no step of the run would notice.

    The first validation is better than none before it, so a patience of n needs n + 1 validations, and steps after
    the last of them for its effect to show.

    Args:
        schedule: Of the learning rate.
        early_stopping: When training ends before its budget.
        patch_sizes: Sizes in turn.
        steps: Optimizer steps of the run.
        validate_every: Steps between validations; None for a tenth of the run.
        where: What the message names first.

    Raises:
        ConfigError: Something is longer than the run.

    Example:
        >>> check_takes_effect(ScheduleSettings(name="step", every=100), None, None, steps=40, validate_every=None,
        ...                    where="study")
        Traceback (most recent call last):
        rareseg.errors.ConfigError: study: schedule.every is 100, but the run has only 40 steps, ...
    """
    if schedule.name == "step" and schedule.every is not None and schedule.every >= steps:
        raise ConfigError(
            f"{where}: schedule.every is {schedule.every}, but the run has only {steps} steps, so the rate never "
            f"falls; set it below {steps}, or leave the schedule out."
        )
    if patch_sizes is not None and patch_sizes.every >= steps:
        raise ConfigError(
            f"{where}: patch_sizes.every is {patch_sizes.every}, but the run has only {steps} steps, so the second "
            f"size never has its turn; set it below {steps}."
        )
    chances = len(validation_steps(steps, validate_every))
    waits = {"schedule": schedule.patience} if schedule.name == "plateau" else {}
    if early_stopping is not None:
        waits["early_stopping"] = early_stopping.patience
    for name, patience in waits.items():
        if patience >= chances:
            effect = "the rate never falls" if name == "schedule" else "training never ends early"
            raise ConfigError(
                f"{where}: {name}.patience is {patience} validations after the first, but a run of {steps} steps has "
                f"only {chances} before its end, so {effect}; lower the patience or record.validate_every."
            )
