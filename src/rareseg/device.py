"""Where and in which number format a network runs."""

from __future__ import annotations

from typing import Literal

from rareseg.errors import OptionError

__all__ = ["Precision", "PrecisionWish", "parse_precision", "resolve_device", "resolve_precision"]

Precision = Literal["float32", "bfloat16"]
PrecisionWish = Literal["auto", "float32", "bfloat16"]


def parse_precision(text: str) -> PrecisionWish:
    """A number format that a user names.

    Raises:
        OptionError: It is none.

    Example:
        >>> parse_precision("bfloat16")
        'bfloat16'
    """
    known: tuple[PrecisionWish, ...] = ("auto", "float32", "bfloat16")
    for name in known:
        if text == name:
            return name
    raise OptionError(f"The precision '{text}' is not known; use auto, float32 or bfloat16.")


def resolve_device(name: str = "auto") -> str:
    """Name of a torch device that exists here.

    Args:
        name: ``auto`` (a GPU if there is one), ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.

    Raises:
        OptionError: The device is not available.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda:0"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind = name.split(":")[0]
    found = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    if kind not in found:
        raise OptionError(f"The device '{name}' is not known; use auto, cpu, cuda, cuda:N or mps.")
    if not found[kind]:
        raise OptionError(
            f"The device '{name}' is not available to this torch ({torch.__version__}); use --device cpu."
        )
    if kind == "cuda":
        number = int(name.split(":")[1]) if ":" in name else 0
        if number >= torch.cuda.device_count():
            raise OptionError(
                f"There is no '{name}'; this machine has {torch.cuda.device_count()} CUDA device(s)."
            )
        return f"cuda:{number}"
    return name


def resolve_precision(wish: PrecisionWish, *, device: str) -> Precision:
    """Number format for autocast: bfloat16 only where the hardware multiplies it natively.

    On processors without such units bfloat16 is emulated and slower than float32, so ``auto`` keeps float32 there.
    """
    import torch

    if wish != "auto":
        return wish
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device == "cpu":
        native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bfloat16" if native else "float32"
    return "float32"
