"""The section 'The data': classes, their rarity, splits and groups."""

from __future__ import annotations

from rareseg.report.load_runs import StudyRuns
from rareseg.report.page import Section, render_fragment

__all__ = ["data_section"]

SPLIT_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}


def data_section(study: StudyRuns) -> Section:
    """Tell what the runs were trained and judged on, from ``data.json``."""
    data = study.data
    splits = {SPLIT_NAMES.get(key, key): split for key, split in data["splits"].items()}
    train = data["splits"].get("train") or next(iter(data["splits"].values()))
    most = train["class_pixels"].get(study.majority, 0)
    classes = []
    for name in study.class_names:
        pixels = train["class_pixels"].get(name, 0)
        classes.append(
            {
                "name": name,
                "color": study.class_colors[name],
                "share": pixels / max(1, sum(train["class_pixels"].values())),
                "ratio": most / pixels if pixels else float("inf"),
                "cells": [
                    {
                        "pixels": split["class_pixels"].get(name, 0),
                        "images": split["class_images"].get(name, 0),
                        "groups": split.get("class_groups", {}).get(name),
                    }
                    for split in splits.values()
                ],
            }
        )
    rarest = max((item for item in classes if item["ratio"] != float("inf")), key=lambda item: item["ratio"])
    facts = [
        ("Images", data["num_samples"]),
        ("Groups", data["num_groups"]),
        ("Megapixels", sum(split["megapixels"] for split in splits.values())),
        ("Classes", len(study.class_names)),
        ("Bands", data["num_bands"]),
    ]
    body = render_fragment(
        "report_data.html.j2",
        data=data,
        splits=splits,
        classes=classes,
        majority=study.majority,
        rarest=rarest,
        facts=facts,
    )
    return Section("data", "The data", body, lead=f"{data['name']}: what was learned from and what judges.")
