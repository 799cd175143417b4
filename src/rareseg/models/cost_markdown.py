"""A cost table as Markdown, with the columns of Table B1 of the foil thesis."""

from __future__ import annotations

from collections.abc import Sequence

from rareseg.models.cost import LayerCost

__all__ = ["cost_markdown"]

_HEADINGS = (
    "layer",
    "kind",
    "kernel",
    "stride",
    "padding",
    "output H x W",
    "channels",
    "activations",
    "parameters",
    "MACs (M)",
    "activations (MiB)",
    "skip (MiB)",
    "parameters (MiB)",
)
_MIB = 2**20


def cost_markdown(layers: Sequence[LayerCost]) -> str:
    """Render rows and totals; M is a million, MiB is 2 ** 20 bytes, parameters take 4 bytes.

    Args:
        layers: What `cost_table` returned.

    Example:
        >>> from torch import nn
        >>> from rareseg.models.cost import cost_table
        >>> print(cost_markdown(cost_table(nn.Conv2d(3, 32, 3, padding=1), (1, 3, 64, 64))).splitlines()[2])
        | Conv2d | convolution | 3 | 1 | 1 | 64 x 64 | 32 | 131072 | 896 | 3.5 | 0.5 |  | 0.00 |
    """
    lines = [_line(_HEADINGS), "|" + "---|" * len(_HEADINGS)]
    for layer in layers:
        place = [layer.name, layer.kind, *map(_or_blank, (layer.kernel, layer.stride, layer.padding))]
        size = [f"{layer.out_height} x {layer.out_width}", str(layer.out_channels)]
        lines.append(_line([*place, *size, *_costs([layer])]))
    lines.append(_line(["**total**", *[""] * 6, *_costs(layers)]))
    return "\n".join(lines) + "\n"


def _costs(layers: Sequence[LayerCost]) -> list[str]:
    macs = sum(layer.macs for layer in layers)
    parameters = sum(layer.parameters for layer in layers)
    skip = sum(layer.skip_bytes for layer in layers)
    return [
        str(sum(layer.activations for layer in layers)),
        str(parameters),
        f"{macs / 1e6:.1f}" if macs else "",
        f"{sum(layer.activation_bytes for layer in layers) / _MIB:.1f}",
        f"{skip / _MIB:.1f}" if skip else "",
        f"{parameters * 4 / _MIB:.2f}" if parameters else "",
    ]


def _or_blank(value: int | None) -> str:
    return "" if value is None else str(value)


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
