"""What is noteworthy about images: missing values, nothing to see, sizes and bands that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from rareseg.inspection.finding import Finding, Level, counted, some
from rareseg.inspection.image_scan import ImageScan

__all__ = ["image_findings"]

DARK = 0.1
"""An image is dark where its mean is below this share of the median image's."""
SATURATED = 0.5
"""An image is overexposed where more than this share of its values is at the top of the type."""


def image_findings(scans: Sequence[ImageScan], paths: Mapping[str, str]) -> Iterator[Finding]:
    """Look through scans for images that training would stumble over.

    Args:
        scans: What `scan_images` returned.
        paths: Image file of every sample.
    """
    if not scans:
        return
    yield from _bands(scans, paths)
    missing = [scan for scan in scans if scan.num_missing]
    if missing:
        values = counted(sum(scan.num_missing for scan in missing), "value is", "values are")
        yield _about(
            missing,
            paths,
            "missing_values",
            "warning",
            f"{values} NaN or infinite in {counted(len(missing), 'image', 'images')} ({{names}}). They are"
            " left out of band statistics. Format raster ignores such pixels; in others mask them with the"
            " ignore label.",
        )
    constant = [scan for scan in scans if scan.is_constant]
    if constant:
        are = counted(len(constant), "image holds", "images hold")
        yield _about(
            constant,
            paths,
            "constant_image",
            "warning",
            f"{are} a single value ({{names}}): exclude what shows nothing.",
        )
    typical = float(np.nanmedian([scan.mean for scan in scans]))
    dark = [s for s in scans if not s.is_constant and s.minimum >= 0 and s.mean < DARK * typical]
    if dark:
        are = counted(len(dark), "image is", "images are")
        yield _about(
            dark,
            paths,
            "dark_image",
            "note",
            f"{are} darker than a tenth of the typical image ({{names}}). Look at them.",
        )
    bright = [scan for scan in scans if scan.saturated > SATURATED and not scan.is_constant]
    if bright:
        are = counted(len(bright), "image is", "images are")
        yield _about(
            bright,
            paths,
            "overexposed_image",
            "note",
            f"{are} at full scale over more than half ({{names}}). Look at them.",
        )
    if all(scan.equal_bands for scan in scans):
        yield Finding(
            "equal_bands",
            "note",
            f"All {scans[0].num_bands} bands hold the same values. Set 'bands: [0]' in dataset.yaml: the"
            " others say nothing new.",
        )
    yield from _sizes(scans)


def _bands(scans: Sequence[ImageScan], paths: Mapping[str, str]) -> Iterator[Finding]:
    usual = max({scan.num_bands for scan in scans}, key=[scan.num_bands for scan in scans].count)
    odd = [scan for scan in scans if scan.num_bands != usual]
    if odd:
        have = counted(len(odd), "image has", "images have")
        yield _about(
            odd,
            paths,
            "bands",
            "serious",
            f"{have} another number of bands than {usual} ({{names}}). Choose common ones: set 'bands' in"
            " dataset.yaml.",
        )


def _sizes(scans: Sequence[ImageScan]) -> Iterator[Finding]:
    sizes = sorted({scan.size for scan in scans}, key=lambda size: size[0] * size[1])
    if len(sizes) > 1:
        small, large = (f"{height} x {width}" for height, width in (sizes[0], sizes[-1]))
        yield Finding(
            "sizes",
            "note",
            f"Images come in {len(sizes)} sizes (height x width), from {small} to {large}. Patches must fit"
            " the small ones or will be mirrored at the edge.",
        )


def _about(
    scans: Sequence[ImageScan], paths: Mapping[str, str], kind: str, level: Level, text: str
) -> Finding:
    """A finding about some images, whose names stand in its text for ``{names}``."""
    names = some([scan.sample for scan in scans])
    return Finding(kind, level, text.format(names=names), [paths[scan.sample] for scan in scans])
