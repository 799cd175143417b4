"""Weights on disk as safetensors: plain tensors that cannot execute code."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from rareseg.artefacts import atomic_path
from rareseg.errors import ArtefactError

__all__ = ["load_weights", "save_weights"]


def save_weights(path: Path, module: nn.Module, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write parameters and buffers atomically; floating-point ones as float32, dense.

    Args:
        path: File to write.
        module: Any module; `Network` brings its normalisation along.
        metadata: Text by name, kept in the file's header.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "weights.safetensors"
        >>> save_weights(path, nn.Linear(2, 1), metadata={"step": "10"})
        >>> load_weights(path, nn.Linear(2, 1))
        {'step': '10'}
    """
    from safetensors.torch import save_file

    with atomic_path(path) as temporary:
        save_file(_plain_state(module), temporary, metadata=dict(metadata or {}))


def load_weights(path: Path, module: nn.Module) -> dict[str, str]:
    """Fill a module of the same architecture with the weights of a file.

    Args:
        path: File that `save_weights` wrote.
        module: Filled in place, keeping its device and dtype; untouched where the file does not fit.

    Returns:
        The metadata of the file.

    Raises:
        ArtefactError: The file is missing or damaged, or belongs to another architecture; the first key that
            differs is named.
    """
    from safetensors import SafetensorError, safe_open

    path = Path(path)
    if not path.is_file():
        raise ArtefactError(f"'{path}' does not exist; run the step that writes it first.")
    try:
        with safe_open(path, framework="pt") as file:
            loaded: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
            metadata: dict[str, str] = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise ArtefactError(
            f"'{path}' cannot be read as safetensors ({error}); delete it and run again."
        ) from None
    _check_same(path, module.state_dict(), loaded)
    module.load_state_dict(loaded)
    return metadata


def _plain_state(module: nn.Module) -> dict[str, Tensor]:
    """Detached dense copies on the CPU; copies, since safetensors refuses tensors that share memory."""
    return {
        name: tensor.detach()
        .to(device="cpu", dtype=torch.float32 if tensor.is_floating_point() else tensor.dtype)
        .clone(memory_format=torch.contiguous_format)
        for name, tensor in module.state_dict().items()
    }


def _check_same(path: Path, expected: Mapping[str, Tensor], loaded: Mapping[str, Tensor]) -> None:
    cure = "Load it with the model options it was trained with."
    for name, tensor in expected.items():
        if name not in loaded:
            raise ArtefactError(f"'{path}' lacks '{name}', which this model has. {cure}")
        if loaded[name].shape != tensor.shape:
            shapes = f"{tuple(tensor.shape)} for '{name}', but '{path}' holds {tuple(loaded[name].shape)}"
            raise ArtefactError(f"Expected shape {shapes}. {cure}")
        if loaded[name].is_floating_point() != tensor.is_floating_point():
            raise ArtefactError(
                f"Expected {tensor.dtype} for '{name}', but '{path}' holds {loaded[name].dtype}. {cure}"
            )
    for name in loaded:
        if name not in expected:
            raise ArtefactError(f"'{path}' holds '{name}', which this model has not. {cure}")
