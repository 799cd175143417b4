"""What the mean over seeds, checkpoints, flips and turns gains, and whether uncertainty finds errors.

    python studies/ensembles/measure.py RUNS STRATEGY [STRATEGY ...] [--part test] [--root DATA] [--tta flips turns]

prints Markdown for each strategy of a finished study and each set of labels of its dataset: mean IoU of the classes but
the background (counts pooled over images) of each seed alone and of the means, with the 95 % interval of the gain over
the mean of the single seeds (2000 draws of groups); and, for two measures of uncertainty, how well they rank wrong
pixels above right ones: the area under the ROC curve, and the share of all wrong pixels among the 1 % and 5 % most
uncertain pixels. The last column is processor time, that of a single seed being 1.
Entropy is that of the mean probabilities, over log k; disagreement is what `rareseg predict --uncertainty` writes.
An image gate is not asked.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.config.dataset import load_dataset_settings
from rareseg.config.study import load_study_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.source import Source
from rareseg.data.splits import TestSplit, ValSplit, make_splits
from rareseg.errors import ArtefactError, OptionError
from rareseg.inference.ensemble_head import EnsembleHead
from rareseg.inference.judge import Judge, reader_of
from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.rates import rates
from rareseg.study.load_ensemble import find_seeds, load_ensemble
from rareseg.types import IGNORE_INDEX, Region

__all__ = ["ErrorRanking", "Measured", "gain", "mean_iou", "measure"]

_BINS = 65_536
_DRAWS = 2000


@dataclass
class ErrorRanking:
    """Right and wrong pixels by their uncertainty, in 65536 steps from 0 to 1."""

    right: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))
    wrong: NDArray[np.int64] = field(default_factory=lambda: np.zeros(_BINS, np.int64))

    def add(self, uncertainty: NDArray[np.float32], wrong: NDArray[np.bool_]) -> None:
        """Count pixels ``(n,)``."""
        bins = np.rint(uncertainty * (_BINS - 1)).astype(np.int64)
        self.wrong += np.bincount(bins[wrong], minlength=_BINS)
        self.right += np.bincount(bins[~wrong], minlength=_BINS)

    @property
    def area(self) -> float:
        """Chance that a wrong pixel is more uncertain than a right one, ties counted half."""
        below = np.cumsum(self.right) - self.right
        pairs = float(self.right.sum()) * float(self.wrong.sum())
        return float(self.wrong @ (below + self.right / 2)) / pairs if pairs else float("nan")

    def found(self, share: float) -> float:
        """Share of the wrong pixels among this share of all pixels, the most uncertain ones; ties are drawn evenly."""
        if not self.wrong.sum():
            return float("nan")
        total = (self.right + self.wrong)[::-1]
        wanted = share * total.sum()
        taken = np.clip(wanted - (np.cumsum(total) - total), 0, total)
        wrong = self.wrong[::-1]
        return float((wrong * (taken / np.maximum(total, 1))).sum() / wrong.sum())


@dataclass
class Measured:
    """One network or mean of networks, judged by one set of labels."""

    counts: list[NDArray[np.int64]] = field(default_factory=list)
    """``(k, 4)`` of each region."""
    entropy: ErrorRanking = field(default_factory=ErrorRanking)
    disagreement: ErrorRanking | None = None


def measure(
    judge: Judge, source: Source, regions: Sequence[Region], *, num_classes: int
) -> dict[str | None, Measured]:
    """Judge regions by every set of labels."""
    names = (None, *source.other_labels)
    results = {name: Measured() for name in names}
    for region in regions:
        height, width = region.window.height, region.window.width
        labels = np.zeros((height, width), np.uint8)
        entropy, doubt = np.zeros((2, height, width), np.float32)
        for window, outputs in judge.predictor.iterate(reader_of(source, region), height, width):
            logits = judge.head.class_logits(outputs[None])
            labels[window.slices] = judge.decision.labels(logits)[0].numpy()
            chances = torch.log_softmax(logits[0], dim=0)
            spread = -(chances.exp() * chances).sum(dim=0) / np.log(num_classes)
            entropy[window.slices] = spread.clamp(0, 1).numpy()
            if isinstance(judge.head, EnsembleHead):
                doubt[window.slices] = judge.head.disagreement(outputs[None])[0].numpy()
        for name, result in results.items():
            target = source.read_mask(region.sample, region.window, labels=name)
            result.counts.append(confusion_counts(target, labels, num_classes))
            known = target != IGNORE_INDEX
            wrong = labels[known] != target[known]
            result.entropy.add(entropy[known], wrong)
            if isinstance(judge.head, EnsembleHead):
                result.disagreement = result.disagreement or ErrorRanking()
                result.disagreement.add(doubt[known], wrong)
    return results


def mean_iou(counts: NDArray[np.int64] | NDArray[np.float64]) -> float:
    """Of the classes but the background, from pooled counts ``(k, 4)``; undefined ones are left out."""
    iou = rates(*counts[1:].T).iou
    return float(np.nanmean(iou)) if np.isfinite(iou).any() else float("nan")


def gain(
    joined: Measured, singles: Sequence[Measured], groups: Sequence[str], *, seed: int = 0
) -> tuple[float, float, float]:
    """Mean IoU of ``joined`` minus the mean over ``singles``, with its 95 % interval over groups of images."""
    known, place = np.unique(groups, return_inverse=True)
    stacked = [np.stack(one.counts) for one in (joined, *singles)]
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(len(known), np.full(len(known), 1 / len(known)), size=_DRAWS)[:, place]

    def difference(weight: NDArray[np.float64]) -> float:
        own, *others = (mean_iou(np.tensordot(weight, counts, 1)) for counts in stacked)
        return own - float(np.mean(others))

    draws = [difference(weight.astype(np.float64)) for weight in weights]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return difference(np.ones(len(place))), float(low), float(high)


def _configurations(
    strategy: Path, steps: Sequence[int], tta: Sequence[str]
) -> dict[str, tuple[list[Path], list[int] | None, str]]:
    """Members by name: every seed alone first."""
    seeds = find_seeds(strategy)
    found: dict[str, tuple[list[Path], list[int] | None, str]] = {
        f"seed {run.name.removeprefix('seed-')}": ([run], None, "none") for run in seeds
    }
    first = seeds[0].name.replace("-", " ")
    if len(steps) > 1:
        found[f"{first}, {len(steps)} checkpoints"] = (seeds[:1], list(steps), "none")
    found |= {f"{first}, {name}": (seeds[:1], None, name) for name in tta}
    if len(seeds) > 1:
        found[f"{len(seeds)} seeds"] = (seeds, None, "none")
        found |= {f"{len(seeds)} seeds, {name}": (seeds, None, name) for name in tta}
    return found


def _print(
    strategy: str,
    name: str | None,
    results: Mapping[str, Measured],
    groups: Sequence[str],
    seconds: Mapping[str, float],
) -> None:
    labels = "the dataset's own labels" if name is None else f"the labels '{name}'"
    print(f"\n#### {strategy}, by {labels}\n")
    measures = [
        f"{what}, {by}" for what in ("area", "top 1 %", "top 5 %") for by in ("entropy", "disagreement")
    ]
    print("| " + " | ".join(["members", "mean IoU", "gain over a single seed", *measures, "time"]) + " |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    singles = [result for key, result in results.items() if key.startswith("seed ") and "," not in key]
    usual = float(np.mean([seconds[key] for key in results if key.startswith("seed ") and "," not in key]))
    for key, result in results.items():
        by, other = result.entropy, result.disagreement
        cells = [key, f"{mean_iou(np.sum(result.counts, axis=0)):.3f}"]
        if result.disagreement is None:
            cells.append("")
        else:
            cells.append("{:+.3f} ({:+.3f} to {:+.3f})".format(*gain(result, singles, groups)))
        pairs = [(by.area, other and other.area)]
        pairs += [(by.found(share), other and other.found(share)) for share in (0.01, 0.05)]
        cells += ["-" if value is None else f"{value:.3f}" for pair in pairs for value in pair]
        print("| " + " | ".join([*cells, f"{seconds[key] / usual:.1f}"]) + " |")


def main(args: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("strategies", nargs="+")
    parser.add_argument("--part", choices=["val", "test"], default="test")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--tta", nargs="*", default=["flips", "turns"])
    options = parser.parse_args(args)
    study = load_study_settings(options.runs / "study.yaml")
    dataset = load_dataset_settings(Path(study.dataset), root=options.root)
    source = open_dataset(dataset)
    splits = make_splits(source, study.split or dataset.split)
    part: ValSplit | TestSplit | None = splits.val if options.part == "val" else splits.test
    if part is None:
        raise OptionError("The split has no test part; give --part val.")
    groups = [source.group(region.sample) for region in part.regions]
    for strategy in options.strategies:
        folder = options.runs / strategy
        kept = sorted(find_seeds(folder)[0].glob("step-*.safetensors"))
        if not kept:
            raise ArtefactError(
                f"'{folder}' is not a strategy of a finished study; give RUNS and a strategy's name."
            )
        steps = [int(path.stem.removeprefix("step-")) for path in kept]
        results: dict[str, dict[str | None, Measured]] = {}
        seconds: dict[str, float] = {}
        for key, (members, chosen, tta) in _configurations(folder, steps, options.tta).items():
            model = load_ensemble(members, steps=chosen, tta=tta, device="cpu")
            started = time.process_time()
            results[key] = measure(
                model.judge, source, part.regions, num_classes=model.class_table.num_classes
            )
            seconds[key] = time.process_time() - started
        for name in (None, *source.other_labels):
            own = {key: found[name] for key, found in results.items()}
            _print(strategy, name, own, groups, seconds)


if __name__ == "__main__":
    main()
