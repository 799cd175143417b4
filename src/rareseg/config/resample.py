"""The section ``resample`` of ``dataset.yaml``: finer pixels than the files have."""

from __future__ import annotations

from typing import Literal

from rareseg.config.load import Settings

__all__ = ["ResampleSettings"]


class ResampleSettings(Settings):
    """Images enlarged by cubic, masks by nearest-neighbour interpolation."""

    factor: Literal[2, 3, 4]
    """Pixels along each axis for one of the file."""
