"""What a loss term is: options, a builder that knows the classes, and a module that reads `LossInputs`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import Field
from torch import nn

from rareseg.config.load import Settings
from rareseg.errors import OptionError, UnknownNameError
from rareseg.losses.inputs import Activation
from rareseg.registry import Registry

__all__ = ["LOSSES", "ClassFacts", "LossBuilder", "TermSettings", "register_loss"]


class TermSettings(Settings):
    """Options of every term. A loss derives its own and adds fields; what it does not name is refused."""

    name: str
    scale: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Factor of this term in the sum."""

    def summary(self) -> str:
        """A few words for tables and reports, without the scale."""
        return self.name.replace("_", " ")


@dataclass(frozen=True)
class ClassFacts:
    """What a builder may know: the classes of the training split, their pixels, and what the channels mean.

    ``positive_classes`` are the class indices of a sigmoid's channels; of a softmax they are all classes.
    """

    names: tuple[str, ...]
    pixels: tuple[int, ...]
    activation: Activation
    positive_classes: tuple[int, ...]

    @property
    def num_classes(self) -> int:
        """Number of classes, background included."""
        return len(self.names)

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Name of each channel's class."""
        return tuple(self.names[index] for index in self.positive_classes)

    def channels_of(self, names: Iterable[str]) -> tuple[int, ...]:
        """Channels of classes by name.

        Raises:
            UnknownNameError: No channel belongs to a class of this name.
        """
        channels = []
        for name in names:
            if name not in self.channel_names:
                raise UnknownNameError("class", name, self.channel_names)
            channels.append(self.channel_names.index(name))
        return tuple(channels)

    def need(self, activation: Activation, what: str, *, instead: str) -> None:
        """Refuse what works with one activation only.

        Args:
            activation: The only one that it works with.
            what: The loss or the option, as a message names it.
            instead: What to do with the other activation, a sentence.

        Raises:
            OptionError: The channels have the other activation.
        """
        if self.activation != activation:
            raise OptionError(
                f"{what} works with a {activation}, but the head is a {self.activation}. {instead}"
            )


S = TypeVar("S", bound=TermSettings)


@dataclass(frozen=True)
class LossBuilder(Generic[S]):
    """One entry of `LOSSES`.

    Args:
        settings: The options that this loss understands.
        build: Makes the module from options and classes. The module maps `LossInputs` to a scalar and keeps
            its tensors as buffers; an option that cannot take effect raises `OptionError` here.
    """

    settings: type[S]
    build: Callable[[S, ClassFacts], nn.Module]


LOSSES: Registry[LossBuilder[Any]] = Registry("loss")


def register_loss(
    name: str, settings: type[S]
) -> Callable[[Callable[[S, ClassFacts], nn.Module]], Callable[[S, ClassFacts], nn.Module]]:
    """Return a decorator that files a build function in `LOSSES` under ``name``."""

    def decorate(build: Callable[[S, ClassFacts], nn.Module]) -> Callable[[S, ClassFacts], nn.Module]:
        LOSSES.register(name)(LossBuilder(settings, build))
        return build

    return decorate
