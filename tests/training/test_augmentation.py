from __future__ import annotations

from typing import Any

import pytest
import torch

from rareseg.errors import ConfigError, OptionError, UnknownNameError
from rareseg.training.augmentation import AugmentationSettings, augment

NAMES = ("background", "cavity", "crack")
GEOMETRY: list[dict[str, Any]] = [
    {"flips": True},
    {"quarter_turns": True},
    {"zoom": [0.7, 1.4]},
    {"translation": 0.2},
    {"rotation": 30},
    {"elastic": 4},
    {"flips": True, "quarter_turns": True, "zoom": 0.25, "translation": 0.1, "rotation": 180, "elastic": 3},
]
INTENSITY: list[dict[str, Any]] = [{"brightness": 0.5}, {"contrast": 0.5}, {"noise": 0.3}]
CHANGES = [*GEOMETRY, *INTENSITY]


def name_of(change: dict[str, Any]) -> str:
    return "-".join(change)


def _batch(bands: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Images whose every band is the mask times a band factor, so that a step out of line shows."""
    masks = torch.randint(0, 5, (16, 32, 32), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    masks[:, 0, :3] = 255
    factors = torch.arange(1, bands + 1).float()[None, :, None, None]
    return masks[:, None].float() * factors, masks


def _parse(change: dict[str, Any], size: tuple[int, int] = (32, 32)) -> AugmentationSettings:
    return AugmentationSettings.parse(change, patch_size=size, class_names=NAMES)


@pytest.mark.parametrize(
    "change", [{"flips": True}, {"quarter_turns": True}, {"flips": True, "quarter_turns": True}]
)
def test_flips_and_turns_are_exact(change: dict[str, bool]) -> None:
    images, masks = _batch()
    out, moved = augment(images, masks, _parse(change), seed=3)
    assert moved.dtype == torch.uint8
    assert torch.equal(out, moved[:, None].float() * torch.arange(1, 6).float()[None, :, None, None])
    assert sum(not torch.equal(a, b) for a, b in zip(masks, moved, strict=True)) >= 8
    assert torch.equal(moved.flatten(1).sort().values, masks.flatten(1).sort().values)


@pytest.mark.parametrize("change", GEOMETRY, ids=name_of)
def test_image_and_mask_stay_in_step(change: dict[str, Any]) -> None:
    """An image that equals its mask still does, but for pixels that are mixed from two classes."""
    masks = torch.zeros(12, 64, 64, dtype=torch.uint8)
    masks[:, 10:40, 20:35] = 200
    masks[:, 45:60, 5:50] = 255
    out, moved = augment(masks[:, None].float(), masks, _parse(change, (64, 64)), seed=5)
    assert set(moved.unique().tolist()) <= {0, 200, 255}
    pure = torch.isclose(out[:, 0], out[:, 0].round(), atol=1e-3) & torch.isin(
        out[:, 0].round(), torch.tensor([0.0, 200.0, 255.0])
    )
    assert pure.float().mean() > 0.8
    assert torch.equal(out[:, 0].round()[pure].to(torch.uint8), moved[pure])
    assert moved.ne(masks).flatten(1).any(1).sum() >= 6


def test_no_change_is_left_out_of_these_tests() -> None:
    """A change that is added to the settings has to be added above, so that it is held to its mask too."""
    tried = {key for change in CHANGES for key in change}
    assert tried | {"only_for", "copy_paste"} == set(AugmentationSettings.model_fields)


@pytest.mark.parametrize("change", CHANGES, ids=name_of)
@pytest.mark.parametrize("bands", [1, 3, 5, 8])
def test_every_change_keeps_the_contract(change: dict[str, Any], bands: int) -> None:
    size = (32, 32) if "quarter_turns" in change else (24, 40)
    generator = torch.Generator().manual_seed(1)
    images = torch.rand((4, bands, *size), generator=generator) * 4000 + 1000
    masks = torch.randint(0, 3, (4, *size), generator=generator).to(torch.uint8)
    kept = images.clone(), masks.clone()
    state = torch.random.get_rng_state()
    settings = _parse(change, size)
    out, moved = augment(images, masks, settings, seed=2**64 - 1)
    again = augment(images, masks, settings, seed=2**64 - 1)
    other = augment(images, masks, settings, seed=12)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(images, kept[0])
    assert torch.equal(masks, kept[1])
    assert out.shape == images.shape
    assert (out.dtype, moved.dtype) == (torch.float32, torch.uint8)
    assert torch.equal(out, again[0])
    assert torch.equal(moved, again[1])
    assert not torch.equal(out, other[0])
    assert out.isfinite().all()
    if change in INTENSITY:
        assert torch.equal(moved, masks)
    else:
        assert out.min() >= images.min() - 0.1
        assert out.max() <= images.max() + 0.1


@pytest.mark.parametrize("change", CHANGES, ids=name_of)
def test_a_patch_is_changed_alike_in_every_batch(change: dict[str, Any]) -> None:
    images, masks = _batch()
    whole = augment(images, masks, _parse(change), seed=4)
    part = augment(images[:5], masks[:5], _parse(change), seed=4)
    torch.testing.assert_close(part[0], whole[0][:5])
    assert torch.equal(part[1], whole[1][:5])


def test_a_further_change_leaves_the_others_as_they_were() -> None:
    images, masks = _batch()
    flipped = augment(images, masks, _parse({"flips": True}), seed=9)
    louder = augment(images, masks, _parse({"flips": True, "contrast": 0.5, "noise": 0.1}), seed=9)
    assert torch.equal(flipped[1], louder[1])
    assert not torch.equal(flipped[0], louder[0])


@pytest.mark.parametrize(
    "change", [{}, {"zoom": 0}, {"zoom": [1, 1]}, {"copy_paste": {"probability": 1}}], ids=str
)
def test_nothing_asked_nothing_done(change: dict[str, Any]) -> None:
    images, masks = _batch()
    out, moved = augment(images, masks, _parse(change), seed=1)
    assert out is images
    assert moved is masks


@pytest.mark.parametrize("change", CHANGES, ids=name_of)
def test_only_patches_that_hold_a_class_are_changed(change: dict[str, Any]) -> None:
    masks = torch.zeros(6, 32, 32, dtype=torch.uint8)
    masks[1, 3:9, 3:9] = 1
    masks[2, 3:9, 3:9] = 2
    masks[4, 20, 30] = 1
    masks[5] = 255
    images = torch.rand(6, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 100
    out, moved = augment(images, masks, _parse({**change, "only_for": ["cavity"]}), seed=1)
    everywhere = augment(images, masks, _parse(change), seed=1)
    for number in range(6):
        expected = everywhere if number in (1, 4) else (images, masks)
        torch.testing.assert_close(out[number], expected[0][number])
        assert torch.equal(moved[number], expected[1][number])


def test_no_patch_holds_the_class() -> None:
    images, masks = _batch()
    masks = masks.where(masks != 2, 0)
    out = augment(images, masks, _parse({"flips": True, "only_for": "crack"}), seed=1)
    assert out[0] is images
    assert out[1] is masks


def test_an_empty_batch() -> None:
    images, masks = torch.zeros(0, 3, 8, 8), torch.zeros(0, 8, 8, dtype=torch.uint8)
    assert len(augment(images, masks, _parse({"rotation": 10}, (8, 8)), seed=1)[0]) == 0


def test_flips_come_in_all_four_kinds_equally_often() -> None:
    masks = torch.arange(4, dtype=torch.uint8).reshape(1, 2, 2).repeat(4000, 1, 1)
    _, moved = augment(masks[:, None].float(), masks, _parse({"flips": True}, (2, 2)), seed=0)
    kinds, numbers = moved.flatten(1).unique(dim=0, return_counts=True)
    assert kinds.tolist() == [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]
    # Four standard deviations of a binomial with 4000 draws and a chance of 1/4.
    assert (numbers - 1000).abs().max() < 110


def test_autocast_changes_nothing() -> None:
    images, masks = _batch()
    settings = _parse({"rotation": 20, "elastic": 4, "contrast": 0.2})
    plain = augment(images, masks, settings, seed=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = augment(images, masks, settings, seed=1)
    assert torch.equal(plain[0], mixed[0])
    assert torch.equal(plain[1], mixed[1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device on this machine")
@pytest.mark.parametrize("change", CHANGES, ids=name_of)
def test_a_gpu_draws_the_same(change: dict[str, Any]) -> None:
    images, masks = _batch()
    here = augment(images, masks, _parse(change), seed=1)
    there = augment(images.cuda(), masks.cuda(), _parse(change), seed=1)
    assert here[1].ne(there[1].cpu()).float().mean() < 1e-3
    assert (here[0] - there[0].cpu()).abs().gt(0.01).float().mean() < 1e-3


def test_zoom_as_one_number() -> None:
    assert _parse({"zoom": 0.25}).zoom == (0.8, 1.25)
    assert _parse({"zoom": 1}).zoom == (0.5, 2.0)


def test_words_for_classes() -> None:
    change = {"flips": True, "only_for": "rarest", "copy_paste": {}}
    settings = AugmentationSettings.parse(
        change, patch_size=(32, 32), class_names=NAMES, class_pixels=[900, 20, 80]
    )
    assert settings.class_indices == (1,)
    assert settings.copy_paste is not None
    assert settings.copy_paste.class_indices == (1, 2)


def test_mistakes() -> None:
    with pytest.raises(OptionError, match=r"needs square patches, but patch_size is 32 x 64"):
        AugmentationSettings.parse({"quarter_turns": True}, patch_size=(32, 64))
    with pytest.raises(ConfigError, match=r"no key 'flip'\. Did you mean 'flips'"):
        AugmentationSettings.parse({"flip": True}, patch_size=(32, 32))
    with pytest.raises(ConfigError, match=r"no key 'copy_paste\.rims'\. Did you mean 'rim'"):
        _parse({"copy_paste": {"rims": 3}})
    with pytest.raises(ConfigError, match=r"from a smaller to a larger factor within 0\.5 and 2"):
        _parse({"zoom": [1.2, 0.8]})
    with pytest.raises(ConfigError, match=r"from a smaller to a larger factor within 0\.5 and 2"):
        _parse({"zoom": 1.5})
    with pytest.raises(ConfigError, match=r"from 0 to 1; give two for a range"):
        _parse({"zoom": -0.1})
    with pytest.raises(ConfigError, match=r"rotation: .*less than or equal to 180"):
        _parse({"rotation": 270})
    with pytest.raises(UnknownNameError, match=r"no class named 'cavty'\. Did you mean 'cavity'"):
        _parse({"flips": True, "only_for": ["cavty"]})
    with pytest.raises(UnknownNameError, match=r"no class named 'crak'\. Did you mean 'crack'"):
        _parse({"copy_paste": {"classes": "crak"}})
    with pytest.raises(OptionError, match="no change is asked for"):
        _parse({"only_for": ["cavity"]})
    images, masks = _batch()
    unresolved = AugmentationSettings.parse({"flips": True, "only_for": "cavity"}, patch_size=(32, 32))
    with pytest.raises(OptionError, match="give `class_names` to AugmentationSettings"):
        augment(images, masks, unresolved, seed=1)
