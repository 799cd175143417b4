"""A cost table: what it costs to be wrong, in the user's own unit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from rareseg.config.load import Settings, load_settings

__all__ = ["CostSettings", "load_costs"]

Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CostSettings(Settings):
    """Costs of errors. A number stands for every class but the background; a table names classes, others cost 0."""

    missed_region: Cost | dict[str, Cost] = 0.0
    """A region of the class that no pixel of the prediction hits."""
    false_region: Cost | dict[str, Cost] = 0.0
    """A predicted region of the class that touches none that was hit."""
    missed_image: Cost = 0.0
    """An image with a defect in which nothing at all was seen."""
    false_stop: Cost = 0.0
    """An image without a defect in which something was seen."""

    @model_validator(mode="after")
    def _both_ways(self) -> Self:
        missed = self._largest(self.missed_region, self.missed_image)
        false = self._largest(self.false_region, self.false_stop)
        if not missed or not false:
            wanting, free = ("missed_region or missed_image", "nothing is ever seen")
            if missed:
                wanting, free = ("false_region or false_stop", "everything is called a defect")
            raise ValueError(
                f"both kinds of error must cost something, or it is cheapest when {free}; give {wanting}"
            )
        return self

    @staticmethod
    def _largest(by_class: float | dict[str, float], other: float) -> float:
        costs = list(by_class.values()) if isinstance(by_class, dict) else [by_class]
        return max(other, *costs) if costs else other


def load_costs(path: Path) -> CostSettings:
    """Read a cost table.

    Raises:
        ConfigError: The file is missing or wrong.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "costs.yaml"
        ...     _ = path.write_text("{missed_region: {cavity: 50}, false_stop: 3}")
        ...     load_costs(path).false_stop
        3.0
    """
    return load_settings(CostSettings, path)
