"""One file from which a run continues: weights, optimizer state and bookkeeping, without pickle.

Everything is tensors in one safetensors file, so it is replaced in one rename and nothing in it can execute
code. Bookkeeping (step, exposure, log position) is JSON in the file's header.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rareseg.artefacts import atomic_path
from rareseg.errors import ArtefactError

__all__ = ["load_checkpoint", "save_checkpoint"]

_FORMAT = "checkpoint/1"


def save_checkpoint(
    path: Path,
    *,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    bookkeeping: dict[str, Any],
    average: nn.Module | None = None,
) -> None:
    """Write a checkpoint atomically.

    Args:
        path: File to replace.
        network: Its parameters and buffers are stored.
        optimizer: Its per-parameter state is stored; its settings come from the recipe again.
        bookkeeping: JSON-like values.
        average: The moving average of the weights, where there is one.
    """
    from safetensors.torch import save_file

    tensors = {f"network.{key}": value for key, value in network.state_dict().items()}
    if average is not None:
        tensors |= {f"average.{key}": value for key, value in average.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        for key, value in state.items():
            if value is not None:
                tensors[f"optimizer.{index}.{key}"] = torch.as_tensor(value)
    packed = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    with atomic_path(path) as temporary:
        save_file(packed, temporary, metadata={"artefact": _FORMAT, "bookkeeping": json.dumps(bookkeeping)})


def load_checkpoint(
    path: Path,
    *,
    network: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    average: nn.Module | None = None,
) -> dict[str, Any]:
    """Load a checkpoint into a network (an optimizer, an average) of the same make and return its bookkeeping.

    Raises:
        ArtefactError: The file is damaged, of another version, or does not fit the network.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, Tensor] = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (no dict)
    except (OSError, SafetensorError) as error:
        raise ArtefactError(
            f"'{path}' cannot be read as a checkpoint ({error}); delete it to train afresh."
        ) from None
    if metadata.get("artefact") != _FORMAT:
        raise ArtefactError(
            f"'{path}' should be a {_FORMAT} file, but is {metadata.get('artefact')}; delete it to train afresh."
        )
    for kind, module in (("network.", network), ("average.", average)):
        if module is None:
            continue
        weights = {key.removeprefix(kind): value for key, value in tensors.items() if key.startswith(kind)}
        try:
            module.load_state_dict(weights)
        except RuntimeError as error:
            reason = str(error).splitlines()[-1].strip()
            raise ArtefactError(
                f"'{path}' does not fit the network ({reason}); delete it to train afresh."
            ) from None
    if optimizer is not None:
        _load_optimizer(optimizer, tensors)
    bookkeeping: dict[str, Any] = json.loads(metadata["bookkeeping"])
    return bookkeeping


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition(".")
        if kind == "optimizer":
            index, _, key = rest.partition(".")
            state.setdefault(int(index), {})[key] = value
    current = optimizer.state_dict()
    optimizer.load_state_dict({"state": state, "param_groups": current["param_groups"]})
