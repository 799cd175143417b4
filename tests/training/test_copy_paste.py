from __future__ import annotations

import numpy as np
import pytest
import torch

from rareseg.config.recipe import RecipeSettings
from rareseg.errors import OptionError, UnknownNameError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import build_plan
from rareseg.training.copy_paste import copy_paste
from rareseg.training.copy_paste_settings import CopyPasteSettings, donor_sampling
from rareseg.types import Region, Window

NAMES = ("background", "cavity", "crack")
Batch = tuple[torch.Tensor, torch.Tensor]


def _settings(**changes: object) -> CopyPasteSettings:
    return CopyPasteSettings.model_validate({"probability": 1, **changes}).resolved(NAMES)


def _batch(number: int = 6, bands: int = 3, size: tuple[int, int] = (48, 64), seed: int = 0) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(number, bands, *size, generator=generator) * 100, torch.zeros(
        number, *size, dtype=torch.uint8
    )


def _donors(number: int = 6, bands: int = 3, size: tuple[int, int] = (48, 64)) -> Batch:
    """Each holds an L of 3 x 4 and 2 pixels of cavity, which no flip maps to itself."""
    images, masks = _batch(number, bands, size, seed=1)
    masks[:, 20:23, 30:34] = 1
    masks[:, 23:25, 30] = 1
    images[:, :, 20:25, 30:34] += 300
    return images, masks


@pytest.mark.parametrize("bands", [1, 3, 5, 8])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8, torch.int32])
def test_every_patch_gets_the_defect_and_keeps_the_rest(bands: int, dtype: torch.dtype) -> None:
    images, masks = _batch(bands=bands)
    donors, donor_masks = _donors(bands=bands)
    images, donors = images.to(dtype), (donors / 2).to(dtype)
    kept = [x.clone() for x in (images, masks, donors, donor_masks)]
    state = torch.random.get_rng_state()
    out, pasted = copy_paste(images, masks, donors, donor_masks, _settings(rim=3), seed=2**64 - 1)
    again = copy_paste(images, masks, donors, donor_masks, _settings(rim=3), seed=2**64 - 1)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(kept, (images, masks, donors, donor_masks), strict=True))
    assert torch.equal(out, again[0])
    assert torch.equal(pasted, again[1])
    assert (out.dtype, pasted.dtype, out.shape) == (dtype, torch.uint8, images.shape)
    assert pasted.flatten(1).sum(1).tolist() == [14] * 6
    near = torch.nn.functional.max_pool2d(pasted[:, None].float(), 7, stride=1, padding=3).bool()
    assert torch.equal(out.where(~near, 0), images.where(~near, 0))
    contrast = out.float().where(pasted[:, None] == 1, 0).sum((2, 3)) / 14 - images.float().mean((2, 3))
    assert contrast.min() > 60
    lowest, highest = torch.minimum(images.amin(), donors.amin()), torch.maximum(images.amax(), donors.amax())
    assert lowest <= out.min()
    assert out.max() <= highest


def test_flips_give_four_kinds_and_places_are_anywhere() -> None:
    images, masks = _batch(240, 1)
    donors, donor_masks = _donors(240, 1)
    _, pasted = copy_paste(images, masks, donors, donor_masks, _settings(rim=2), seed=5)
    shapes: dict[bytes, int] = {}
    corners = []
    for mask in pasted.numpy():
        rows, cols = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        shape = mask[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        shapes[shape.tobytes()] = shapes.get(shape.tobytes(), 0) + 1
        corners.append((rows[0], cols[0]))
    # Four standard deviations of a binomial with 240 draws and a chance of 1/4.
    assert len(shapes) == 4
    assert max(abs(number - 60) for number in shapes.values()) < 27
    # The defect is 5 x 4 with a rim of 2, so its corner lies between 2 and 41, and between 2 and 58.
    assert ((np.array([2, 2]) <= corners) & (np.array(corners) <= [41, 58])).all()
    assert (np.ptp(corners, axis=0) >= [37, 53]).all()
    np.testing.assert_allclose(np.mean(corners, axis=0), [21.5, 30], atol=4)
    few = (x[:20] for x in (images, masks, donors, donor_masks))
    _, unflipped = copy_paste(*few, _settings(flips=False), seed=5)
    assert all(mask[rows.min(), cols.min()] for mask in unflipped for rows, cols in [mask.nonzero().T])


def test_probability_and_number() -> None:
    images, masks = _batch(240, 1)
    donors, donor_masks = _donors(240, 1)
    once = copy_paste(images, masks, donors, donor_masks, _settings(probability=0.3), seed=1)[1]
    share = (once.flatten(1).sum(1) > 0).float().mean()
    assert abs(float(share) - 0.3) < 0.12  # Four standard deviations.
    twice = copy_paste(images, masks, donors, donor_masks, _settings(max_per_patch=2, rim=2), seed=1)[1]
    pixels, numbers = twice.flatten(1).sum(1).unique(return_counts=True)
    assert pixels.tolist() == [14, 28]
    assert abs(int(numbers[1]) - 120) < 31


def test_a_patch_is_given_the_same_in_every_batch() -> None:
    images, masks = _batch(8)
    donors, donor_masks = _donors(8)
    whole = copy_paste(images, masks, donors, donor_masks, _settings(probability=0.5), seed=3)
    part = copy_paste(images[:4], masks[:4], donors, donor_masks, _settings(probability=0.5), seed=3)
    assert torch.equal(whole[0][:4], part[0])
    assert torch.equal(whole[1][:4], part[1])


def test_other_defects_and_ignored_pixels_are_spared() -> None:
    images, masks = _batch(40)
    masks[:, :, 24:] = 255
    masks[:, 10:14, 4:12] = 2
    donors, donor_masks = _donors(40)
    out, pasted = copy_paste(images, masks, donors, donor_masks, _settings(rim=2), seed=0)
    assert (pasted == 1).flatten(1).any(1).float().mean() > 0.9
    there = masks != 0
    assert torch.equal(pasted[there], masks[there])
    assert torch.equal(out.where(there[:, None], 0), images.where(there[:, None], 0))


def test_nothing_is_pasted_where_nothing_fits() -> None:
    images, masks = _batch()
    masks[:, ::4] = 2
    donors, donor_masks = _donors()
    out, pasted = copy_paste(images, masks, donors, donor_masks, _settings(), seed=0)
    assert torch.equal(out, images)
    assert torch.equal(pasted, masks)
    without = copy_paste(images, masks, donors[:0], donor_masks[:0], _settings(), seed=0)
    assert torch.equal(without[1], masks)


def test_only_ground_of_the_same_class_is_covered() -> None:
    images, masks = _batch(40)
    masks[:, :, 32:] = 2
    donors, donor_masks = _donors(40)
    donor_masks[donor_masks == 0] = 2
    settings = _settings(classes="cavity", rim=2)
    _, pasted = copy_paste(images, masks, donors, donor_masks, settings, seed=0)
    assert (pasted[:, :, 32:] == 1).flatten(1).sum(1).eq(14).float().mean() > 0.9
    assert not (pasted[:, :, :32] == 1).any()


def test_missing_pixels_are_neither_copied_nor_covered() -> None:
    images, masks = _batch(20)
    images[:, 1, :, :20] = torch.nan
    donors, donor_masks = _donors(20)
    donors[:10, 0, 21, 31] = torch.inf
    out, pasted = copy_paste(images, masks, donors, donor_masks, _settings(rim=2, max_per_patch=1), seed=0)
    assert not pasted[:10].any()
    assert pasted[10:].flatten(1).sum(1).eq(14).sum() >= 9
    assert torch.equal(out.isnan(), images.isnan())
    assert not pasted[:, :, :22].any()


def test_an_unchanged_ground_keeps_the_defect_as_it_was() -> None:
    """Where donor and recipient are flat and differ by a constant, the defect moves by that constant, exactly."""
    images, masks = torch.full((1, 2, 40, 40), 50.0), torch.zeros(1, 40, 40, dtype=torch.uint8)
    donors, donor_masks = torch.full_like(images, 130.0), masks.clone()
    donors[:, :, 15:20, 12:19] = torch.tensor([90.0, 170.0])[:, None, None]
    donor_masks[:, 15:20, 12:19] = 1
    out, pasted = copy_paste(images, masks, donors, donor_masks, _settings(), seed=2)
    # The donor's defect is 40 below and 40 above its ground, and no value leaves the range of the two images.
    assert out[0, :, pasted[0] == 0].unique().tolist() == [50]
    torch.testing.assert_close(out[0, 0][pasted[0] == 1], torch.full((35,), 50.0), atol=1e-3, rtol=0)
    torch.testing.assert_close(out[0, 1][pasted[0] == 1], torch.full((35,), 90.0), atol=1e-3, rtol=0)


def test_donors_come_from_a_plan() -> None:
    assert donor_sampling(_settings(), NAMES) == {
        "name": "oversample",
        "shares": {"cavity": 0.5, "crack": 0.5},
    }
    masks = [np.zeros((48, 64), np.uint8)]
    masks[0][20:24, 20:40] = 1
    known = CopyPasteSettings().resolved(NAMES, class_pixels=[2992, 80, 0])
    plan = build_plan(
        RecipeSettings(sampling=donor_sampling(known, NAMES)).sampling,
        regions=[Region("a", Window(0, 0, 48, 64))],
        locations=ClassLocations.from_masks(masks, NAMES),
        patch_size=(32, 32),
        class_names=NAMES,
    )
    assert plan.planned_patches == {"cavity": 1.0}


def test_mistakes() -> None:
    images, masks = _batch()
    with pytest.raises(OptionError, match=r"call `resolved\(class_names\)`"):
        copy_paste(images, masks, images, masks, CopyPasteSettings(), seed=0)
    with pytest.raises(UnknownNameError, match=r"no class named 'cavties'\. Did you mean 'cavity'"):
        CopyPasteSettings(classes=("cavties",)).resolved(NAMES)
    with pytest.raises(OptionError, match="needs a rare class with training pixels"):
        CopyPasteSettings().resolved(NAMES, class_pixels=[100, 0, 0])
