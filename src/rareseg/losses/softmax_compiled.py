"""The pass of `softmax_pass` written class by class, a form from which torch.compile makes one loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

__all__ = ["CompiledSoftmaxPass", "class_marks", "pick_class"]


def class_marks(target: Tensor, num_classes: int) -> list[Tensor]:
    """Where each class is, ``(b, h, w)`` each.

    Compared as float32, which is exact for indices: the compiler's loops over 64-bit comparisons are five
    times slower on a CPU.
    """
    index = target.to(torch.float32)
    return [index == number for number in range(num_classes)]


def pick_class(marks: Sequence[Tensor], parts: Sequence[Tensor]) -> Tensor:
    """The part whose class is marked, at every pixel."""
    picked = parts[0]
    for mark, part in zip(marks[1:], parts[1:], strict=True):
        picked = torch.where(mark, part, picked)
    return picked


class CompiledSoftmaxPass(torch.autograd.Function):
    """Arguments, results and gradient of the eager pass; only for use inside torch.compile.

    A reduction over the axis of classes, and a gather along it, would each make the compiler read the whole
    map once a class.
    """

    @staticmethod
    def forward(
        ctx: Any, logits: Tensor, target: Tensor, mask: Tensor | None, regions: bool
    ) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        """See `softmax_pass`."""
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(logits, target, mask)
        marks = class_marks(target, logits.shape[1])
        probs, total, largest = _softmax(logits, mask)
        own = pick_class(marks, logits.unbind(1))
        nll = largest - own + total.log()
        nll = nll if mask is None else nll * mask
        if not regions:
            return nll, torch.stack(probs, dim=1), None, None
        shares = [part.where(mark, 0).sum((1, 2)) for part, mark in zip(probs, marks, strict=True)]
        sums = [part.sum((1, 2)) for part in probs]
        return nll, torch.stack(probs, dim=1), torch.stack(shares, dim=1), torch.stack(sums, dim=1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor | None) -> tuple[Tensor, None, None, None]:
        """See `softmax_pass`."""
        of_nll, of_probs, of_intersection, of_predicted = slopes
        logits, target, mask = ctx.saved_tensors
        marks = class_marks(target, logits.shape[1])
        probs, _, _ = _softmax(logits, mask)
        if of_nll is None:
            of_nll = torch.zeros_like(probs[0])
        elif mask is not None:
            of_nll = of_nll * mask
        towards = []  # the slope in each probability
        for number, mark in enumerate(marks):
            slope = torch.zeros_like(probs[number])
            if of_probs is not None:
                slope = slope + of_probs[:, number]
            if of_predicted is not None:
                slope = slope + of_predicted[:, number, None, None]
            if of_intersection is not None:
                slope = torch.where(mark, slope + of_intersection[:, number, None, None], slope)
            towards.append(slope)
        mean = _add([part * slope for part, slope in zip(probs, towards, strict=True)])
        grads = [
            part * (slope - mean + of_nll) - of_nll.where(mark, 0)
            for part, slope, mark in zip(probs, towards, marks, strict=True)
        ]
        return torch.stack(grads, dim=1), None, None, None


def _softmax(logits: Tensor, mask: Tensor | None) -> tuple[list[Tensor], Tensor, Tensor]:
    """Probability of each class, 0 where ignored; the sum of exponentials; the largest logit."""
    parts = logits.unbind(1)
    largest = reduce(torch.maximum, parts)
    powers = [(part - largest).exp() for part in parts]
    total = _add(powers)
    inverse = total.reciprocal() if mask is None else mask / total
    return [power * inverse for power in powers], total, largest


def _add(parts: Sequence[Tensor]) -> Tensor:
    return reduce(torch.add, parts)
