"""Forward and backward of the losses against torch's weighted cross-entropy, on (8, 5, 256, 256).

OMP_NUM_THREADS=2 python benchmarks/losses.py --threads 2
OMP_NUM_THREADS=2 python benchmarks/losses.py --threads 2 --batch 16 --compile --peers FOLDER

segmentation_models_pytorch and MONAI are timed too where they can be imported; ``--peers`` names a folder of
installed packages to look in besides, such as the site-packages of another environment.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import types
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from timing import compare, format_table

from rareseg.allocator import tune_allocator
from rareseg.losses.terms import build_loss

NAMES = ("background", "agglomeration", "cavity", "crack", "blade_trail")
PIXELS = (61_341_642, 1_532_701, 39_040, 550_683, 752_734)
WEIGHTED = {"name": "cross_entropy", "weights": "iscf"}
FOCAL = {"name": "focal", "weights": "iscf"}
TERMS: dict[str, Any] = {
    "weighted cross-entropy": WEIGHTED,
    "focal": FOCAL,
    "dice + focal": ["dice", FOCAL],
    "focal + dice + weighted cross-entropy": [FOCAL, "dice", WEIGHTED],
}
COMPILED = ("dice + focal", "focal + dice + weighted cross-entropy")


def main() -> None:
    """Print times, ratios and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--peers")
    asked = parser.parse_args()
    if asked.peers:
        sys.path.append(asked.peers)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(asked.threads)
    tune_allocator()  # as training does; the other ways profit from it as well
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(asked.batch, 5, 256, 256, generator=generator).to(device).requires_grad_()
    target = torch.randint(0, 5, (asked.batch, 256, 256), generator=generator).to(device)
    weight = torch.tensor([0.075, 0.475, 2.978, 0.793, 0.678], device=device)

    def timed(loss: Callable[[], torch.Tensor]) -> Callable[[], None]:
        def way() -> None:
            logits.grad = None
            loss().backward()
            if device == "cuda":
                torch.cuda.synchronize()

        return way

    ways = {"torch, weighted": timed(lambda: F.cross_entropy(logits, target, weight, ignore_index=255))}
    for name, terms in TERMS.items():
        loss = build_loss(terms, class_pixels=PIXELS, class_names=NAMES).to(device)
        ways[name] = timed(lambda loss=loss: loss(logits, target).total)
        if asked.compile and name in COMPILED:
            compiled = torch.compile(loss, fullgraph=True)
            ways[f"{name}, compiled"] = timed(lambda loss=compiled: loss(logits, target).total)
    for name, peer in peers():
        ways[name] = timed(lambda peer=peer: peer(logits, target))
    print(f"{device}, torch {torch.__version__}, {torch.get_num_threads()} threads, batch {asked.batch}")
    # A GPU's context does not survive the fork that measures memory, nor does a pool of several threads.
    timings = compare(ways, repeats=asked.repeats, memory=device == "cpu" and asked.threads == 1)
    print(format_table(timings, work=asked.batch * 256 * 256 / 1e6, unit="megapixels"))


def peers() -> Iterator[tuple[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]]:
    """Dice + Focal of other libraries."""
    spec = importlib.util.find_spec("segmentation_models_pytorch")
    if spec is not None and spec.submodule_search_locations is not None:
        # The losses alone: the package's own start imports every encoder.
        package = types.ModuleType("segmentation_models_pytorch")
        package.__path__ = list(spec.submodule_search_locations)
        sys.modules["segmentation_models_pytorch"] = package
        smp = importlib.import_module("segmentation_models_pytorch.losses")
        dice, focal = smp.DiceLoss("multiclass"), smp.FocalLoss("multiclass")
        yield "smp, Dice + Focal", lambda logits, target: dice(logits, target) + focal(logits, target)
    if importlib.util.find_spec("monai") is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own dependencies
            monai = importlib.import_module("monai.losses")
        both = monai.DiceFocalLoss(to_onehot_y=True, softmax=True, batch=True)
        yield "MONAI, DiceFocal", lambda logits, target: both(logits, target[:, None])


if __name__ == "__main__":
    main()
