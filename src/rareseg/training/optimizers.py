"""Optimizers by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

from rareseg.config.recipe import OptimizerSettings
from rareseg.registry import Registry

__all__ = ["OPTIMIZERS", "build_optimizer"]

Builder = Callable[[Iterable[nn.Parameter], OptimizerSettings], torch.optim.Optimizer]
OPTIMIZERS: Registry[Builder] = Registry("optimizer")


@OPTIMIZERS.register("adamw")
def _adamw(parameters: Iterable[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=settings.lr, weight_decay=settings.weight_decay)


@OPTIMIZERS.register("adam")
def _adam(parameters: Iterable[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=settings.lr, weight_decay=settings.weight_decay)


@OPTIMIZERS.register("sgd")
def _sgd(parameters: Iterable[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=settings.lr,
        weight_decay=settings.weight_decay,
        momentum=settings.momentum,
        nesterov=settings.momentum > 0,
    )


def build_optimizer(parameters: Iterable[nn.Parameter], settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Make the optimizer that a recipe names.

    Raises:
        UnknownNameError: No optimizer has this name.
    """
    return OPTIMIZERS[settings.name](parameters, settings)
