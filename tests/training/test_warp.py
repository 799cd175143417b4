from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from rareseg.data.windows import symmetric_indices
from rareseg.training.elastic import elastic_displacement
from rareseg.training.warp import affine_matrices, warp

CPU = torch.device("cpu")


def _matrices(zoom: float = 1.0, degrees: float = 0.0, shift: tuple[float, float] = (0.0, 0.0)) -> np.ndarray:
    return affine_matrices(zoom=np.array([zoom]), degrees=np.array([degrees]), shift=np.array([shift]))


def _patch(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(1, 2, height, width, generator=generator) * 1000
    return images, torch.randint(0, 256, (1, height, width), generator=generator).to(torch.uint8)


@pytest.mark.parametrize(
    ("zoom", "degrees", "shift"),
    [(1.3, 0.0, (0.0, 0.0)), (0.6, 0.0, (0.0, 0.0)), (1.0, 33.0, (0.0, 0.0)), (0.8, -71.0, (7.3, -4.2))],
)
@pytest.mark.parametrize("strength", [0.0, 3.0])
def test_against_scipy(zoom: float, degrees: float, shift: tuple[float, float], strength: float) -> None:
    """Built here from rotation matrix and centre, and mirrored by scipy: the way is another, pixels are the same."""
    height, width = 30, 44
    images, masks = _patch(height, width)
    displacement = elastic_displacement((height, width), strength, seed=1, index=np.arange(1), device=CPU)
    out, moved = warp(images, masks, _matrices(zoom, degrees, shift), displacement)

    centre = np.array([(height - 1) / 2, (width - 1) / 2])[:, None, None]
    places = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")) - centre
    places = (places - np.array(shift)[:, None, None]) / zoom
    a = np.radians(degrees)
    turned = np.stack(
        [np.cos(a) * places[0] + np.sin(a) * places[1], np.cos(a) * places[1] - np.sin(a) * places[0]]
    )
    old = turned + centre + displacement[0].numpy()
    for band in range(2):
        expected = ndimage.map_coordinates(images[0, band].double().numpy(), old, order=1, mode="reflect")
        assert np.abs(expected - out[0, band].numpy()).max() < 0.1
    labels = ndimage.map_coordinates(masks[0].numpy(), old, order=0, mode="reflect")
    clear = (np.abs(old - np.floor(old) - 0.5) > 1e-3).all(0)
    assert np.array_equal(labels[clear], moved[0].numpy()[clear])


def test_a_quarter_turn_is_that_of_torch() -> None:
    images, masks = _patch(16, 16)
    out, moved = warp(images, masks, _matrices(degrees=90), None)
    torch.testing.assert_close(out, torch.rot90(images, 1, (2, 3)), atol=0.05, rtol=0)
    assert torch.equal(moved, torch.rot90(masks, 1, (1, 2)))


def test_shifts_are_mirrored_as_patches_are() -> None:
    """By whole pixels down and to the left; the rule is that of patches that reach over their region."""
    images, masks = _patch(12, 20)
    out, moved = warp(images, masks, _matrices(shift=(5, -3)), None)
    rows, cols = symmetric_indices(-5, 12, 12), symmetric_indices(3, 20, 20)
    assert torch.equal(moved[0], masks[0][rows][:, cols])
    torch.testing.assert_close(out[0], images[0][:, rows][:, :, cols], atol=0.05, rtol=0)


def test_zoom_of_two_shows_the_middle_twice_as_large() -> None:
    masks = torch.zeros(1, 16, 16, dtype=torch.uint8)
    masks[:, 6:10, 6:10] = 7
    _, moved = warp(masks[:, None].float(), masks, _matrices(zoom=2.0), None)
    expected = torch.zeros_like(masks)
    expected[:, 4:12, 4:12] = 7
    assert torch.equal(moved, expected)


def test_missing_pixels_stay_missing() -> None:
    images, masks = _patch(16, 16)
    images[:, 0, 8, 8] = torch.nan
    out, _ = warp(images, masks, _matrices(shift=(0.5, 0.5)), None)
    assert out[:, 0].isnan().sum() == 4
    assert out[:, 1].isfinite().all()


def test_displacement_is_bounded_smooth_and_folds_nowhere() -> None:
    for strength, size in ((3.0, (96, 130)), (20.0, (200, 160))):
        field = elastic_displacement(size, strength, seed=3, index=np.arange(8), device=CPU).double().numpy()
        assert np.abs(field).max() <= strength
        assert 0.15 < np.median(np.abs(field)) / strength < 0.25
        (down_r, across_r), (down_c, across_c) = (np.gradient(field[:, axis], axis=(1, 2)) for axis in (0, 1))
        determinant = (1 + down_r) * (1 + across_c) - across_r * down_c
        assert determinant.min() >= 0.5


def test_displacement_is_the_cubic_spline_of_scipy() -> None:
    from scipy.interpolate import BSpline

    from rareseg.training.elastic import _spline_basis

    basis = _spline_basis(70, 32.0)
    knots = np.arange(-3, basis.shape[1] + 1) * 32.0
    for number in range(basis.shape[1]):
        spline = BSpline(knots, np.eye(basis.shape[1])[number], 3)
        np.testing.assert_allclose(basis[:, number], spline(np.arange(70.0)), atol=1e-12)
