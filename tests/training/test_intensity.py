from __future__ import annotations

import numpy as np
import torch

from rareseg.training.intensity import change_intensity


def _change(
    images: torch.Tensor, *, shift: float = 0.0, factor: float = 1.0, noise: float = 0.0
) -> torch.Tensor:
    number = len(images)
    return change_intensity(
        images,
        shift=np.full(number, shift),
        factor=np.full(number, factor),
        noise=noise,
        seed=1,
        index=np.arange(number),
    )


def test_by_hand() -> None:
    """Band 0 has mean 3 and standard deviation 2, band 1 mean 30 and 20."""
    images = torch.tensor([[[[1.0, 5.0]], [[10.0, 50.0]]]])
    assert _change(images, factor=1.5).flatten().tolist() == [0, 6, 0, 60]
    assert _change(images, shift=0.5).flatten().tolist() == [2, 6, 20, 60]
    assert _change(images, shift=-1.0, factor=0.5).flatten().tolist() == [0, 2, 0, 20]


def test_noise_is_as_strong_as_asked_in_each_band() -> None:
    scale = torch.tensor([1.0, 200.0])[:, None, None]
    images = torch.randn(3, 2, 128, 128, generator=torch.Generator().manual_seed(0)) * scale
    added = (_change(images, noise=0.25) - images) / scale
    np.testing.assert_allclose(added.std(dim=(2, 3)), 0.25, rtol=0.05)
    np.testing.assert_allclose(added.mean(dim=(2, 3)), 0, atol=0.01)
    flat = added.reshape(6, -1)
    assert np.abs(np.corrcoef(flat) - np.eye(6)).max() < 0.05


def test_missing_pixels_count_in_no_mean_and_stay_missing() -> None:
    images = torch.tensor([[[[1.0, 5.0, torch.nan, torch.inf]]]])
    out = _change(images, factor=1.5, shift=0.5)
    assert out[..., :2].flatten().tolist() == [1, 7]
    assert not out[..., 2:].isfinite().any()
    assert (
        not _change(images.where(images.isfinite(), torch.nan)[..., 2:], factor=2.0, noise=1.0)
        .isfinite()
        .any()
    )


def test_a_flat_patch_stays_flat() -> None:
    images = torch.full((2, 3, 8, 8), 7.0)
    assert torch.equal(_change(images, factor=1.3, shift=0.4, noise=0.5), images)
