"""What training really saw: pixels and patches of each class, counted as batches go by."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import ArtefactError

__all__ = ["ExposureCounter"]

_MOST_CLASSES_TO_COMPARE = 12


class ExposureCounter:
    """Counts the masks of every trained patch for ``exposure.json``.

    Args:
        class_names: Names in the order of class indices.
        samples: Sample of each training region, in the order of ``region_index``; names may repeat.

    Example:
        >>> counter = ExposureCounter(class_names=["good", "bad"], samples=["a"])
        >>> counter.add(np.array([0]), np.array([[[0, 0, 1, 255]]], np.uint8))
        >>> counter.to_dict()["pixels"], counter.to_dict()["images"]
        ({'good': 2, 'bad': 1}, {'a': 1})
    """

    def __init__(self, *, class_names: Sequence[str], samples: Sequence[str]) -> None:
        self.class_names = tuple(class_names)
        self.samples = tuple(dict.fromkeys(samples))
        numbers = {sample: number for number, sample in enumerate(self.samples)}
        self._sample_of_region = np.array([numbers[sample] for sample in samples], np.int64)
        # Column 0 counts pixels, column 1 patches; the row after the last class is for ignored pixels.
        self._classes = np.zeros((len(self.class_names) + 1, 2), np.int64)
        self._images = np.zeros(len(self.samples), np.int64)

    @property
    def num_patches(self) -> int:
        """Patches counted so far."""
        return int(self._images.sum())

    def add(self, region_index: NDArray[np.int64], masks: NDArray[np.uint8]) -> None:
        """Count one batch.

        Args:
            region_index: ``(b,)`` region of each patch.
            masks: ``(b, h, w)`` class indices as the loss sees them; all that is no class counts as ignored.
        """
        counts = _count_classes(masks, len(self.class_names))
        self._classes[:, 0] += counts.sum(axis=0)
        self._classes[:, 1] += (counts > 0).sum(axis=0)
        self._images += np.bincount(self._sample_of_region[region_index], minlength=len(self.samples))

    def copy(self) -> ExposureCounter:
        """A counter of its own with the same counts."""
        twin = copy.copy(self)
        twin._classes, twin._images = self._classes.copy(), self._images.copy()
        return twin

    def merge(self, other: ExposureCounter) -> None:
        """Add what another process counted on the same data."""
        classes, images = self._parse(other.state())
        self._classes += classes
        self._images += images

    def state(self) -> dict[str, Any]:
        """Plain lists of numbers from which `load_state` goes on exactly."""
        return {"classes": self._classes.tolist(), "images": self._images.tolist()}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take over the counts of an interrupted run.

        Raises:
            ArtefactError: The counts are of other classes or images.
        """
        self._classes, self._images = self._parse(state)

    def to_dict(self, *, planned: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The keys of ``exposure.json`` (``exposure/1``); ``planned`` is what the plans promised."""
        pixels, patches = self._classes.T.tolist()
        return {
            "num_patches": self.num_patches,
            "pixels": dict(zip(self.class_names, pixels[:-1], strict=True)),
            "patches_with": dict(zip(self.class_names, patches[:-1], strict=True)),
            "ignored_pixels": pixels[-1],
            "images": dict(zip(self.samples, self._images.tolist(), strict=True)),
            "planned": planned,
        }

    def _parse(self, state: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        classes = np.array(state.get("classes", []), np.int64)
        images = np.array(state.get("images", []), np.int64)
        if classes.shape != self._classes.shape or images.shape != self._images.shape:
            here = f"{len(self.class_names)} classes and {len(self.samples)} images"
            came = f"{max(0, len(classes) - 1)} and {len(images)}"
            raise ArtefactError(
                f"The checkpoint should count {here}, "
                f"but counts {came}; the data has changed, start the run anew."
            )
        return classes, images


def _count_classes(masks: NDArray[np.uint8], num_classes: int) -> NDArray[np.int64]:
    """``(b, k + 1)`` pixels of each class and, last, of none of them in each patch.

    Comparing bytes is vectorised by the processor and beats a histogram threefold for few classes; for many,
    one histogram of each patch costs the same whatever their number.
    """
    counts = np.empty((len(masks), num_classes + 1), np.int64)
    for patch, mask in zip(counts, masks, strict=True):
        if num_classes <= _MOST_CLASSES_TO_COMPARE:
            patch[:-1] = [np.count_nonzero(mask == number) for number in range(num_classes)]
        else:
            patch[:-1] = np.bincount(mask.ravel(), minlength=256)[:num_classes]
        patch[-1] = mask.size - patch[:-1].sum()
    return counts
