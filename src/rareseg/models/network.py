"""A model with its normalisation inside: raw pixels of any size in, logits of the same size out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from rareseg.errors import DataError

__all__ = ["Network", "mirror_to_multiple"]


class Network(nn.Module):
    """Wraps a model so that training, evaluation and export feed it the very same raw pixels.

    Pixels are converted to float32, shifted and scaled by band; missing values (NaN or infinite) become 0,
    the mean. Height and width are padded to multiples of the model's stride by mirrored rows at the bottom
    and columns at the right, which are cut off again.

    Args:
        core: A model as `build_model` makes it.
        mean: Mean of each band of the training split, in raw units.
        std: Standard deviation of each band, same units; 0 (a constant band) counts as 1.

    Raises:
        DataError: Mean and deviation are not one a band, are not finite, or a deviation is negative.

    Example:
        >>> from rareseg.models.build import build_model
        >>> core = build_model({"name": "unet", "base_channels": 4, "depth": 2}, in_channels=1, num_classes=2)
        >>> network = Network(core, mean=[100.0], std=[20.0]).eval()
        >>> network(torch.zeros(1, 1, 21, 30, dtype=torch.uint8)).shape
        torch.Size([1, 2, 21, 30])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, core: nn.Module, *, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        means = torch.tensor([float(value) for value in mean])
        deviations = torch.tensor([float(value) for value in std])
        if not len(means) == len(deviations) == core.in_channels:
            raise DataError(
                f"Expected a mean and a deviation for each of {core.in_channels} bands, but got {len(means)}"
                f" and {len(deviations)}. Measure both on the images that the model is for."
            )
        if not (means.isfinite().all() and deviations.isfinite().all() and (deviations >= 0).all()):
            raise DataError(
                f"Expected finite means and deviations of at least 0, but got {means.tolist()} and"
                f" {deviations.tolist()}. Check the training images for bands without data."
            )
        self.core = core
        self.register_buffer("mean", means)
        self.register_buffer("std", deviations.where(deviations > 0, 1.0))

    @property
    def in_channels(self) -> int:
        """Bands of the image."""
        return len(self.mean)

    @property
    def num_classes(self) -> int:
        """Channels of the logits."""
        return cast(int, self.core.num_classes)

    @property
    def stride(self) -> int:
        """Sizes that need no padding are multiples of this."""
        return cast(int, self.core.stride)

    @property
    def receptive_radius(self) -> int | None:
        """An output pixel depends on no pixel further away than this, in rows or columns; None: on all of them."""
        return cast(int | None, self.core.receptive_radius)

    def forward(self, raw: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits of raw pixels of any integer or float type.

        Raises:
            DataError: The image has another number of bands.
        """
        height, width = raw.shape[-2:]
        logits: Tensor = self.core(self.prepare(raw))
        return logits[..., :height, :width]

    def forward_part(self, raw: Shaped[Tensor, "b c h w"], part: str) -> Float[Tensor, "b ..."]:
        """What one module of the core makes of raw pixels: logits of their size, or one number a patch.

        Args:
            raw: As in `forward`.
            part: Dotted path of the module below ``core``; empty for the core itself.
        """
        height, width = raw.shape[-2:]
        outputs: Tensor = self.core.get_submodule(part)(self.prepare(raw))
        return outputs[..., :height, :width] if outputs.ndim == 4 else outputs

    def prepare(self, raw: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b c H W"]:
        """Raw pixels normalised and mirrored up to multiples of ``stride``.

        Raises:
            DataError: The image has another number of bands.
        """
        if raw.shape[-3] != self.in_channels:
            raise DataError(
                f"Expected images of {self.in_channels} bands, but got {raw.shape[-3]}."
                " Use the bands of training."
            )
        image = (raw.to(torch.float32) - self.mean[:, None, None]) / self.std[:, None, None]
        image = torch.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0)
        return mirror_to_multiple(image, self.stride)


def mirror_to_multiple(image: Float[Tensor, "b c h w"], stride: int) -> Float[Tensor, "b c H W"]:
    """Mirror rows at the bottom and columns at the right, edge included, as often as it takes."""
    for axis in (-2, -1):
        size = image.shape[axis]
        padded = -(-size // stride) * stride
        if padded != size:
            position = torch.arange(padded, device=image.device) % (2 * size)
            image = image.index_select(axis, torch.minimum(position, 2 * size - 1 - position))
    return image
