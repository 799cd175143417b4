from __future__ import annotations

import pytest
import torch

from rareseg.errors import ConfigError, OptionError
from rareseg.training.augmentation import AugmentationSettings, augment


def _batch(bands: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Images whose every band is the mask times a band factor, so that a step out of line shows."""
    masks = torch.randint(0, 5, (16, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    masks[:, 0, :3] = 255
    factors = torch.arange(1, bands + 1).float()[None, :, None, None]
    return masks[:, None].float() * factors, masks


@pytest.mark.parametrize(
    "change", [{"flips": True}, {"quarter_turns": True}, {"flips": True, "quarter_turns": True}]
)
def test_image_and_mask_move_together(change: dict[str, bool]) -> None:
    images, masks = _batch()
    settings = AugmentationSettings.parse(change, patch_size=(32, 32))
    out, moved = augment(images, masks, settings, seed=3)
    assert moved.dtype == torch.uint8
    assert torch.equal(out, moved[:, None].float() * torch.arange(1, 6).float()[None, :, None, None])
    assert sum(not torch.equal(a, b) for a, b in zip(masks, moved, strict=True)) >= 8


def test_it_is_a_function_of_the_seed() -> None:
    images, masks = _batch()
    settings = AugmentationSettings(flips=True, noise=0.1, brightness=0.2, contrast=0.2)
    first, again = augment(images, masks, settings, seed=1), augment(images, masks, settings, seed=1)
    other = augment(images, masks, settings, seed=2)
    assert torch.equal(first[0], again[0])
    assert torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])


def test_nothing_asked_nothing_done() -> None:
    images, masks = _batch()
    out, moved = augment(images, masks, AugmentationSettings(), seed=1)
    assert out is images
    assert moved is masks


def test_mistakes() -> None:
    with pytest.raises(OptionError, match=r"needs square patches, but patch_size is 32 x 64"):
        AugmentationSettings.parse({"quarter_turns": True}, patch_size=(32, 64))
    with pytest.raises(ConfigError, match=r"no key 'flip'\. Did you mean 'flips'"):
        AugmentationSettings.parse({"flip": True}, patch_size=(32, 32))
