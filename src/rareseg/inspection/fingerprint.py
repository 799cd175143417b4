"""Everything that inspection knows of a dataset, as one JSON-like value."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from rareseg.errors import DataError, OptionError
from rareseg.inspection.band_sums import BandSums
from rareseg.inspection.class_rows import class_rows
from rareseg.inspection.class_statistics import MaskStatistics, class_statistics
from rareseg.inspection.duplicates import find_duplicates
from rareseg.inspection.finding import Finding
from rareseg.inspection.image_findings import image_findings
from rareseg.inspection.image_scan import ImageScan, scan_images
from rareseg.inspection.label_disagreement import label_disagreement
from rareseg.inspection.label_findings import identical_masks, label_findings, overlap_findings
from rareseg.inspection.leaks import Leak, leak_findings, sort_leaks
from rareseg.inspection.mask_outliers import mask_findings, mask_outliers
from rareseg.inspection.outlier_summary import outlier_summary
from rareseg.inspection.ratio_matrix import ratio_matrix
from rareseg.inspection.reconstruction_outliers import ReconstructionOutliers, reconstruction_outliers
from rareseg.inspection.split_table import split_table
from rareseg.inspection.thread_map import Progress
from rareseg.losses.weights import class_weights
from rareseg.types import Region, Window

if TYPE_CHECKING:
    from rareseg.data.source import Source
    from rareseg.data.splits import Splits

__all__ = ["make_fingerprint"]

LEVELS = ("serious", "warning", "note")


def make_fingerprint(
    source: Source,
    splits: Splits,
    *,
    name: str = "",
    progress: Progress | None = None,
    images: bool = True,
    outliers: bool = False,
) -> dict[str, Any]:
    """Read every mask and every image once and say what the dataset holds and what is wrong with it.

    Args:
        source: The dataset.
        splits: Its parts.
        name: What the dataset is called.
        progress: Told how many files are read and compared.
        images: Whether to read images too; without, band statistics, duplicates, leaks and what is noteworthy
            about images stay empty.
        outliers: Whether to train a small autoencoder too, for images unlike the training images.

    Returns:
        ``name``, ``excluded``, ``num_images``, ``num_groups``, ``num_bands``, ``dtype``, ``megapixels``, ``sizes``,
        ``classes`` (`class_rows`), ``ratio_matrix`` and ``ratio_text`` of the training part (`ratio_matrix`),
        ``weights`` of the training part, ``splits`` (`split_table`), ``bands`` of the training part,
        ``blank_masks`` and ``unlabelled`` as shares, ``other_labels`` (`label_disagreement`),
        ``identical_masks``, ``outliers`` (`mask_outliers` and `reconstruction_outliers`, each with the samples to
        ``exclude`` from dataset.yaml, those that are left out already first), ``leaks``, ``duplicates`` and
        ``warnings``. What is undefined is None.

    Raises:
        DataError: A file cannot be read; the source says which.
        OptionError: ``outliers`` without ``images``, or with too few training images.
    """
    if outliers and not images:
        raise OptionError("'outliers' looks at images; give images=True, or leave it out.")
    samples = source.sample_ids
    everywhere, training = _windows(splits), _windows(splits, only="train")
    tell = progress or (lambda done, total: None)
    stages = 4 if outliers else 3 if images else 1
    masks = class_statistics(
        source, samples, windows=everywhere, progress=_stage(tell, 0, stages, len(samples))
    )
    table = split_table(source, splits, _by_region(masks, everywhere))
    same_masks = identical_masks(masks)
    suspect = mask_outliers(source, same_masks)
    mask_paths = _paths(source, masks=True)
    findings = [
        *label_findings(masks, table, class_names=source.class_table.names, paths=mask_paths),
        *mask_findings(same_masks, suspect, paths=mask_paths),
        *overlap_findings(source.overlaps, _paths(source, masks=False)),
    ]
    looked = _Images()
    if images:
        scans = scan_images(source, samples, windows=training, progress=_stage(tell, 1, stages, len(samples)))
        looked = _look_at(
            source,
            splits,
            scans,
            outliers=outliers,
            stage=lambda number: _stage(tell, number, stages, len(samples)),
        )
    return {
        "name": name,
        "excluded": list(source.excluded),
        **_totals(source, masks),
        "classes": class_rows(source, masks),
        **_imbalance(list(table["train"]["class_pixels"].values())),
        "splits": table,
        "bands": dict(looked.bands),
        "blank_masks": sum(mask.is_blank for mask in masks) / len(masks),
        "unlabelled": sum(m.unlabelled for m in masks) / sum(m.size[0] * m.size[1] for m in masks),
        "other_labels": label_disagreement(source, splits),
        "identical_masks": same_masks,
        "outliers": outlier_summary(suspect, looked.reconstruction, excluded=source.excluded),
        "leaks": [leak.to_json() for leak in looked.leaks],
        "duplicates": [pair.to_json() for pair in looked.duplicates],
        "warnings": _sorted([*findings, *looked.findings]),
    }


class _Images(NamedTuple):
    """What the images themselves show, apart from their masks."""

    bands: Mapping[str, list[float | None]] = MappingProxyType({})
    leaks: Sequence[Leak] = ()
    duplicates: Sequence[Leak] = ()
    reconstruction: ReconstructionOutliers | None = None
    findings: Sequence[Finding] = ()


def _look_at(
    source: Source,
    splits: Splits,
    scans: Sequence[ImageScan],
    *,
    outliers: bool,
    stage: Callable[[int], Progress],
) -> _Images:
    found = find_duplicates(scans, progress=stage(2))
    leaks, duplicates = sort_leaks(source, splits, found)
    paths = _paths(source, masks=False)
    has_groups = _num_groups(source) < len(scans)
    findings = [
        *image_findings(scans, paths),
        *leak_findings(leaks, duplicates, has_groups=has_groups, paths=paths),
    ]
    reconstruction = None
    if outliers:
        reconstruction = reconstruction_outliers(scans, splits.train, found, progress=stage(3))
        findings += reconstruction.findings(paths)
    return _Images(_bands(scans, source.num_bands), leaks, duplicates, reconstruction, findings)


def _windows(splits: Splits, *, only: str | None = None) -> dict[str, list[Window]]:
    windows: dict[str, list[Window]] = {}
    for part in (splits.train, splits.val, splits.test):
        if part is not None and only in (None, part.name):
            for sample, window in part.regions:
                windows.setdefault(sample, []).append(window)
    return windows


def _stage(tell: Progress, stage: int, stages: int, num: int) -> Progress:
    """Progress of one of several rounds over all samples; a round of comparing may skip some of them."""
    return lambda done, total: tell(stage * num + round(done / total * num), stages * num)


def _by_region(masks: Sequence[MaskStatistics], windows: Mapping[str, Sequence[Window]]) -> dict[Region, Any]:
    return {
        Region(mask.sample, window): pixels
        for mask in masks
        for window, pixels in zip(windows.get(mask.sample, ()), mask.windows, strict=True)
    }


def _paths(source: Source, *, masks: bool) -> Mapping[str, str]:
    """File of every sample: its mask where it has one of its own, else its image; with the sample's id where all
    images lie in one file."""
    images = {sample: str(source.image_path(sample)) for sample in source.sample_ids}
    if len(images) > len(set(images.values())):
        return {sample: f"{path}:{sample}" for sample, path in images.items()}
    if not masks:
        return images
    found = {sample: str(source.mask_path(sample)) for sample in source.sample_ids if source.has_mask(sample)}
    times = Counter(found.values())
    return images | {sample: path for sample, path in found.items() if times[path] == 1}


def _totals(source: Source, masks: Sequence[MaskStatistics]) -> dict[str, Any]:
    sizes: dict[tuple[int, int], int] = {}
    for mask in masks:
        sizes[mask.size] = sizes.get(mask.size, 0) + 1
    return {
        "num_images": len(masks),
        "num_groups": _num_groups(source),
        "num_bands": source.num_bands,
        "dtype": str(source.dtype),
        "megapixels": sum(mask.size[0] * mask.size[1] for mask in masks) / 1e6,
        "sizes": [{"height": h, "width": w, "images": n} for (h, w), n in sorted(sizes.items())],
    }


def _num_groups(source: Source) -> int:
    return len({source.group(sample) for sample in source.sample_ids})


def _imbalance(pixels: Sequence[int]) -> dict[str, Any]:
    matrix = ratio_matrix(pixels)
    weights: dict[str, list[float | None]] = {}
    for scheme in ("icf", "iscf"):
        try:
            weights[scheme] = class_weights(pixels, scheme).tolist()
        except DataError:
            weights[scheme] = [None] * len(pixels)
    return {
        "ratio_matrix": [[_finite(value) for value in row] for row in matrix.values.tolist()],
        "ratio_text": [list(row) for row in matrix.text],
        "weights": weights,
    }


def _bands(scans: Sequence[ImageScan], num_bands: int) -> dict[str, list[float | None]]:
    fitting = [scan.sums for scan in scans if scan.num_bands == num_bands]
    sums = BandSums.all_of(fitting, num_bands)
    seen = sums.number > 0
    columns = {"mean": sums.mean, "std": sums.std, "min": sums.minimum, "max": sums.maximum}
    return {
        name: [float(value) if there else None for value, there in zip(values, seen, strict=True)]
        for name, values in columns.items()
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _sorted(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [finding.to_json() for finding in sorted(findings, key=lambda f: LEVELS.index(f.level))]
