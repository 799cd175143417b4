"""What a decision is tuned for."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from rareseg.config.costs import CostSettings
from rareseg.config.load import Settings

__all__ = ["AIM_NAMES", "AimSettings"]

AIM_NAMES = ("f_beta", "contest_dice", "recall", "cost")


class AimSettings(Settings):
    """An aim with its options.

    Example:
        >>> AimSettings(name="f_beta", beta=2.0).title
        'F2'
    """

    name: Literal["f_beta", "contest_dice", "recall", "cost"]
    beta: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """For f_beta: above 1, recall weighs more than precision; 1 where it is not given."""
    max_false_alarms: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """For recall: most false regions, of all classes together, in a megapixel."""
    costs: CostSettings | None = None
    """For cost: the cost table."""

    @model_validator(mode="after")
    def _options_fit(self) -> Self:
        owners = {"beta": "f_beta", "max_false_alarms": "recall", "costs": "cost"}
        flags = {"beta": "--beta", "max_false_alarms": "--max-false-alarms", "costs": "--costs"}
        for option, owner in owners.items():
            if getattr(self, option) is not None and self.name != owner:
                raise ValueError(
                    f"{flags[option]} is for the aim '{owner}' and has no effect on '{self.name}'"
                )
        if self.name == "recall" and self.max_false_alarms is None:
            raise ValueError(
                "the aim 'recall' needs --max-false-alarms, the most false regions in a megapixel, such as 0.5"
            )
        if self.name == "cost" and self.costs is None:
            raise ValueError(
                "the aim 'cost' needs --costs, a yaml file of what errors cost, see docs/formats.md"
            )
        return self

    @property
    def title(self) -> str:
        """The aim in a few words."""
        if self.name == "f_beta":
            return f"F{self.beta or 1:g}"
        if self.name == "recall":
            return f"recall at {self.max_false_alarms:g} false regions a megapixel"
        return {"contest_dice": "contest Dice", "cost": "cost"}[self.name]
