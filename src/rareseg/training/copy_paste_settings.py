"""Settings of copy-paste, and where its donors come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from numpy.typing import ArrayLike
from pydantic import BeforeValidator, Field, PrivateAttr

from rareseg.config.load import Settings
from rareseg.errors import OptionError
from rareseg.training.class_choice import choose_classes

__all__ = ["ClassNames", "CopyPasteSettings", "donor_sampling"]


def _one_or_more(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


ClassNames = Annotated[tuple[str, ...], BeforeValidator(_one_or_more)]
"""Class names, one alone or a list; ``rare`` and ``rarest`` are words for classes of any dataset."""


class CopyPasteSettings(Settings):
    """Defects of other patches are set into a patch, see `copy_paste`."""

    probability: float = Field(default=0.5, gt=0, le=1)
    """Share of the patches that are given one."""
    classes: Annotated[ClassNames, Field(min_length=1)] = ("rare",)
    """Classes that are copied."""
    max_per_patch: int = Field(default=1, ge=1, le=16)
    """Most defects that one patch is given; the number is drawn from 1 to this."""
    flips: bool = True
    """Mirror rows and columns of the donor, each with probability one half."""
    rim: int = Field(default=4, ge=2, le=32)
    """Width in pixels of the seam, in which the donor's surroundings fade into the recipient's."""

    _indices: tuple[int, ...] | None = PrivateAttr(default=None)

    def resolved(
        self, class_names: Sequence[str], *, class_pixels: ArrayLike | None = None
    ) -> CopyPasteSettings:
        """The same settings, which know the class indices of their names.

        Args:
            class_names: Names in the order of class indices.
            class_pixels: Training pixels of each class, for ``rare`` and ``rarest``, see `choose_classes`.

        Raises:
            UnknownNameError: A name is no class.
            OptionError: No class is meant, since none but the most frequent one has training pixels.
        """
        indices = choose_classes(self.classes, class_names=class_names, class_pixels=class_pixels)
        if not indices:
            raise OptionError(
                "copy_paste needs a rare class with training pixels, but the training part has none; "
                "name `classes` or drop copy_paste."
            )
        copy = self.model_copy()
        copy._indices = indices
        return copy

    @property
    def class_indices(self) -> tuple[int, ...]:
        """Indices of the classes, once they are resolved.

        Raises:
            OptionError: They are not.
        """
        if self._indices is None:
            raise OptionError(
                "copy_paste knows the names of its classes but not their indices; call `resolved(class_names)` "
                "or give `class_names` to AugmentationSettings.parse."
            )
        return self._indices


def donor_sampling(settings: CopyPasteSettings, class_names: Sequence[str]) -> dict[str, Any]:
    """Settings of the plan that donors are drawn with: each class in an equal share of them.

    Args:
        settings: Settings that are resolved, see `CopyPasteSettings.resolved`.
        class_names: Names in the order of class indices.

    Example:
        >>> names = ["background", "cavity", "crack"]
        >>> donor_sampling(CopyPasteSettings().resolved(names), names)
        {'name': 'oversample', 'shares': {'cavity': 0.5, 'crack': 0.5}}
    """
    indices = settings.class_indices
    return {"name": "oversample", "shares": {class_names[index]: 1 / len(indices) for index in indices}}
