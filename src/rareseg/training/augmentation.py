"""Random changes of a batch, image and mask in step, for any number of bands, on the batch's device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, UInt8
from pydantic import Field
from torch import Tensor

from rareseg.config.load import Settings, parse_settings
from rareseg.errors import OptionError

__all__ = ["AugmentationSettings", "augment"]


class AugmentationSettings(Settings):
    """Which changes are made; all are off by default, as in the foil thesis."""

    flips: bool = False
    """Mirror rows and columns, each with probability one half."""
    quarter_turns: bool = False
    """Turn by 0, 90, 180 or 270 degrees; only for square patches."""
    brightness: float = Field(default=0.0, ge=0, le=1)
    """Add up to this share of the image's standard deviation, the same for all pixels of a band."""
    contrast: float = Field(default=0.0, ge=0, lt=1)
    """Stretch around the patch's mean by a factor within 1 +- this."""
    noise: float = Field(default=0.0, ge=0, le=1)
    """Standard deviation of Gaussian noise, as a share of the patch's own."""

    @classmethod
    def parse(cls, value: Mapping[str, Any], *, patch_size: tuple[int, int]) -> AugmentationSettings:
        """Check a recipe's ``augmentation``.

        Raises:
            ConfigError: Unknown option, value out of range, or quarter turns of patches that are not square.
        """
        settings = parse_settings(cls, value, where="augmentation")
        if settings.quarter_turns and patch_size[0] != patch_size[1]:
            raise OptionError(
                f"augmentation.quarter_turns needs square patches, but patch_size is {patch_size[0]} x "
                f"{patch_size[1]}; use flips instead or make the patch square."
            )
        return settings


def augment(
    images: Float[Tensor, "b c h w"],
    masks: UInt8[Tensor, "b h w"],
    settings: AugmentationSettings,
    *,
    seed: int,
) -> tuple[Float[Tensor, "b c h w"], UInt8[Tensor, "b h w"]]:
    """Change every patch of a batch at random; a pure function of its arguments.

    Args:
        images: Raw pixels as float.
        masks: Class indices.
        settings: What to do.
        seed: Seed of this batch.
    """
    import kornia.augmentation as ka

    steps: list[Any] = []
    if settings.flips:
        steps += [ka.RandomHorizontalFlip(p=0.5), ka.RandomVerticalFlip(p=0.5)]
    if steps:
        with torch.random.fork_rng(devices=_cuda_of(images)):
            torch.manual_seed(seed)
            pipeline = ka.AugmentationSequential(*steps, data_keys=["input", "mask"])
            images, changed = pipeline(images, masks[:, None].to(images.dtype))
            masks = changed[:, 0].round().to(torch.uint8)
    generator = torch.Generator().manual_seed(seed)
    if settings.quarter_turns:
        turns = torch.randint(0, 4, (images.shape[0],), generator=generator).tolist()
        images = torch.stack([torch.rot90(x, k, (1, 2)) for x, k in zip(images, turns, strict=True)])
        masks = torch.stack([torch.rot90(x, k, (0, 1)) for x, k in zip(masks, turns, strict=True)])
    return _change_intensity(images, settings, generator), masks


def _change_intensity(images: Tensor, settings: AugmentationSettings, generator: torch.Generator) -> Tensor:
    if not (settings.brightness or settings.contrast or settings.noise):
        return images
    shape = (images.shape[0], 1, 1, 1)
    mean = images.mean(dim=(2, 3), keepdim=True)
    deviation = images.std(dim=(2, 3), keepdim=True)
    shift = (torch.rand(shape, generator=generator).to(images) * 2 - 1) * settings.brightness * deviation
    factor = 1 + (torch.rand(shape, generator=generator).to(images) * 2 - 1) * settings.contrast
    changed = (images - mean) * factor + mean + shift
    if settings.noise:
        changed = (
            changed + torch.randn(images.shape, generator=generator).to(images) * settings.noise * deviation
        )
    return changed


def _cuda_of(images: Tensor) -> list[torch.device]:
    return [images.device] if images.device.type == "cuda" else []
