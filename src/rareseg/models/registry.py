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
            columns), which is None where an output pixel depends on the whole image.
        shares_encoder: Whether the module has ``encode(image)``, ``decode(features)`` and ``ENCODER``, the names
            of the modules that only ``encode`` uses, so that `SharedEncoder` can take it.
    """

    settings: type[S]
    build: Callable[[S, int, int], nn.Module]
    shares_encoder: bool = False


MODELS: Registry[ModelBuilder[Any]] = Registry("model")


def register_model(
    name: str, settings: type[S], *, shares_encoder: bool = False
) -> Callable[[Callable[[S, int, int], nn.Module]], Callable[[S, int, int], nn.Module]]:
    """Return a decorator that files a build function in `MODELS` under ``name``; for the rest see `ModelBuilder`."""

    def decorate(build: Callable[[S, int, int], nn.Module]) -> Callable[[S, int, int], nn.Module]:
        MODELS.register(name)(ModelBuilder(settings, build, shares_encoder))
        return build

    return decorate
