"""Section ``npz`` of ``dataset.yaml``: how images and masks lie in arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, field_validator, model_validator

from rareseg.config.load import Settings

if TYPE_CHECKING:
    from rareseg.config.dataset import DatasetSettings, MaskSettings

__all__ = ["NpzSettings", "check_array_keys"]


class NpzSettings(Settings):
    """Where a stack of tiles is, and the order of its axes.

    Example:
        >>> NpzSettings(file="mars.npz", images="training_set", mask_channel="last").axes is None
        True
    """

    file: str = Field(min_length=1)
    """Below root: an .npz file, an .npy file, or a folder of .npy files, whose names are then the keys."""
    images: str = Field(min_length=1)
    """Key of the array of images."""
    axes: str | None = None
    """Letters of the images' axes in order: n, h, w and, where there are channels, c. By default nhw for
    three axes; for four, nchw or nhwc where only one of the two can be meant."""
    mask_channel: Literal["first", "last"] | None = None
    """The channel of the images' array that is the mask; by default masks have an array of their own."""

    @field_validator("axes")
    @classmethod
    def _letters(cls, axes: str | None) -> str | None:
        if axes is not None and sorted(axes) not in (sorted("nhw"), sorted("nchw")):
            raise ValueError("axes are the letters n, h, w and perhaps c, each once, such as 'nhwc'")
        return axes

    @model_validator(mode="after")
    def _has_channels(self) -> Self:
        if self.mask_channel is not None and self.axes is not None and "c" not in self.axes:
            raise ValueError(f"mask_channel is given, but axes '{self.axes}' have no channels (c)")
        return self


def check_array_keys(settings: DatasetSettings) -> None:
    """Refuse masks that name no array where they are arrays, or an array where they are files.

    Raises:
        ValueError: In the words of a settings model.
    """
    for where, masks in _all_masks(settings):
        if settings.format != "npz":
            if masks.key is not None:
                raise ValueError(f"{where}.key has no effect where format is '{settings.format}'; remove it")
            continue
        for key in ("folder", "suffix", "column", "missing"):
            if key in masks.model_fields_set:
                raise ValueError(f"{where}.{key} has no effect where format is 'npz'; remove it")
        if masks.kind not in ("indexed", "binary"):
            raise ValueError(f"{where}.kind is '{masks.kind}', but arrays are 'indexed' or 'binary'")
    if settings.npz is None:
        return
    if (settings.npz.mask_channel is None) == (settings.masks.key is None):
        raise ValueError(
            "say where the masks are: give either npz.mask_channel (first or last), or masks.key, the name "
            "of their array"
        )


def _all_masks(settings: DatasetSettings) -> list[tuple[str, MaskSettings]]:
    others = [(f"other_masks.{name}", masks) for name, masks in settings.other_masks.items()]
    return [("masks", settings.masks), *others]
