"""The inspection's section 'Outliers': images with one and the same mask, and images that are drawn badly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from rareseg.inspection.mask_outliers import LEAST_GROUPS, LEAST_SHARE
from rareseg.inspection.previews import NUM_SETS, Preview, outlier_images, outlier_set_samples
from rareseg.report.inspection_pictures import Picture, overlay, picture
from rareseg.report.page import Section, render_fragment

__all__ = ["inspection_outliers_section"]


def inspection_outliers_section(
    fingerprint: Mapping[str, Any], previews: Mapping[str, Preview]
) -> Section | None:
    """Pictures of what stands out, and lists to paste into dataset.yaml.

    Args:
        fingerprint: What `make_fingerprint` returned.
        previews: Pictures by sample id; samples without one are named only.

    Returns:
        None where no masks are alike and the autoencoder was not asked for.
    """
    outliers = fingerprint["outliers"]
    sets, reconstruction = outliers["masks"]["sets"], outliers["reconstruction"]
    if not sets and reconstruction is None:
        return None
    colors = [row["color"] for row in fingerprint["classes"]]
    longest = max(len(outliers["masks"]["exclude"]), len(reconstruction["exclude"]) if reconstruction else 0)
    body = render_fragment(
        "inspection_outliers.html.j2",
        sets=[
            {**item, "shown": _shown(outlier_set_samples(item), previews, colors)} for item in sets[:NUM_SETS]
        ],
        num_sets=len(sets),
        least_groups=LEAST_GROUPS,
        least_share=LEAST_SHARE,
        masks_yaml=_yaml(outliers["masks"]["exclude"]),
        reconstruction=reconstruction and _reconstruction(reconstruction, previews),
        both_yaml=_yaml(outliers["exclude"]) if len(outliers["exclude"]) > longest else "",
        num_excluded=len(fingerprint["excluded"]),
    )
    return Section(
        "outliers",
        "Outliers",
        body,
        lead="Nothing is left out by itself: look at the pictures, then paste a list into dataset.yaml.",
    )


def _reconstruction(found: Mapping[str, Any], previews: Mapping[str, Preview]) -> dict[str, Any]:
    above = sum(row["score"] > found["threshold"] for row in found["images"])
    return {
        "threshold": found["threshold"],
        "num_trained": found["num_trained"],
        "num_above": above,
        "num_images": len(found["images"]),
        "yaml": _yaml(found["exclude"]),
        "shown": [
            {
                **row,
                "above": row["score"] > found["threshold"],
                "picture": _picture(row["sample"], previews),
                "drawn": found["reconstructions"][row["sample"]],
            }
            for row in outlier_images(found)
        ],
    }


def _shown(
    samples: Sequence[str], previews: Mapping[str, Preview], colors: Sequence[str]
) -> list[dict[str, Any]]:
    return [
        {
            "sample": sample,
            "picture": _picture(sample, previews),
            "overlay": overlay(previews[sample], colors) if sample in previews else None,
        }
        for sample in samples
    ]


def _picture(sample: str, previews: Mapping[str, Preview]) -> Picture | None:
    return picture(previews[sample]) if sample in previews else None


def _yaml(samples: Sequence[str]) -> str:
    """The key of dataset.yaml, with quotes where an id would be taken for a number."""
    if not samples:
        return ""
    text: str = yaml.safe_dump(
        {"exclude": list(samples)}, default_flow_style=None, allow_unicode=True, width=100
    )
    return text.rstrip()
