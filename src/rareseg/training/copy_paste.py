"""Rare-class copy-paste: defects of other patches are set into a patch, with seams that do not give them away."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Shaped, UInt8
from numpy.typing import NDArray
from torch import Tensor

from rareseg.sampling.uniforms import uniforms
from rareseg.training.blend import blend, fading, grain
from rareseg.training.copy_paste_settings import CopyPasteSettings
from rareseg.training.cutout import Cutout, find_cutout
from rareseg.types import Window

__all__ = ["copy_paste"]

_TRIES = 32
"""Places that are tried before a patch is left without the defect."""
_GAIN = (0.5, 2.0)
"""How much the donor's contrast may be changed to have the grain of the recipient."""
_OWN = 4
"""Uniform numbers of a defect before those of its places: two flips, class, defect."""


def copy_paste(
    images: Shaped[Tensor, "b c h w"],
    masks: UInt8[Tensor, "b h w"],
    donor_images: Shaped[Tensor, "d c h w"],
    donor_masks: UInt8[Tensor, "d h w"],
    settings: CopyPasteSettings,
    *,
    seed: int,
) -> tuple[Shaped[Tensor, "b c h w"], UInt8[Tensor, "b h w"]]:
    """Set defects of donors into patches at random places; a pure function of its arguments.

    After simple copy-paste (arXiv 2012.07177), but the seam is hidden, see `blend`. A defect is set only on
    ground of the class that it was cut from, hence never on another defect or on ignored pixels. A defect that
    reaches the border of its patch stays at that border. Its contrast is changed, by 1/2 to 2, as the grain of
    the two grounds differs, so that another exposure or noise does not show. Where no place of 32 fits, the
    patch stays as it is.
    Patch ``i`` takes donor ``i``, a second defect comes from the next donor, and so on in turn.

    Args:
        images: Raw pixels of any number type, on any device; whole numbers stay whole.
        masks: Class indices. Places are looked for on the host, so host tensors are quickest.
        donor_images: Patches of the same size and number type that hold the classes, see `donor_sampling`.
        donor_masks: Their masks.
        settings: Settings that are resolved, see `CopyPasteSettings.resolved`.
        seed: Seed of this batch, 0 to 2**64 - 1.

    Returns:
        New images and masks; where nothing was pasted, pixels are exactly those of the arguments.

    Raises:
        OptionError: The settings are not resolved.

    Example:
        >>> settings = CopyPasteSettings(probability=1).resolved(["background", "cavity"])
        >>> images, masks = torch.rand(1, 3, 32, 32), torch.zeros(1, 32, 32, dtype=torch.uint8)
        >>> donor_masks = masks.clone()
        >>> donor_masks[:, 10:14, 10:15] = 1
        >>> _, pasted = copy_paste(images, masks, images.clone(), donor_masks, settings, seed=0)
        >>> int(pasted.sum())
        20
    """
    classes, most = settings.class_indices, settings.max_per_patch
    images, masks = images.clone(), masks.clone()
    if not len(donor_images):
        return images, masks
    first = uniforms(seed, np.arange(len(images)), 2)
    wanted = np.where(first[:, 0] < settings.probability, 1 + np.floor(first[:, 1] * most), 0).astype(
        np.int64
    )
    for patch in np.flatnonzero(wanted).tolist():
        for number in range(int(wanted[patch])):
            donor = (patch + number) % len(donor_images)
            # Patch and defect in one counter, above the counters of the patches themselves.
            u = uniforms(seed, [((number + 1) << 32) + patch], _OWN + 2 * _TRIES)[0]
            axes = [axis for axis, x in ((-2, u[0]), (-1, u[1])) if settings.flips and x < 0.5]
            _paste(
                images[patch],
                masks[patch],
                donor_images[donor].flip(axes),
                donor_masks[donor].flip(axes),
                classes,
                rim=settings.rim,
                u=u[2:],
            )
    return images, masks


def _paste(
    image: Tensor,
    mask: Tensor,
    donor_image: Tensor,
    donor_mask: Tensor,
    classes: tuple[int, ...],
    *,
    rim: int,
    u: NDArray[np.float64],
) -> None:
    """Set one defect into ``image`` and ``mask``, which are changed."""
    cutout = find_cutout(donor_mask.cpu().numpy(), _known(donor_image), classes, rim=rim, u=u[:2].tolist())
    if cutout is None:
        return
    share = fading(cutout.support, cutout.ground, rim=rim)
    if not (cutout.ground & (share < 1)).any():
        return
    allowed = (mask.cpu().numpy() == cutout.ground_class) & _known(image)
    place = _find_place(allowed, cutout, u[2:].reshape(-1, 2))
    if place is None:
        return
    like_ground = (donor_mask.cpu().numpy() == cutout.ground_class) & _known(donor_image)
    strength = _grain(image, allowed) / _grain(donor_image, like_ground)
    gain = torch.where(strength.isfinite(), strength, 1.0).clamp(*_GAIN)
    lowest, highest = (
        torch.stack([getattr(torch.nan_to_num(x.float()), kind)(dim=(1, 2)) for x in (image, donor_image)])
        for kind in ("amin", "amax")
    )
    here, there = (..., *place.slices), (..., *cutout.window.slices)
    device = image.device
    blended = blend(
        image[here].float(),
        donor_image[there].float(),
        torch.from_numpy(share).to(device),
        torch.from_numpy(cutout.ground).to(device),
        gain,
        rim=rim,
    )
    # No value beyond those that the two images have: a sensor's range is kept.
    blended = blended.clamp(lowest.amin(dim=0)[:, None, None], highest.amax(dim=0)[:, None, None])
    if not image.dtype.is_floating_point:
        blended = blended.round()
    touched = torch.from_numpy(share > 0).to(device)
    image[here] = torch.where(touched, blended.to(image.dtype), image[here])
    mask[here] = torch.where(torch.from_numpy(cutout.support).to(device), donor_mask[there], mask[here])


def _grain(image: Tensor, ground: NDArray[np.bool_]) -> Tensor:
    return grain(image.float(), torch.from_numpy(ground).to(image.device))


def _known(image: Tensor) -> NDArray[np.bool_]:
    """Pixels of which no band is missing."""
    return np.asarray(image.isfinite().all(dim=0).cpu().numpy())


def _find_place(allowed: NDArray[np.bool_], cutout: Cutout, u: NDArray[np.float64]) -> Window | None:
    """The first of the drawn places where the whole zone lies on allowed pixels."""
    old = cutout.window
    free_rows, free_cols = allowed.shape[0] - old.height + 1, allowed.shape[1] - old.width + 1
    for down, across in u:
        row = old.row if cutout.at_row_border else int(down * free_rows)
        col = old.col if cutout.at_col_border else int(across * free_cols)
        place = Window(row, col, old.height, old.width)
        if allowed[place.slices][cutout.zone].all():
            return place
    return None
