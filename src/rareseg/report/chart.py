"""A chart of a page: a plotly figure as plain data, with colours that follow the theme."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

__all__ = ["Chart"]


@dataclass(frozen=True)
class Chart:
    """A chart as plotly traces and layout.

    A colour may be a CSS colour, which stays, or a word that the page replaces by the colour of the theme:
    ``$fg`` (text), ``$muted``, ``$line``, ``$surface``, ``$accent`` and ``$s0`` .. ``$s7`` (see `palette`).
    Fonts, grid, background and hover labels are set by the page; the layout says only what is particular:
    axis titles, types, ranges. NaN becomes a gap.

    Args:
        title: Short heading above the chart.
        data: plotly traces, each with a ``hovertemplate`` that shows exact values.
        layout: plotly layout.
        alt: What the chart shows, in a sentence, for those who cannot see it.
        caption: Text under the chart.
        height: Height in CSS pixels.

    Example:
        >>> chart = Chart("Loss", [{"y": [3.0, float("nan")]}], {}, alt="Falling loss")
        >>> chart.spec()
        Markup('{"data":[{"y":[3.0,null]}],"layout":{}}')
    """

    title: str
    data: Sequence[Mapping[str, Any]]
    layout: Mapping[str, Any] = field(default_factory=dict)
    alt: str = ""
    caption: str = ""
    height: int = 340

    def spec(self) -> Markup:
        """Traces and layout as JSON that may stand inside a script element."""
        text = json.dumps(
            _plain({"data": self.data, "layout": self.layout}), separators=(",", ":"), allow_nan=False
        )
        return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
