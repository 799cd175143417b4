"""What a model costs, layer by layer, read off the model itself (after Table B1 of the foil thesis)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, nn

from rareseg.data.windows import pad_to_multiple
from rareseg.models.blocks import Add, Concatenate, Join, Multiply

__all__ = ["LayerCost", "cost_table"]


@dataclass(frozen=True)
class LayerCost:
    """One layer of a forward pass.

    ``activations`` is the size of one image's output map; ``activation_bytes`` and ``skip_bytes`` are of the
    whole batch, forward only: training keeps the gradient of each as well. ``macs`` are multiply-accumulates
    of convolutions and linear layers for one image; pooling, norms and additions count none.
    """

    name: str
    kind: str
    kernel: int | None
    stride: int | None
    padding: int | None
    out_height: int
    out_width: int
    out_channels: int
    activations: int
    parameters: int
    macs: int
    activation_bytes: int
    skip_bytes: int = 0
    """Bytes of earlier maps that wait for this layer: those of the encoder, or of a shortcut around layers."""


def cost_table(model: nn.Module, input_shape: Sequence[int]) -> list[LayerCost]:
    """Run a copy of the model without data and read off every layer that makes a new map.

    Args:
        model: A model or a `Network`; left as it is.
        input_shape: Batch, bands, height and width; the latter two are rounded up to multiples of the model's
            stride, as `Network` pads them.

    Returns:
        Layers in order of execution; one that runs twice stands twice, with its parameters the first time.
        Activations done in place (ReLU) make no map and are left out.

    Example:
        >>> rows = cost_table(nn.Conv2d(3, 32, 3, padding=1), (16, 3, 256, 256))
        >>> rows[0].parameters, rows[0].macs
        (896, 56623104)
    """
    batch, bands, *size = input_shape
    stride = getattr(model, "stride", 1)
    if isinstance(stride, int):  # a layer may have one of its own, a pair
        size = list(pad_to_multiple(size[0], size[1], stride))
    rows: list[LayerCost] = []
    counted: set[nn.Parameter] = set()
    dry = copy.deepcopy(model).to("meta").eval()
    handles = [
        module.register_forward_hook(_recorder(name or type(module).__name__, rows, counted))
        for name, module in dry.named_modules()
        if not list(module.children()) and not getattr(module, "inplace", False)
    ]
    try:
        with torch.no_grad():
            dry(torch.empty(batch, bands, *size, device="meta"))
    finally:
        for handle in handles:
            handle.remove()
    return rows


def _recorder(
    name: str, rows: list[LayerCost], counted: set[nn.Parameter]
) -> Callable[[nn.Module, Any, Any], None]:
    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        new = [parameter for parameter in module.parameters() if parameter not in counted]
        counted.update(new)
        *channels, height, width = output.shape[1:] if output.ndim >= 4 else (output.shape[-1], 1, 1)
        rows.append(
            LayerCost(
                name=name,
                kind=_KINDS.get(type(module), type(module).__name__.lower()),
                kernel=_first(getattr(module, "kernel_size", None)),
                stride=_first(getattr(module, "stride", None)),
                padding=_first(getattr(module, "padding", None)),
                out_height=height,
                out_width=width,
                out_channels=prod(channels),
                activations=output[0].numel(),
                parameters=sum(parameter.numel() for parameter in new),
                macs=_macs(module, inputs[0], output),
                activation_bytes=output.numel() * output.element_size(),
                skip_bytes=sum(waiting.numel() * waiting.element_size() for waiting in inputs[:-1])
                if isinstance(module, Join | Add)
                else 0,
            )
        )

    return record


_KINDS: dict[type[nn.Module], str] = {
    nn.Conv2d: "convolution",
    nn.ConvTranspose2d: "up-convolution",
    nn.BatchNorm2d: "batch norm",
    nn.GroupNorm: "group norm",
    nn.MaxPool2d: "pooling",
    nn.AdaptiveAvgPool2d: "mean",
    nn.Upsample: "upsampling",
    nn.Dropout: "dropout",
    nn.Dropout2d: "dropout",
    nn.Linear: "linear",
    Add: "addition",
    Multiply: "product",
    Concatenate: "join",
    Join: "join",
}


def _first(value: Any) -> int | None:
    """Kernels, strides and paddings of this package are square; the first number stands for both."""
    if value is None or isinstance(value, str):
        return None
    return int(value[0] if isinstance(value, tuple) else value)


def _macs(module: nn.Module, incoming: Tensor, output: Tensor) -> int:
    if isinstance(module, nn.Conv2d):
        return output[0].numel() * module.in_channels // module.groups * prod(module.kernel_size)
    if isinstance(module, nn.ConvTranspose2d):
        return incoming[0].numel() * module.out_channels // module.groups * prod(module.kernel_size)
    if isinstance(module, nn.Linear):
        return output[0].numel() * module.in_features
    return 0
