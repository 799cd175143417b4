from __future__ import annotations

import numpy as np
import torch
from scipy import ndimage

from rareseg.training.blend import blend, fading, grain

RIM = 4


def _piece() -> tuple[torch.Tensor, torch.Tensor]:
    """Share and ground of a disc of radius 8."""
    rows, cols = np.mgrid[-14:15, -14:15]
    support = np.hypot(rows, cols) <= 8
    ground = (np.hypot(rows, cols) <= 8 + RIM) & ~support
    return torch.from_numpy(fading(support, ground, rim=RIM)), torch.from_numpy(ground)


def test_the_share_falls_evenly_and_only_on_ground() -> None:
    support = np.zeros((1, 9), bool)
    support[0, 0] = True
    ground = ~support
    assert fading(support, ground, rim=4).tolist() == [[1, 1, 0.75, 0.5, 0.25, 0, 0, 0, 0]]
    ground[0, 2] = False
    assert fading(support, ground, rim=4).tolist() == [[1, 1, 0, 0.5, 0.25, 0, 0, 0, 0]]


def test_a_slope_of_the_recipient_goes_on_below_the_defect() -> None:
    """A membrane keeps a plane a plane, here to a tenth of its fall across the piece."""
    share, ground = _piece()
    plane = (torch.arange(29.0) * 3)[None, None].expand(1, 29, 29)
    out = blend(plane, torch.full((1, 29, 29), 500.0), share, ground, torch.ones(1), rim=RIM)
    assert (out - plane).abs().max() < 0.1 * 3 * 24
    assert torch.equal(out[:, share == 0], plane[:, share == 0])
    assert abs(float(out[0, 14, 14]) - 42) < 0.01


def test_the_seam_is_as_rough_as_the_textures() -> None:
    """Variance at each share, over many draws: an average would have half of it in the middle of the rim."""
    share, ground = _piece()
    rng = np.random.default_rng(0)
    textures = ndimage.gaussian_filter(rng.normal(size=(2, 1500, 29, 29)), (0, 0, 0.7, 0.7)).astype(
        np.float32
    )
    textures *= 10 / textures.std()
    recipient, donor = torch.from_numpy(textures)
    out = blend(recipient, donor + 300, share, ground, torch.ones(1500), rim=RIM)
    for low, high in ((0.2, 0.4), (0.4, 0.6), (0.6, 0.8)):
        at = (share > low) & (share < high)
        assert 8.5 < float(out[:, at].std()) < 11.5
        average = (1 - share) * recipient + share * donor
        assert float(average[:, at].std()) < 8.1


def test_the_gain_is_of_the_donor_alone() -> None:
    share, ground = _piece()
    flat = torch.full((2, 29, 29), 10.0)
    donor = flat.clone()
    donor[:, 14, 14] = 40
    out = blend(flat, donor, share, ground, torch.tensor([0.5, 2.0]), rim=RIM)
    torch.testing.assert_close(out[:, 14, 14], torch.tensor([25.0, 70.0]), atol=1e-3, rtol=0)
    torch.testing.assert_close(out[:, 0], flat[:, 0])


def test_grain_by_hand() -> None:
    image = torch.tensor([[[1.0, 4.0, 9.0], [2.0, 2.0, torch.nan]]])
    ground = torch.tensor([[True, True, True], [True, True, False]])
    # Down 1 and 2, across 3, 5 and 0.
    torch.testing.assert_close(grain(image, ground), torch.tensor([11 / 5]))
    assert grain(image, torch.zeros_like(ground)).isnan().all()
