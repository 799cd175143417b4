"""Makes a torchvision whose compiled part does not fit torch importable, for tests of libraries that import it.

Its wheels on PyPI are linked to CUDA and find no operators beside a torch without it. The models of these tests use
none of them; declaring the two that torchvision asks for at import is enough.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

__all__ = ["declare_operators"]

# The declaration lasts as long as the library object.
_declared: list[object] = []


def declare_operators() -> None:
    """Declare them where torchvision is installed without working operators; else do nothing."""
    spec = find_spec("torchvision")
    if spec is None or spec.origin is None:
        return
    import torch

    try:
        for compiled in Path(spec.origin).parent.glob("_C*.so"):
            torch.ops.load_library(compiled)
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(library)
