"""What is noteworthy about masks and splits: absent, rare and drifting classes, blank and noisy masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from rareseg.inspection.class_statistics import MaskStatistics
from rareseg.inspection.finding import Finding, counted, some

__all__ = ["identical_masks", "label_findings", "overlap_findings"]

DRIFT_FACTOR = 2.0
"""A class whose share differs from train by more than this factor is reported."""
TINY = 2
"""Regions of up to this many pixels are reported as likely noise."""
MUCH_UNLABELLED = 0.2


def label_findings(
    masks: Sequence[MaskStatistics],
    splits: Mapping[str, Mapping[str, Any]],
    *,
    class_names: Sequence[str],
    paths: Mapping[str, str],
) -> Iterator[Finding]:
    """Look through counts for what makes training or scores doubtful.

    Args:
        masks: Statistics of every mask.
        splits: What `split_table` returned.
        class_names: Names in the order of class indices.
        paths: Mask file of every sample.
    """
    yield from _absent_classes(splits, class_names)
    yield from _single_groups(splits, class_names)
    yield from _drift(splits)
    yield from _tiny_regions(masks, class_names, paths)
    yield from _unlabelled(masks, paths)
    yield from _blank(masks, paths)


def _absent_classes(splits: Mapping[str, Mapping[str, Any]], class_names: Sequence[str]) -> Iterator[Finding]:
    for part, row in splits.items():
        absent = [name for name in class_names if row["class_pixels"][name] == 0]
        if not absent:
            continue
        if part == "train":
            text = (
                f"No training pixel shows {some(absent)}: it cannot be learnt. Draw another split or drop it."
            )
        else:
            text = (
                f"No pixel of {part} shows {some(absent)}: its recall there is undefined. Draw another split."
            )
        yield Finding("absent_class", "serious" if part == "train" else "warning", text)


def _single_groups(splits: Mapping[str, Mapping[str, Any]], class_names: Sequence[str]) -> Iterator[Finding]:
    for part, row in splits.items():
        grouped = row["num_groups"] < row["num_images"]
        key, word = ("class_groups", "group") if grouped else ("class_images", "image")
        alone = [name for name in class_names if row[key][name] == 1]
        if alone:
            rests = "rests" if len(alone) == 1 else "each rest"
            yield Finding(
                "single_group",
                "warning",
                f"In {part}, {some(alone, most=9)} {rests} on a single {word}: what is learnt or measured"
                f" is that {word}, not the class. Use k-fold splits, and give intervals with every score.",
            )


def _drift(splits: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    for part, row in splits.items():
        off = []
        for name, ratio in row["drift"]["ratio"].items():
            if ratio and not 1 / DRIFT_FACTOR <= ratio <= DRIFT_FACTOR:
                factor = f"{ratio:.1f} times more" if ratio > 1 else f"{1 / ratio:.1f} times less"
                here, there = row["shares"][name], splits["train"]["shares"][name]
                off.append(f"'{name}' {factor} ({_percent(here)} against {_percent(there)})")
        if off:
            yield Finding(
                "drift",
                "warning",
                f"Shares in {part} are not those of train: {', '.join(off)}. Precision and thresholds"
                " will not carry over unchanged.",
            )


def _tiny_regions(
    masks: Sequence[MaskStatistics], class_names: Sequence[str], paths: Mapping[str, str]
) -> Iterator[Finding]:
    found = []
    for index, name in enumerate(class_names):
        sizes = np.concatenate([mask.region_sizes[index] for mask in masks] or [np.zeros(0, np.int64)])
        tiny = int((sizes <= TINY).sum())
        if tiny:
            found.append(f"{tiny} of {len(sizes)} regions of '{name}'")
    if found:
        yield Finding(
            "tiny_region",
            "note",
            f"{', '.join(found)} cover at most {TINY} pixels: stray strokes or compression noise. Look at"
            " them and clean the masks.",
            [paths[m.sample] for m in masks if any((s <= TINY).any() for s in m.region_sizes)],
        )


def _unlabelled(masks: Sequence[MaskStatistics], paths: Mapping[str, str]) -> Iterator[Finding]:
    total = sum(mask.size[0] * mask.size[1] for mask in masks)
    unlabelled = sum(mask.unlabelled for mask in masks)
    if unlabelled:
        share = unlabelled / total
        yield Finding(
            "unlabelled",
            "warning" if share > MUCH_UNLABELLED else "note",
            f"{_percent(share)} of all pixels carry the ignore label; they neither train nor count.",
            [paths[mask.sample] for mask in masks if mask.unlabelled],
        )


def _blank(masks: Sequence[MaskStatistics], paths: Mapping[str, str]) -> Iterator[Finding]:
    blank = [mask.sample for mask in masks if mask.is_blank]
    if blank:
        yield Finding(
            "blank_mask",
            "note",
            f"{counted(len(blank), 'mask shows', 'masks show')} background only,"
            f" {_percent(len(blank) / len(masks))} of all. Make sure that they were annotated and found"
            " clean, not forgotten.",
            [paths[sample] for sample in blank],
        )


def identical_masks(masks: Sequence[MaskStatistics]) -> list[list[str]]:
    """Samples whose masks are equal, set by set.

    Masks of the background alone, or of any one class throughout, are left out: that they are alike says nothing.
    """
    sets: dict[str, list[str]] = {}
    for mask in masks:
        if not (mask.is_blank or mask.is_uniform):
            sets.setdefault(mask.digest, []).append(mask.sample)
    return [samples for samples in sets.values() if len(samples) > 1]


def overlap_findings(overlaps: Mapping[str, int], paths: Mapping[str, str]) -> Iterator[Finding]:
    """Say where labels give a pixel several classes, of which one had to be chosen.

    Args:
        overlaps: Pixels with several classes, for the samples that have such pixels.
        paths: Image file of every sample.
    """
    if not overlaps:
        return
    most = sorted(overlaps, key=lambda sample: (-overlaps[sample], sample))
    shown = ", ".join(f"'{sample}' ({overlaps[sample]})" for sample in most[:3])
    yield Finding(
        "overlap",
        "warning",
        f"{counted(sum(overlaps.values()), 'pixel has', 'pixels have')} several classes, in"
        f" {counted(len(most), 'image', 'images')}, most in {shown}. Models train on one class a pixel and are judged"
        " by it: see that `overlap` in dataset.yaml chooses the one that matters.",
        [paths[sample] for sample in most],
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
