"""Read every file of a dataset once, so that mistakes show before training starts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from rareseg.data.class_pixels import count_class_pixels, map_in_threads, require_training_pixels
from rareseg.data.source import Source
from rareseg.data.splits import Splits
from rareseg.errors import SizeMismatchError, SplitError
from rareseg.types import Region

__all__ = ["check_dataset"]


def check_dataset(
    source: Source, splits: Splits, progress: Callable[[int, int], None] | None = None
) -> dict[Region, NDArray[np.int64]]:
    """Decode every image and mask of a split, other labels too, and raise the first mistake.

    Args:
        source: The dataset.
        splits: Its parts; samples in none of them are not read.
        progress: Called with (samples read, samples).

    Returns:
        Pixels of each class and, last, of ignored ones, ``(k + 1,)``, for every region.

    Raises:
        DataError: A file is missing, truncated or of other bands, a mask is of another size than its image or
            holds a value or colour that no class has.
        SplitError: A part is empty, or a class has no pixel in the training part.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.data.open_dataset import open_dataset
        >>> from rareseg.data.splits import make_splits
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=6, size=(256, 256))
        ...     settings = load_dataset_settings(path)
        ...     source = open_dataset(settings)
        ...     counts = check_dataset(source, make_splits(source, settings.split))
        >>> len(counts), sum(int(pixels.sum()) for pixels in counts.values()) == 6 * 256 * 256
        (12, True)
    """
    regions: dict[str, list[Region]] = {}
    for part in splits.parts:
        if not part.regions:
            raise SplitError(f"The part '{part.name}' of the split is empty; give it at least one sample.")
        for region in part.regions:
            regions.setdefault(region.sample, []).append(region)
    num_classes = source.class_table.num_classes

    def read(sample: str) -> list[NDArray[np.int64]]:
        image, mask = source.read_image(sample), source.read_mask(sample)
        for found in (mask, *(source.read_mask(sample, labels=name) for name in source.other_labels)):
            if found.shape != image.shape[1:]:
                raise SizeMismatchError(
                    f"The mask of '{sample}' is {found.shape[0]} x {found.shape[1]} pixels, but its image is "
                    f"{image.shape[1]} x {image.shape[2]}; make both the same size."
                )
        return [count_class_pixels(mask[region.window.slices], num_classes) for region in regions[sample]]

    counts: dict[Region, NDArray[np.int64]] = {}
    for done, (sample, found) in enumerate(zip(regions, map_in_threads(read, regions), strict=True), start=1):
        counts.update(zip(regions[sample], found, strict=True))
        if progress is not None:
            progress(done, len(regions))
    cure = "move an image that holds it to train, or take it off `classes`"
    if source.class_table.kind in ("binary", "per_class"):
        cure += f", or lower masks.threshold (now {source.class_table.threshold})"
    require_training_pixels(
        sum(counts[region] for region in splits.train.regions), source.class_table.names, cure=cure
    )
    return counts
