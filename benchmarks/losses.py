"""Forward and backward of the losses against torch's weighted cross-entropy, on (8, 5, 256, 256).

OMP_NUM_THREADS=1 python benchmarks/losses.py
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from timing import compare, format_table

from rareseg.losses.terms import build_loss

NAMES = ("background", "agglomeration", "cavity", "crack", "blade_trail")
PIXELS = (61_341_642, 1_532_701, 39_040, 550_683, 752_734)
TERMS = {
    "cross-entropy": "cross_entropy",
    "weighted cross-entropy": {"name": "cross_entropy", "weights": "iscf"},
    "focal, ISCF": {"name": "focal", "weights": "iscf"},
    "focal gamma 1.5, ISCF": {"name": "focal", "gamma": 1.5, "weights": "iscf"},
    "weighted cross-entropy + focal": [
        {"name": "cross_entropy", "weights": "iscf"},
        {"name": "focal", "weights": "iscf"},
    ],
}


def main() -> None:
    """Print times, ratios and peak memory."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(8, 5, 256, 256, generator=generator).to(device).requires_grad_()
    target = torch.randint(0, 5, (8, 256, 256), generator=generator).to(device)
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
    print(f"{device}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    # A GPU's context does not survive that fork either.
    timings = compare(ways, repeats=15, memory=device == "cpu")
    print(format_table(timings, work=8 * 256 * 256 / 1e6, unit="megapixels"))


if __name__ == "__main__":
    main()
