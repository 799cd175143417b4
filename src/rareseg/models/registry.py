"""What a model is: options and a builder, filed by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch import nn

from rareseg.config.load import Settings
from rareseg.registry import Registry

__all__ = ["MODELS", "ModelBuilder", "ModelSettings", "register_model"]


class ModelSettings(Settings):
    """Options of every model. A model derives its own and adds fields; what it does not name is refused.

    A model that can start with weights from elsewhere calls the option ``encoder_weights``; without it, it has the
    same layers.
    """

    name: str


S = TypeVar("S", bound=ModelSettings)


@dataclass(frozen=True)
class ModelBuilder(Generic[S]):
    """One entry of `MODELS`.

    Args:
        settings: The options that this model understands.
        build: Makes the module from options, input bands and output channels. The module has integers
            ``in_channels``, ``num_classes``, ``stride`` (sizes it takes are multiples of it) and
            ``receptive_radius`` (an output pixel depends on no input pixel further away than this, in rows or
            columns).
    """

    settings: type[S]
    build: Callable[[S, int, int], nn.Module]


MODELS: Registry[ModelBuilder[Any]] = Registry("model")


def register_model(
    name: str, settings: type[S]
) -> Callable[[Callable[[S, int, int], nn.Module]], Callable[[S, int, int], nn.Module]]:
    """Return a decorator that files a build function in `MODELS` under ``name``."""

    def decorate(build: Callable[[S, int, int], nn.Module]) -> Callable[[S, int, int], nn.Module]:
        MODELS.register(name)(ModelBuilder(settings, build))
        return build

    return decorate
