"""Checks the shapes and number types that signatures state, while tests run and then only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

from beartype import beartype
from jaxtyping import AbstractArray

__all__ = ["check_shapes"]


def check_shapes(function: Callable[..., Any]) -> Callable[..., Any]:
    """What jaxtyping's import hook puts around each function: beartype over the hints of arrays and tensors.

    All other hints are mypy's business: beartype would refuse an int where a float is asked for.
    """
    hints = function.__annotations__
    function.__annotations__ = {name: hint for name, hint in hints.items() if _states_shape(hint)}
    return beartype(function)


def _states_shape(hint: object) -> bool:
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(_states_shape(part) for part in get_args(hint))
