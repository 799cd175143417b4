"""The class of segmentation_models_pytorch that options ask for."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from importlib.util import find_spec
from typing import Any

from torch import nn

from rareseg.compat import check_torchvision
from rareseg.errors import MissingExtraError, OptionError, UnknownNameError
from rareseg.models.library.smp_settings import SmpSettings

__all__ = ["smp_architecture"]

# Arguments of the classes that have a key of their own, or that would make something else of the answer.
_NOT_OPTIONS = {
    "self": "it is Python's",
    "kwargs": "give them as 'encoder_options'",
    "encoder_name": "it is the key 'encoder'",
    "encoder_depth": "it is the key 'encoder_depth'",
    "encoder_weights": "it is the key 'encoder_weights'",
    "in_channels": "it is the number of bands of the dataset",
    "classes": "it follows from the classes of the dataset",
    "activation": "losses take logits",
    "aux_params": "the answer of a second head would not be used",
}


def smp_architecture(settings: SmpSettings) -> type[nn.Module]:
    """Import the library and check every name in the options, so that what comes next can fail by values only.

    Raises:
        MissingExtraError: The library, or torchvision, which it needs, is not installed.
        ConfigError: torchvision is of another torch.
        UnknownNameError: There is no such architecture, option, encoder or set of weights.
        OptionError: An option has no place here.
    """
    for package in ("segmentation_models_pytorch", "torchvision"):
        if find_spec(package) is None:
            raise MissingExtraError(package, extra="encoders", purpose="The model 'smp'")
    check_torchvision()
    import segmentation_models_pytorch as smp

    known = {made.__name__: made for made in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    if settings.architecture not in known:
        raise UnknownNameError("architecture", settings.architecture, known)
    architecture: type[nn.Module] = known[settings.architecture]
    _check_options(architecture, settings.options)
    _check_encoder(settings, smp.encoders.encoders)
    return architecture


def _check_options(architecture: type[nn.Module], options: Mapping[str, Any]) -> None:
    arguments = inspect.signature(architecture.__init__).parameters
    allowed = [name for name in arguments if name not in _NOT_OPTIONS]
    for name in options:
        if name in _NOT_OPTIONS:
            raise OptionError(
                f"'{name}' cannot be among the model's 'options': {_NOT_OPTIONS[name]}. Leave it out."
            )
        if name not in allowed:
            raise UnknownNameError(f"option of {architecture.__name__}", name, allowed)


def _check_encoder(settings: SmpSettings, own: Mapping[str, Any]) -> None:
    name = settings.encoder
    known: Collection[str] = own
    if name.startswith("tu-"):
        import timm

        known = [f"tu-{model}" for model in timm.list_models()]
        name = name.split(".")[0]  # what follows names a set of weights
    elif settings.encoder_options:
        raise OptionError(
            f"'encoder_options' are for encoders of timm ('tu-...'), and '{name}' is none; leave them out."
        )
    if name not in known:
        raise UnknownNameError("encoder", name, known)
    weights = settings.encoder_weights
    if weights is not None and settings.weights_file is None:
        sets = own[name]["pretrained_settings"] if name in own else ["imagenet"]
        if weights not in sets:
            raise UnknownNameError(f"file or set of weights of the encoder {name}", weights, sets)
