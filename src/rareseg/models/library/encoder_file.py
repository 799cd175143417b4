"""Weights of an encoder from a file that the user brought."""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor, nn

from rareseg.errors import ArtefactError
from rareseg.models.library.adapt_bands import adapt_bands

__all__ = ["load_encoder_file"]


def load_encoder_file(path: Path, encoder: nn.Module) -> None:
    """Fill an encoder from a file that was written for colour images.

    Args:
        path: ``.safetensors``, or a file of ``torch.save`` that holds tensors by name.
        encoder: Filled in place; its first convolution may take any number of bands.

    Raises:
        ArtefactError: The file is missing, cannot be read, or is of another encoder.

    Example:
        >>> import tempfile
        >>> from safetensors.torch import save_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "encoder.safetensors"
        ...     save_file({"0.weight": torch.ones(2, 3, 1, 1), "0.bias": torch.zeros(2)}, path)
        ...     encoder = nn.Sequential(nn.Conv2d(1, 2, 1))
        ...     load_encoder_file(path, encoder)
        >>> encoder[0].weight.flatten().tolist()
        [3.0, 3.0]
    """
    state = _read(path)
    first = next((name for name, module in encoder.named_modules() if isinstance(module, nn.Conv2d)), None)
    key = f"{first}.weight"
    expected = encoder.state_dict().get(key)
    if expected is not None and key in state and state[key].ndim == 4 and state[key].shape[1] == 3:
        state[key] = adapt_bands(state[key], expected.shape[1])
    try:
        encoder.load_state_dict(state)
    except (KeyError, RuntimeError):
        raise ArtefactError(
            f"Expected weights of the encoder {type(encoder).__name__}, but '{path}' holds those of another network."
            " Choose the encoder that they belong to."
        ) from None


def _read(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise ArtefactError(f"'{path}' does not exist; name the file with the encoder's weights.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (EOFError, OSError, RuntimeError, SafetensorError, pickle.UnpicklingError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
        raise ArtefactError(f"'{path}' cannot be read ({reason[:200]}); download it again.") from None
    if not (isinstance(state, dict) and all(isinstance(value, Tensor) for value in state.values())):
        raise ArtefactError(f"'{path}' does not hold tensors by name; save the encoder's state_dict.")
    return dict(state)
