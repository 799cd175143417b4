"""The section ``normalise`` of ``dataset.yaml``: ranges instead of training statistics."""

from __future__ import annotations

from typing import Self

from pydantic import Field, FiniteFloat, model_validator

from rareseg.config.load import Settings

__all__ = ["NormaliseSettings"]


class NormaliseSettings(Settings):
    """Range of each band that becomes 0 to 1, in the order of ``bands`` and in the files' own numbers."""

    low: tuple[FiniteFloat, ...] = Field(min_length=1)
    """What becomes 0, for each band."""
    high: tuple[FiniteFloat, ...] = Field(min_length=1)
    """What becomes 1, for each band; values beyond are not cut off."""

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if len(self.low) != len(self.high):
            raise ValueError(
                f"'low' has {len(self.low)} values and 'high' {len(self.high)}; give one of each for every band"
            )
        for band, (low, high) in enumerate(zip(self.low, self.high, strict=True)):
            if high <= low:
                raise ValueError(
                    f"'high' must be above 'low', but place {band} has {high:g} and {low:g}; mend one of them"
                )
        return self
