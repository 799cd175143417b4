"""The inspection's section 'Labels side by side': how far other labels are from the dataset's own ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rareseg.report.page import Section, render_fragment

__all__ = ["inspection_labels_section"]

PART_NAMES = {"train": "Training", "val": "Validation", "test": "Test"}


def inspection_labels_section(fingerprint: Mapping[str, Any]) -> Section | None:
    """Tables of agreement by class and part, and of which class is taken for which; None without other labels."""
    others = fingerprint.get("other_labels") or {}
    if not others:
        return None
    sets = []
    for labels, parts in others.items():
        confusion = np.sum([part["confusion"] for part in parts.values()], axis=0)
        rows = confusion.sum(axis=1)
        sets.append(
            {
                "labels": labels,
                "parts": {PART_NAMES[name]: part for name, part in parts.items()},
                "classes": [
                    {**row, "cells": [part["classes"][index] for part in parts.values()]}
                    for index, row in enumerate(fingerprint["classes"])
                ],
                "confusion": confusion.tolist(),
                "shares": [
                    [value / row if row else None for value in values]
                    for values, row in zip(confusion.tolist(), rows.tolist(), strict=True)
                ],
            }
        )
    body = render_fragment("inspection_labels.html.j2", sets=sets)
    return Section(
        "labels",
        "Labels side by side",
        body,
        lead="Models learn the own labels; no score can be trusted beyond what two sets of labels agree on.",
    )
