"""Forward and backward of the Lovász-Softmax loss against the published algorithm, on (16, 5, 256, 256).

OMP_NUM_THREADS=1 python benchmarks/lovasz.py
OMP_NUM_THREADS=2 python benchmarks/lovasz.py --threads 2 --peers FOLDER

segmentation_models_pytorch is timed too where it can be imported; ``--peers`` names a folder of installed packages
to look in besides, such as the site-packages of another environment.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import types
from collections.abc import Callable

import torch
from timing import compare, format_table
from torch import Tensor

from rareseg.allocator import tune_allocator
from rareseg.losses.lovasz import lovasz

SHARES = (0.955, 0.024, 0.001, 0.009, 0.011)  # of the classes of the foil thesis


def main() -> None:
    """Print times, ratios and peak memory for noise and for logits of a network that is trained by half."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--peers")
    asked = parser.parse_args()
    if asked.peers:
        sys.path.append(asked.peers)
    torch.set_num_threads(asked.threads)
    tune_allocator()  # as training does; the other ways profit from it as well
    losses = {"class by class": class_by_class, **peers(), "rareseg": lovasz}
    for title, (logits, target) in batches().items():
        exact = float(class_by_class(logits.detach().double(), target))
        for name, loss in losses.items():
            error = abs(float(loss(logits.detach(), target)) - exact)
            print(f"{title}, {name}: off by {error / exact:.0e} of the value in float64")
        ways = {
            f"{title}, {name}": forward_and_backward(loss, logits, target) for name, loss in losses.items()
        }
        # A pool of several threads does not survive the fork that measures memory.
        timings = compare(ways, repeats=asked.repeats, memory=asked.threads == 1)
        print(format_table(timings, work=target.numel() / 1e6, unit="megapixels"))


def batches() -> dict[str, tuple[Tensor, Tensor]]:
    """Logits and target."""
    generator = torch.Generator().manual_seed(0)
    shape = (16, 5, 256, 256)
    noise = torch.randn(shape, generator=generator), torch.randint(0, 5, (16, 256, 256), generator=generator)
    draws = torch.multinomial(torch.tensor(SHARES), 16 * 256 * 256, replacement=True, generator=generator)
    target = draws.view(16, 256, 256)
    # Background is likely everywhere, the true class more so, with much doubt: 3 in 4 rare pixels are found.
    logits = 2 * torch.randn(shape, generator=generator)
    logits[:, 0] += 8
    logits.scatter_add_(1, target[:, None], torch.full((16, 1, 256, 256), 10.0))
    return {
        "noise": (noise[0].requires_grad_(), noise[1]),
        "rare classes": (logits.requires_grad_(), target),
    }


def class_by_class(logits: Tensor, target: Tensor) -> Tensor:
    """The published way: sort the errors of one class after the other, then differences of Jaccard losses."""
    probs = logits.softmax(1).movedim(1, 0).flatten(1)
    losses = []
    for index, scores in enumerate(probs):
        truth = (target.flatten() == index).to(scores.dtype)
        if truth.sum() == 0:
            continue
        errors, order = (truth - scores).abs().sort(descending=True)
        truth = truth[order]
        intersection = truth.sum() - truth.cumsum(0)
        union = truth.sum() + (1 - truth).cumsum(0)
        jaccard = 1 - intersection / union
        jaccard[1:] = jaccard[1:] - jaccard[:-1]
        losses.append(torch.dot(errors, jaccard))
    return torch.stack(losses).mean()


def peers() -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """The same loss of another library."""
    spec = importlib.util.find_spec("segmentation_models_pytorch")
    if spec is None or spec.submodule_search_locations is None:
        return {}
    # The losses alone: the package's own start imports every encoder.
    package = types.ModuleType("segmentation_models_pytorch")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["segmentation_models_pytorch"] = package
    smp = importlib.import_module("segmentation_models_pytorch.losses")
    return {"segmentation_models_pytorch": smp.LovaszLoss("multiclass")}


def forward_and_backward(
    loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor, target: Tensor
) -> Callable[[], None]:
    """One step of training's share of the loss."""

    def way() -> None:
        logits.grad = None
        loss(logits, target).backward()

    return way


if __name__ == "__main__":
    main()
