"""Judge predictions of any program against masks: no training, no model, two folders of indexed images.

python examples/judge_predictions.py                      # on masks and predictions made up here
python examples/judge_predictions.py masks predictions --classes background crack
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from PIL import Image

import rareseg
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.regions import region_counts
from rareseg.metrics.summary import summarise


def judge(masks: Path, predictions: Path, class_names: Sequence[str]) -> None:
    """Print pixel rates with intervals over images, and how many regions were found."""
    table, regions = CountsTable(), np.zeros((len(class_names), 4), np.int64)
    for path in sorted(masks.glob("*.png")):
        target, predicted = (np.asarray(Image.open(folder / path.name)) for folder in (masks, predictions))
        counts = rareseg.confusion_counts(target, predicted, len(class_names))
        regions += region_counts(target, predicted, len(class_names))
        table.append(
            step=0, split="test", image=path.stem, group="", counts=counts, class_names=tuple(class_names)
        )
    for name, counts in table.pooled().items():
        tp, fp, fn, tn = counts
        rates = rareseg.rates(tp, fp, fn, tn)
        print(f"{name}: TPR {rates.tpr:.3f}, FPR {rates.fpr:.5f}, precision {rates.precision:.3f}")
    for summary, (num_true, num_hit, num_predicted, num_false) in zip(summarise(table), regions, strict=True):
        dice = summary.pooled["dice"]
        print(f"{summary.class_name}: Dice {dice.value:.3f} (95 % from {dice.low:.3f} to {dice.high:.3f})")
        print(f"  {num_hit} of {num_true} regions found, {num_false} of {num_predicted} predicted are false")


def make_up(folder: Path) -> tuple[Path, Path]:
    """Eight masks with squares, and predictions that are shifted, miss some and raise a false alarm."""
    rng = np.random.default_rng(0)
    masks, predictions = folder / "masks", folder / "predictions"
    masks.mkdir(parents=True)
    predictions.mkdir()
    for number in range(8):
        mask, guess = np.zeros((2, 96, 128), np.uint8)
        for row, col in rng.integers(8, 80, (4, 2)):
            mask[row : row + 6, col : col + 6] = 1
            if rng.random() < 0.8:
                guess[row + 1 : row + 7, col : col + 6] = 1
        guess[2:5, 120:124] = 1
        Image.fromarray(mask).save(masks / f"{number}.png")
        Image.fromarray(guess).save(predictions / f"{number}.png")
    return masks, predictions


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="masks, then predictions")
    parser.add_argument("--classes", nargs="+", default=["background", "defect"], help="in index order")
    options = parser.parse_args()
    if len(options.folders) not in (0, 2):
        parser.error("give the folder of the masks and the folder of the predictions, or neither")
    true, predicted = options.folders or make_up(Path(mkdtemp(prefix="rareseg-")))
    judge(true, predicted, options.classes)
