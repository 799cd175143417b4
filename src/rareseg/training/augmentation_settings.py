"""Settings of augmentation, as ``augmentation`` in a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from numpy.typing import ArrayLike
from pydantic import BeforeValidator, Field, PrivateAttr, field_validator

from rareseg.config.load import Settings, parse_settings
from rareseg.errors import OptionError
from rareseg.training.class_choice import choose_classes
from rareseg.training.copy_paste_settings import ClassNames, CopyPasteSettings

__all__ = ["AugmentationSettings"]

_LEAST_ZOOM, _MOST_ZOOM = 0.5, 2.0
"""Beyond a half, bilinear interpolation would leave pixels out and alias."""


def _zoom_range(value: Any) -> Any:
    """A number ``s`` is short for ``[1 / (1 + s), 1 + s]``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        if value < 0:
            raise ValueError("one number is how strongly to zoom, from 0 to 1; give two for a range")
        return (1 / (1 + value), 1.0 + value)
    return value


class AugmentationSettings(Settings):
    """Which changes are made; all are off by default, as in the foil thesis."""

    flips: bool = False
    """Mirror rows and columns, each with probability one half."""
    quarter_turns: bool = False
    """Turn by 0, 90, 180 or 270 degrees; only for square patches."""
    zoom: Annotated[tuple[float, float], BeforeValidator(_zoom_range)] = (1.0, 1.0)
    """Smallest and largest factor, of which 2 shows things twice as large; factors and their inverses are
    equally likely. One number ``s`` is short for ``[1 / (1 + s), 1 + s]``."""
    translation: float = Field(default=0.0, ge=0, le=0.5)
    """Largest shift along rows and columns, as a share of the patch's side."""
    rotation: float = Field(default=0.0, ge=0, le=180)
    """Largest angle in degrees, to either side."""
    elastic: float = Field(default=0.0, ge=0, le=64)
    """Largest displacement in pixels of a smooth random field, which never folds."""
    brightness: float = Field(default=0.0, ge=0, le=1)
    """Add up to this share of the patch's standard deviation, the same for all pixels of a band."""
    contrast: float = Field(default=0.0, ge=0, lt=1)
    """Stretch around the patch's mean by a factor within 1 +- this."""
    noise: float = Field(default=0.0, ge=0, le=1)
    """Standard deviation of Gaussian noise, as a share of the patch's own."""
    only_for: ClassNames = ()
    """Change only patches that hold one of these classes; all patches where none is named. Copy-paste does
    not ask."""
    copy_paste: CopyPasteSettings | None = None
    """Set defects of other patches into a patch."""

    _indices: tuple[int, ...] | None = PrivateAttr(default=None)

    @field_validator("zoom")
    @classmethod
    def _in_order(cls, zoom: tuple[float, float]) -> tuple[float, float]:
        if not _LEAST_ZOOM <= zoom[0] <= zoom[1] <= _MOST_ZOOM:
            raise ValueError(
                f"the zoom goes from a smaller to a larger factor within {_LEAST_ZOOM:g} and {_MOST_ZOOM:g}"
            )
        return zoom

    @classmethod
    def parse(
        cls,
        value: Mapping[str, Any],
        *,
        patch_size: tuple[int, int],
        class_names: Sequence[str] | None = None,
        class_pixels: ArrayLike | None = None,
    ) -> AugmentationSettings:
        """Check a recipe's ``augmentation``.

        Args:
            value: Keys as in ``study.yaml``.
            patch_size: Rows and columns of a patch.
            class_names: Names in the order of class indices; needed before settings that name classes are used.
            class_pixels: Training pixels of each class, for ``rare`` and ``rarest``, see `choose_classes`.

        Raises:
            ConfigError: Unknown option or value out of range.
            OptionError: Quarter turns of patches that are not square, or ``only_for`` with nothing to change.
            UnknownNameError: A class does not exist.

        Example:
            >>> light = {"zoom": 0.1, "rotation": 15, "only_for": ["cavity"]}
            >>> names = ["background", "cavity"]
            >>> AugmentationSettings.parse(light, patch_size=(64, 64), class_names=names).class_indices
            (1,)
        """
        settings = parse_settings(cls, value, where="augmentation")
        if settings.quarter_turns and patch_size[0] != patch_size[1]:
            raise OptionError(
                f"augmentation.quarter_turns needs square patches, but patch_size is {patch_size[0]} x "
                f"{patch_size[1]}; use flips instead or make the patch square."
            )
        if settings.only_for and not settings.changes_patches:
            raise OptionError(
                "augmentation.only_for says which patches are changed, but no change is asked for; add one, such "
                "as flips, or drop only_for."
            )
        if class_names is None:
            return settings
        return settings._resolved(class_names, class_pixels)

    def _resolved(self, class_names: Sequence[str], class_pixels: ArrayLike | None) -> AugmentationSettings:
        paste = self.copy_paste and self.copy_paste.resolved(class_names, class_pixels=class_pixels)
        copy = self.model_copy(update={"copy_paste": paste})
        copy._indices = choose_classes(self.only_for, class_names=class_names, class_pixels=class_pixels)
        return copy

    @property
    def resamples(self) -> bool:
        """Whether pixels move by other than whole steps."""
        return self.zoom != (1.0, 1.0) or bool(self.translation or self.rotation or self.elastic)

    @property
    def changes_patches(self) -> bool:
        """Whether `augment` has anything to do."""
        return self.resamples or bool(
            self.flips or self.quarter_turns or self.brightness or self.contrast or self.noise
        )

    @property
    def class_indices(self) -> tuple[int, ...]:
        """Indices of the classes in ``only_for``.

        Raises:
            OptionError: The settings were parsed without ``class_names``.
        """
        if self._indices is None:
            raise OptionError(
                "augmentation.only_for names classes, but their indices are not known; give `class_names` to "
                "AugmentationSettings.parse."
            )
        return self._indices
