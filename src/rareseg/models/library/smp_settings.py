"""Options of the model ``smp``."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from rareseg.models.registry import ModelSettings

__all__ = ["SmpSettings"]


class SmpSettings(ModelSettings):
    """What segmentation_models_pytorch is asked for."""

    architecture: str = "Unet"
    """A class of the library."""
    encoder: str = "resnet34"
    """One of the library's encoders, or ``tu-`` and the name of a model of timm."""
    encoder_weights: str | None = None
    """Weights that the encoder starts with: a name, which is downloaded once, or a file; null for random ones."""
    encoder_depth: int | None = Field(default=None, ge=1, le=7)
    """Number of the encoder's stages; null for the architecture's own default."""
    options: dict[str, Any] = Field(default={})
    """Further arguments of the architecture."""
    encoder_options: dict[str, Any] = Field(default={})
    """Further arguments of an encoder of timm."""

    @property
    def weights_file(self) -> str | None:
        """The file that ``encoder_weights`` names, where it is no name of a set of weights."""
        endings = (".safetensors", ".pth", ".pt", ".bin")
        named = self.encoder_weights
        return named if named is not None and named.endswith(endings) else None
