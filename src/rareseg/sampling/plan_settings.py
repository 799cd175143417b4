"""The keys that every sampling plan takes beside its own: blank, refuse and leave_out."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from rareseg.config.load import Settings

__all__ = ["BlankSettings", "DarkSettings", "LeaveOutSettings", "PlanSettings", "RefuseSettings"]


class BlankSettings(Settings):
    """Keys of ``blank``: how many patches hold nothing but background."""

    share: float = Field(ge=0, le=1)
    """Share of the patches, at the start of training, that hold background and no other class. All others hold
    a pixel of another class."""
    to: float | None = Field(default=None, ge=0, le=1)
    """Share at the end of training, reached in a straight line; null: the same throughout."""


class DarkSettings(Settings):
    """Keys of ``refuse.dark``."""

    below: float
    """A pixel is dark if the mean of its bands, in the numbers of the file, is less."""
    share: float = Field(default=0.5, ge=0, lt=1)
    """A patch with more than this share of dark pixels is refused."""


class RefuseSettings(Settings):
    """Keys of ``refuse``: patches that are drawn again."""

    ignored: float | None = Field(default=None, ge=0, lt=1)
    """A patch with more than this share of ignored pixels is refused."""
    dark: DarkSettings | None = None
    """Which patches are too dark."""

    @model_validator(mode="after")
    def _refuses_something(self) -> Self:
        if self.ignored is None and self.dark is None:
            raise ValueError("'refuse' names nothing to refuse; give 'ignored' or 'dark', or drop it")
        return self


class LeaveOutSettings(Settings):
    """Keys of ``leave_out``: training regions that no patch is drawn from."""

    blank: bool = False
    """Leave out regions without a pixel of any class but the background."""
    samples: tuple[str, ...] = ()
    """Leave out the regions of these samples, such as outliers."""

    @model_validator(mode="after")
    def _leaves_something_out(self) -> Self:
        if not self.blank and not self.samples:
            raise ValueError("'leave_out' names nothing; give 'blank: true' or 'samples', or drop it")
        return self


class PlanSettings(Settings):
    """Base of the keys of every plan; the background is the first class."""

    name: str
    blank: BlankSettings | None = None
    """Share of the patches that hold nothing but background; null: as the plan draws them."""
    refuse: RefuseSettings | None = None
    """Patches with too many ignored or dark pixels are drawn again."""
    leave_out: LeaveOutSettings | None = None
    """Training regions that no patch is drawn from."""
