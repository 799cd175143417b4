"""The thesis's conclusions on the synthetic foils: which are about the models, and which about the labels.

    python studies/foil_thesis/conclusions.py RUNS

prints two tables in Markdown: the rates of the 13 models by the annotator's and by the exact labels beside those
that the document printed, and each conclusion as a difference of two models by both sets of labels.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rareseg.errors import ArtefactError, RaresegError
from rareseg.metrics.compare import PairedDifference
from rareseg.metrics.compare_all import compare_all
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.runs_summary import summarise_runs
from rareseg.report.load_runs import StudyRuns, load_runs
from rareseg.report.results import judged_table, seed_tables

__all__ = ["CLAIMS", "PRINTED", "Claim", "conclusions"]

PRINTED = {
    "baseline": (0.534, 0.634),
    "equal_samples": (0.679, 0.556),
    "oversampled": (0.720, 0.636),
    "equal_pixels": (0.295, 0.621),
    "binary": (0.562, 0.679),
    "binary_balanced": (0.603, 0.736),
    "wce_icf": (0.882, 0.274),
    "wce_iscf": (0.792, 0.422),
    "focal": (0.685, 0.555),
    "focal_icf": (0.882, 0.223),
    "focal_iscf": (0.782, 0.498),
    "binary_focal": (0.676, 0.541),
    "binary_focal_iscf": (0.794, 0.417),
}
"""Mean TPR and mean pooled precision of the four defects, from the counts of the document's Table A1."""


@dataclass(frozen=True)
class Claim:
    """A sentence of the document as a difference of two models in one rate.

    Args:
        text: What the document concludes.
        better: The model that has the higher rate, if the claim is right.
        worse: The other one.
        rate: ``tpr``, ``precision`` or ``iou``, a mean over the four defects.
        no_more: The claim is that ``better`` is not better after all.
    """

    text: str
    better: str
    worse: str
    rate: str
    no_more: bool = False


CLAIMS = (
    Claim("ICF weights in cross-entropy find more (sections 4.1 and 4.2)", "wce_icf", "baseline", "tpr"),
    Claim("... and pay in precision", "baseline", "wce_icf", "precision"),
    Claim("ISCF weights find more", "wce_iscf", "baseline", "tpr"),
    Claim("... at a better precision than ICF", "wce_iscf", "wce_icf", "precision"),
    Claim("Focal loss with ISCF finds more", "focal_iscf", "baseline", "tpr"),
    Claim("... at a better precision than with ICF", "focal_iscf", "focal_icf", "precision"),
    Claim("Focal loss with ISCF is more precise than weighted cross-entropy", "focal_iscf", "wce_iscf", "precision"),
    Claim("Oversampled cavities find more", "oversampled", "baseline", "tpr"),
    Claim("... and lose no precision", "oversampled", "baseline", "precision"),
    Claim("Equal samples find more", "equal_samples", "baseline", "tpr"),
    Claim("Equal pixels overlook most", "baseline", "equal_pixels", "tpr"),
    Claim("One model a defect is little better than one for all", "binary", "baseline", "iou", no_more=True),
    Claim("Balanced binary models are more precise", "binary_balanced", "binary", "precision"),
    Claim("Binary focal models add nothing", "binary_focal_iscf", "focal_iscf", "iou", no_more=True),
)  # fmt: skip

Tables = Mapping[str, Mapping[int, CountsTable]]


def conclusions(study: StudyRuns, *, split: str = "val", labels: str = "exact") -> str:
    """Both tables in Markdown.

    Args:
        study: Runs of ``study.yaml``; models without a finished run are left out.
        split: The part that judges.
        labels: Name of the exact labels.

    Raises:
        ArtefactError: The runs were not judged by such labels.
    """
    if labels not in study.other_labels:
        raise ArtefactError(f"'{study.folder}' was not judged by the labels '{labels}'; run the study anew.")
    sides = [_tables(study, split), _tables(study.judged_by(labels), split)]
    background = [study.majority]
    lines = [
        "| model | seeds | document TPR | precision | TPR, annotator | exact | precision, annotator | exact "
        "| IoU, annotator | exact |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in (name for name in PRINTED if name in study.strategies):
        means = [summarise_runs(list(side[name].values()), leave_out=background)[-1].pooled for side in sides]
        cells = [
            f"{mean[rate].mean:.3f} ({mean[rate].low:.3f} to {mean[rate].high:.3f})"
            for rate in ("tpr", "precision", "iou")
            for mean in means
        ]
        printed = " | ".join(f"{value:.3f}" for value in PRINTED[name])
        lines.append(f"| {name} | {len(sides[0][name])} | {printed} | {' | '.join(cells)} |")
    lines += [
        "",
        "| the document's conclusion | as | by the annotator's labels | by the exact ones | so it is |",
    ]
    lines += ["|---|---|---|---|---|"]
    for claim in CLAIMS:
        if claim.better in study.strategies and claim.worse in study.strategies:
            lines.append(_row(claim, [_difference(claim, side, study.rare_classes) for side in sides]))
    return "\n".join(lines) + "\n"


def _tables(study: StudyRuns, split: str) -> Tables:
    return {
        name: seed_tables(study, name, [judged_table(run, split) for run in study.finished(name)])
        for name in study.strategies
    }


def _difference(claim: Claim, tables: Tables, classes: tuple[str, ...]) -> PairedDifference:
    pair = (claim.better, claim.worse)
    return compare_all(tables, pairs=[pair], choices=[classes], rates=[claim.rate])[pair][0][claim.rate]


def _row(claim: Claim, sides: list[PairedDifference]) -> str:
    cells = [f"{side.difference:+.3f} ({side.low:+.3f} to {side.high:+.3f})" for side in sides]
    signs = [-_sign(side) if claim.no_more else _sign(side) for side in sides]
    if np.isnan([side.difference for side in sides]).any():
        verdict = "undefined: a model marks nothing of some class"
    elif signs == [1, 1]:
        verdict = "about the models: holds by both"
    elif signs == [-1, -1]:
        verdict = "contradicted by both"
    elif signs == [0, 0]:
        verdict = "contradicted by neither" if claim.no_more else "not settled by either"
    elif signs[0] and signs[1]:
        verdict = "about the labels: turned round"
    else:
        side, sign = ("annotator's", signs[0]) if signs[0] else ("exact", signs[1])
        verdict = f"{'holds' if sign > 0 else 'contradicted'} by the {side} labels alone"
    formula = f"{claim.rate} of {claim.better} - {claim.worse}"
    return f"| {claim.text} | {formula} | {cells[0]} | {cells[1]} | {verdict} |"


def _sign(difference: PairedDifference) -> int:
    """Of a difference whose interval excludes 0; 0 for others."""
    return 1 if difference.low > 0 else -1 if difference.high < 0 else 0


def main() -> None:
    """Print the tables of a folder of runs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("runs", type=Path, help="folder that `rareseg run studies/foil_thesis` wrote")
    try:
        print(conclusions(load_runs(parser.parse_args().runs)), end="")
    except RaresegError as error:
        parser.exit(2, f"{error}\n")


if __name__ == "__main__":
    main()
