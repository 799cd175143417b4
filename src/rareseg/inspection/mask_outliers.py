"""Sets of images whose masks are the same though they should not be: foreign images, or masks copied by mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rareseg.inspection.finding import Finding, counted, some

if TYPE_CHECKING:
    from rareseg.data.source import Source

__all__ = ["LEAST_GROUPS", "LEAST_SHARE", "MaskOutliers", "mask_findings", "mask_outliers"]

LEAST_GROUPS = 3
"""Groups over which a set must spread: shots of one object rightly share a mask, and two may be a chance."""
LEAST_SHARE = 0.002
"""Share of all images that a set must hold; simple shapes coincide by chance in large datasets."""


@dataclass(frozen=True)
class MaskOutliers:
    """Images with the same mask, pixel by pixel.

    Args:
        samples: Sample ids.
        num_groups: Groups that they belong to.
        share: Share of all images.
    """

    samples: Sequence[str]
    num_groups: int
    share: float

    def to_json(self) -> dict[str, Any]:
        """As it stands in ``fingerprint.json``."""
        return {"samples": list(self.samples), "num_groups": self.num_groups, "share": self.share}


def mask_outliers(source: Source, sets: Sequence[Sequence[str]]) -> list[MaskOutliers]:
    """Pick the sets that are too large to be chance and spread over too many groups to be one object.

    110 of the 2615 images of a course on the ground of Mars were pictures of aliens, and all of them had one and
    the same mask, by which they were found.

    Args:
        source: Knows the groups.
        sets: What `identical_masks` returned: masks of the background alone, or of any one class throughout, are
            not in it, since such masks are rightly alike.

    Returns:
        Largest set first.
    """
    num_images = len(source.sample_ids)
    found = [
        MaskOutliers(
            samples, num_groups=len({source.group(name) for name in samples}), share=len(samples) / num_images
        )
        for samples in sets
    ]
    suspect = [item for item in found if item.num_groups >= LEAST_GROUPS and item.share >= LEAST_SHARE]
    return sorted(suspect, key=lambda item: (-len(item.samples), item.samples[0]))


def mask_findings(
    sets: Sequence[Sequence[str]], outliers: Sequence[MaskOutliers], *, paths: Mapping[str, str]
) -> Iterator[Finding]:
    """Say which images share a mask and what to do about it.

    Args:
        sets: What `identical_masks` returned.
        outliers: What `mask_outliers` made of it.
        paths: Mask file of every sample.
    """
    suspect = [sample for item in outliers for sample in item.samples]
    if suspect:
        in_sets = "" if len(outliers) == 1 else f" (in {len(outliers)} sets)"
        yield Finding(
            "outlier_mask",
            "warning",
            f"{len(suspect)} images of different groups have the same mask, pixel by pixel{in_sets}: {some(suspect)}."
            " Look at the pictures under 'Outliers': if they are foreign or the mask was copied by mistake, paste the"
            " list there into dataset.yaml; if they show one object, set 'group'.",
            [paths[sample] for sample in suspect],
        )
    rest = [samples for samples in sets if samples[0] not in suspect]
    if rest:
        yield Finding(
            "identical_masks",
            "note",
            f"{counted(len(rest), 'set of masks is', 'sets of masks are')} equal pixel by pixel, such as"
            f" {some(rest[0])}. Either their images show the same thing or a mask was copied by mistake.",
            [paths[sample] for samples in rest for sample in samples],
        )
