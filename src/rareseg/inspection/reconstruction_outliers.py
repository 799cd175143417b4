"""Images that a small autoencoder, trained on the training images, cannot draw again."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import OptionError
from rareseg.inspection.duplicates import Duplicate
from rareseg.inspection.finding import Finding, counted, some
from rareseg.inspection.image_scan import ImageScan
from rareseg.inspection.reconstruct import reconstruct
from rareseg.inspection.thread_map import Progress

if TYPE_CHECKING:
    from rareseg.data.splits import TrainSplit

__all__ = [
    "LEAST_IMAGES",
    "NUM_PICTURES",
    "OUTLIER_SCORE",
    "ReconstructionOutliers",
    "reconstruction_outliers",
]

OUTLIER_SCORE = 5.0
"""Score above which an image is listed: so many robust standard deviations above the median."""
LEAST_IMAGES = 20
"""Different training images that there must be to learn from."""
NUM_FOLDS = 3
"""Autoencoders, each of which draws a third of the images and learns from the others."""
NUM_PICTURES = 12
"""Images, the worst drawn, whose reconstruction is kept."""
EDGE = 32
"""Rows and columns of what the autoencoder sees; finer detail is grain, which no code of 16 numbers holds."""
MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation of a normal distribution to its standard deviation."""


@dataclass(frozen=True, eq=False)
class ReconstructionOutliers:
    """All images by how badly they were drawn, worst first.

    Args:
        samples: ``(n,)`` sample ids.
        errors: ``(n,)`` root mean square difference of the ``32 x 32`` thumbnail to its reconstruction, in the
            numbers of the file.
        scores: ``(n,)`` errors in robust standard deviations above their median.
        reconstructions: ``(m, 32, 32)`` for the first ``m`` samples.
        ranges: ``(m, 2)`` smallest and largest value of their thumbnails.
        num_trained: Images that were learnt from, each by all autoencoders but the one that draws it.
    """

    samples: Sequence[str]
    errors: NDArray[np.float64]
    scores: NDArray[np.float64]
    reconstructions: NDArray[np.float32]
    ranges: NDArray[np.float32]
    num_trained: int

    @property
    def outliers(self) -> list[str]:
        """Samples with a score above `OUTLIER_SCORE`."""
        return [
            sample
            for sample, score in zip(self.samples, self.scores.tolist(), strict=True)
            if score > OUTLIER_SCORE
        ]

    def findings(self, paths: Mapping[str, str]) -> Iterator[Finding]:
        """What to tell a person, if any image stands out.

        Args:
            paths: Image file of every sample.
        """
        found = self.outliers
        if found:
            are = counted(len(found), "image is", "images are")
            yield Finding(
                "outlier_image",
                "warning",
                f"{are} drawn much worse by an autoencoder than the rest: {some(found)}. Look at the pictures under"
                " 'Outliers': if they are foreign, paste the list there into dataset.yaml; what is rare but genuine"
                " must stay.",
                [paths[sample] for sample in found],
            )

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``fingerprint.json``; reconstructions are grey PNG pictures as data URIs."""
        rows = [
            {"sample": sample, "error": error, "score": score}
            for sample, error, score in zip(
                self.samples, self.errors.tolist(), self.scores.tolist(), strict=True
            )
        ]
        pictures = [_data_uri(*pair) for pair in zip(self.reconstructions, self.ranges, strict=True)]
        return {
            "threshold": OUTLIER_SCORE,
            "num_trained": self.num_trained,
            "images": rows,
            "reconstructions": dict(zip(self.samples, pictures, strict=False)),
        }


def reconstruction_outliers(
    scans: Sequence[ImageScan],
    split: TrainSplit,
    duplicates: Sequence[Duplicate],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> ReconstructionOutliers:
    """Learn what training images look like and score every image by how far its reconstruction is off.

    An autoencoder draws well what it has seen, foreign or not. So each image is drawn by one that has seen neither
    it nor any image that shows the same thing; of images that show the same thing only one is learnt from, lest a
    picture that came in a hundred times count as usual; and the tenth of each batch that is drawn worst does not
    train. Foreign things smaller than about a thirtieth of the image are not seen, nor is colour.

    Args:
        scans: Of all images.
        split: Its images are learnt from; the others are only scored.
        duplicates: What `find_duplicates` found among the scans.
        seed: Of the training.
        progress: Told after each step.

    Raises:
        OptionError: Too few different training images.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.data.open_dataset import open_dataset
        >>> from rareseg.data.splits import make_splits
        >>> from rareseg.inspection.image_scan import scan_images
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     settings = load_dataset_settings(write_foil_dataset(Path(folder), num_images=20, size=(64, 64)))
        ...     source = open_dataset(settings)
        ...     train = make_splits(source, settings.split).train
        ...     found = reconstruction_outliers(scan_images(source, source.sample_ids), train, [])
        >>> len(found.samples), found.num_trained
        (20, 20)
    """
    things = _things(scans, duplicates)
    inside = {region.sample for region in split.regions}
    first = {things[n]: n for n in reversed(range(len(scans))) if scans[n].sample in inside}
    if len(first) < LEAST_IMAGES:
        raise OptionError(
            f"The search for outliers needs at least {LEAST_IMAGES} different training images to learn from, but "
            f"there are {len(first)}; leave out --outliers (outliers=True)."
        )
    pictures = _pictures(scans)
    folds = np.array(things) % NUM_FOLDS
    drawn = np.empty_like(pictures)
    for fold in range(NUM_FOLDS):
        learnt = sorted(number for number in first.values() if folds[number] != fold)
        told = _part_of(progress, fold)
        drawn[folds == fold] = reconstruct(pictures, learnt, seed=seed, progress=told)[folds == fold]
    errors = np.sqrt(np.square(drawn - pictures, dtype=np.float64).mean(axis=(1, 2)))
    scores = _robust_scores(errors)
    order = sorted(range(len(scans)), key=lambda number: (-scores[number], scans[number].sample))
    kept = order[:NUM_PICTURES]
    return ReconstructionOutliers(
        samples=[scans[number].sample for number in order],
        errors=errors[order],
        scores=scores[order],
        reconstructions=drawn[kept],
        ranges=np.stack([pictures[kept].min(axis=(1, 2)), pictures[kept].max(axis=(1, 2))], axis=1),
        num_trained=len(first),
    )


def _robust_scores(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance to the median in robust standard deviations, 1.4826 times the median absolute deviation.

    Where more than half of the errors are equal, a thousandth of the median stands in for the deviation.
    """
    median = np.median(errors)
    deviation = MAD_TO_DEVIATION * np.median(np.abs(errors - median))
    scores: NDArray[np.float64] = (errors - median) / max(deviation, 1e-3 * median, 1e-12)
    return scores


def _things(scans: Sequence[ImageScan], duplicates: Sequence[Duplicate]) -> list[int]:
    """``(n,)`` number of what each image shows, from 0; the same for images that show the same thing."""
    parent = {scan.sample: scan.sample for scan in scans}

    def root(sample: str) -> str:
        while parent[sample] != sample:
            parent[sample] = parent[parent[sample]]
            sample = parent[sample]
        return sample

    for pair in duplicates:
        parent[root(pair.b)] = root(pair.a)
    number: dict[str, int] = {}
    return [number.setdefault(root(scan.sample), len(number)) for scan in scans]


def _part_of(progress: Progress | None, fold: int) -> Progress | None:
    """Progress of one of several trainings of equal length."""
    if progress is None:
        return None
    return lambda done, total: progress(fold * total + done, NUM_FOLDS * total)


def _pictures(scans: Sequence[ImageScan]) -> NDArray[np.float32]:
    """``(n, 32, 32)`` thumbnails."""
    thumbnails = np.stack([scan.thumbnail for scan in scans])
    blocks = thumbnails.reshape(len(scans), EDGE, thumbnails.shape[1] // EDGE, EDGE, -1)
    return np.asarray(blocks.mean(axis=(2, 4)), np.float32)


def _data_uri(picture: NDArray[np.float32], limits: NDArray[np.float32]) -> str:
    from PIL import Image

    low, high = (float(value) for value in limits)
    grey = np.clip((picture - low) / max(high - low, 1e-9) * 255, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "png", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
