"""The page about a dataset: what stands out first, then classes, ratios, splits, leaks and examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

from rareseg.artefacts import write_text
from rareseg.inspection.label_findings import DRIFT_FACTOR
from rareseg.inspection.previews import NUM_EXAMPLES, NUM_PAIRS, Preview, stray_duplicates
from rareseg.report.chart import Chart
from rareseg.report.inspection_labels import inspection_labels_section
from rareseg.report.inspection_outliers import inspection_outliers_section
from rareseg.report.inspection_pictures import overlay, picture
from rareseg.report.page import Section, render_fragment, render_page
from rareseg.report.palette import strategy_style

__all__ = ["write_inspection_page"]

LEVEL_WORDS = {"serious": ("bad", "Serious"), "warning": ("warn", "Mind"), "note": ("info", "Note")}
PART_NAMES = {"train": "Training", "val": "Validation", "test": "Test", None: "in no part"}
MOST_FILES = 20
MOST_CURVES = 12
WORDS = {
    "identity": "as it is",
    "flip_rows": "turned upside down",
    "flip_cols": "mirrored left to right",
    "rotate_90": "turned a quarter to the left",
    "rotate_180": "turned by half",
    "rotate_270": "turned a quarter to the right",
    "transpose": "mirrored along the main diagonal",
    "anti_transpose": "mirrored along the other diagonal",
}

Fingerprint = Mapping[str, Any]


def write_inspection_page(
    fingerprint: Fingerprint, path: Path, *, thumbnails: Mapping[str, Preview] | None = None
) -> None:
    """Write one self-contained HTML file about a dataset.

    Args:
        fingerprint: What `make_fingerprint` returned, or `read_json` read.
        path: File to write.
        thumbnails: Previews by sample id, from `make_previews`; samples without one are named only.

    Example:
        >>> import tempfile
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.study.inspect_dataset import inspect_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=4, size=(96, 96))
        ...     page = Path(folder) / "inspection.html"
        ...     write_inspection_page(inspect_dataset(load_dataset_settings(path), None), page)
        ...     page.read_text(encoding="utf-8")[:15]
        '<!doctype html>'
    """
    previews = dict(thumbnails or {})
    sections = [
        _findings(fingerprint),
        _classes(fingerprint),
        _ratios(fingerprint),
        _splits(fingerprint),
        inspection_labels_section(fingerprint),
        _leaks(fingerprint, previews),
        inspection_outliers_section(fingerprint, previews),
        _examples(fingerprint, previews),
    ]
    page = render_page(
        fingerprint["name"] or "Dataset",
        [section for section in sections if section is not None],
        subtitle=f"{fingerprint['num_images']} images, {len(fingerprint['classes'])} classes",
        footer=f"Made by rareseg {version('rareseg')}.",
        kind="Inspection",
    )
    write_text(Path(path), page)


def _findings(fingerprint: Fingerprint) -> Section:
    notes = [
        {"class": LEVEL_WORDS[item["level"]][0], "word": LEVEL_WORDS[item["level"]][1], **item}
        for item in fingerprint["warnings"]
    ]
    body = render_fragment(
        "inspection_findings.html.j2", fingerprint=fingerprint, notes=notes, most_files=MOST_FILES
    )
    return Section("findings", "What stands out", body)


def _classes(fingerprint: Fingerprint) -> Section:
    weights = fingerprint["weights"]
    rows = [
        {**row, "ratio": 1 / row["share"] if row["share"] else math.inf, "icf": icf, "iscf": iscf}
        for row, icf, iscf in zip(fingerprint["classes"], weights["icf"], weights["iscf"], strict=True)
    ]
    body = render_fragment("inspection_classes.html.j2", rows=rows, chart=_size_chart(fingerprint["classes"]))
    return Section(
        "classes", "Classes", body, lead="Counted over all images; weights from the training part."
    )


def _size_chart(classes: Sequence[Mapping[str, Any]]) -> Chart | None:
    """Region sizes of every class but the background, the rarest ones where there are many."""
    held = sorted((row for row in classes[1:] if row["regions"]), key=lambda row: row["pixels"])[:MOST_CURVES]
    if not held:
        return None
    data = []
    for number, row in enumerate(sorted(held, key=classes.index)):
        edges, counts = row["histogram"]["edges"], row["histogram"]["counts"]
        spans = ["1" if a == 1 else f"{a} to {b - 1}" for a, b in pairwise(edges)]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": row["name"],
                "x": [math.sqrt(a * (b - 1)) for a, b in pairwise(edges)],
                "y": counts,
                "customdata": spans,
                "line": {"color": row["color"], "width": 2, "shape": "hvh"},
                "marker": {"color": row["color"], "size": 8, "symbol": strategy_style(number).symbol},
                "hovertemplate": "%{fullData.name}: %{y} regions of %{customdata} px<extra></extra>",
            }
        )
    layout = {
        "xaxis": {"type": "log", "title": "Pixels of a region", "dtick": 1},
        "yaxis": {"title": "Regions", "rangemode": "tozero"},
        "showlegend": True,
    }
    return Chart(
        "How large regions are",
        data,
        layout,
        alt="Number of connected regions by their size in pixels, for each class",
        caption="Regions are 8-connected; bins double in width. The smallest show what must be resolved.",
    )


def _ratios(fingerprint: Fingerprint) -> Section:
    names = [row["name"] for row in fingerprint["classes"]]
    rows = []
    for name, texts, values in zip(
        names, fingerprint["ratio_text"], fingerprint["ratio_matrix"], strict=True
    ):
        cells = [
            {"text": text, "heat": _heat(value), "own": own == name}
            for own, text, value in zip(names, texts, values, strict=True)
        ]
        rows.append({"name": name, "cells": cells})
    body = render_fragment("inspection_ratios.html.j2", names=names, rows=rows)
    return Section(
        "ratios",
        "Ratios between classes",
        body,
        lead="Pixels of the class at the left to pixels of the class above, in the training part.",
    )


def _heat(value: float | None) -> int:
    """Strength of a cell's colour in percent: none at 1:1, full at 1:10 000."""
    return round(min(1.0, abs(math.log10(value)) / 4) * 70) if value else 0


def _splits(fingerprint: Fingerprint) -> Section:
    splits = {PART_NAMES[part]: row for part, row in fingerprint["splits"].items()}
    bands = fingerprint["bands"]
    columns = [bands[key] for key in ("mean", "std", "min", "max")] if bands else []
    body = render_fragment(
        "inspection_splits.html.j2",
        splits=splits,
        classes=fingerprint["classes"],
        factor=DRIFT_FACTOR,
        bands=list(zip(*columns, strict=True)),
    )
    return Section("splits", "Splits and drift", body)


def _leaks(fingerprint: Fingerprint, previews: Mapping[str, Preview]) -> Section | None:
    if not fingerprint["bands"]:
        return None
    stray = stray_duplicates(fingerprint)
    tables = [
        {
            "title": title,
            "total": len(pairs),
            "pairs": [_pair(fingerprint, pair, previews) for pair in pairs[:NUM_PAIRS]],
        }
        for title, pairs in (("Across parts", fingerprint["leaks"]), ("Within one part", stray))
        if pairs
    ]
    body = render_fragment(
        "inspection_leaks.html.j2",
        tables=tables,
        num_grouped=len(fingerprint["duplicates"]) - len(stray),
        num_equal_masks=len(fingerprint["identical_masks"]),
    )
    return Section(
        "leaks",
        "Images that show the same thing",
        body,
        lead="Found in all flips and quarter turns, under other exposures and after compression.",
    )


def _pair(
    fingerprint: Fingerprint, pair: Mapping[str, Any], previews: Mapping[str, Preview]
) -> dict[str, Any]:
    sides = []
    for sample, part, transform in (
        (pair["a"], pair["split_a"], pair["transform"]),
        (pair["b"], pair["split_b"], "identity"),
    ):
        preview = previews.get(sample)
        sides.append(
            {
                "sample": sample,
                "part": PART_NAMES[part],
                "picture": picture(preview, transform=transform) if preview else None,
                "turned": WORDS[transform] if transform != "identity" else "",
            }
        )
    return {"sides": sides, "similarity": pair["similarity"]}


def _examples(fingerprint: Fingerprint, previews: Mapping[str, Preview]) -> Section | None:
    colors = [row["color"] for row in fingerprint["classes"]]
    strips = []
    for row in sorted(fingerprint["classes"][1:], key=lambda row: row["pixels"]):
        shown = [
            {
                "sample": sample,
                "picture": picture(previews[sample]),
                "overlay": overlay(previews[sample], colors),
            }
            for sample in row["examples"][:NUM_EXAMPLES]
            if sample in previews
        ]
        if shown:
            strips.append({**row, "shown": shown})
    if not strips:
        return None
    body = render_fragment("inspection_examples.html.j2", strips=strips, classes=fingerprint["classes"])
    return Section(
        "examples",
        "Examples",
        body,
        lead="The images that hold most of each class, rarest class first, from as many groups as there are.",
    )
