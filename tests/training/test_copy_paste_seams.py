"""Pasted defects do not give themselves away: gradients at the seam, and a classifier that looks for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import ndimage

from rareseg.training.copy_paste import copy_paste
from rareseg.training.copy_paste_settings import CopyPasteSettings

SIZE, RIM = 64, 4
Batch = tuple[torch.Tensor, torch.Tensor]


def textured(number: int, seed: int, *, defects: bool) -> Batch:
    """Grey textures, each of its own exposure and lit from one side; a dark blob with a soft edge and own texture."""
    rng = np.random.default_rng(seed)
    images, masks = np.empty((number, 1, SIZE, SIZE), np.float32), np.zeros((number, SIZE, SIZE), np.uint8)
    rows, cols = np.mgrid[:SIZE, :SIZE]
    for image, mask in zip(images[:, 0], masks, strict=True):
        grain = ndimage.gaussian_filter(rng.normal(size=(SIZE, SIZE)), 0.8)
        light = rng.normal(0, 0.004, 2)
        pattern = 1 + 0.05 * grain / grain.std() + light[0] * (rows - SIZE / 2) + light[1] * (cols - SIZE / 2)
        if defects:
            axes = rng.uniform(3, 6, 2)
            margin = 1.15 * axes.max() + RIM
            centre = rng.uniform(margin, SIZE - 1 - margin, 2)  # Anywhere, as pasted ones.
            angle = rng.uniform(0, np.pi)
            down, across = rows - centre[0], cols - centre[1]
            radius = np.hypot(
                (np.cos(angle) * down + np.sin(angle) * across) / axes[0],
                (np.cos(angle) * across - np.sin(angle) * down) / axes[1],
            )
            pattern -= rng.uniform(0.2, 0.4) / (1 + np.exp((radius - 1) * 8))
            mask[radius < 1.15] = 1
        image[:] = rng.uniform(80, 160) * pattern
    return torch.from_numpy(images), torch.from_numpy(masks)


def ours(recipients: Batch, donors: Batch) -> Batch:
    settings = CopyPasteSettings(probability=1, rim=RIM).resolved(["background", "blob"])
    return copy_paste(*recipients, *donors, settings, seed=11)


def naive(recipients: Batch, donors: Batch) -> Batch:
    """The donor's pixels with some of its surroundings, as they are, at the places that ours chose without flips."""
    return _plain(recipients, donors, lambda distance: distance <= RIM)


def feathered(recipients: Batch, donors: Batch) -> Batch:
    """As naive, but the donor fades out over the rim."""
    return _plain(recipients, donors, lambda distance: np.clip(1 - distance / (RIM + 1), 0, 1))


def _plain(
    recipients: Batch, donors: Batch, share: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> Batch:
    distance = np.stack([ndimage.distance_transform_edt(mask == 0) for mask in donors[1].numpy()])
    alpha = torch.from_numpy(share(distance).astype(np.float32))[:, None]
    return (1 - alpha) * recipients[0] + alpha * donors[0], donors[1]


WAYS = {"ours": ours, "naive": naive, "feathered": feathered}


def gradients(images: torch.Tensor) -> NDArray[np.float64]:
    """Magnitude of the gradient, ``(b, h, w)``, from differences of neighbours."""
    grey = images[:, 0].double().numpy()
    down = np.diff(grey, axis=1, append=grey[:, -1:])
    across = np.diff(grey, axis=2, append=grey[:, :, -1:])
    return np.hypot(down, across)


def profile(batch: Batch) -> NDArray[np.float64]:
    """How gradients, curvature and brightness run across the seam, compared with the image far from it.

    ``(b, features)``: for each distance from the defect up to beyond the rim, the mean gradient and the mean
    absolute Laplacian over those of the far field, and how far the mean value is from that of the far field.
    """
    images, masks = batch
    grey, steep = images[:, 0].double().numpy(), gradients(images)
    rows = []
    for image, gradient, mask in zip(grey, steep, masks.numpy(), strict=True):
        curved = np.abs(ndimage.laplace(image, mode="reflect"))
        distance = np.ceil(ndimage.distance_transform_edt(mask == 0)).astype(np.int64).ravel()
        number = np.bincount(distance)
        far = slice(RIM + 4, RIM + 10)
        row: list[np.float64] = []
        for values in (gradient, curved, image):
            total = np.bincount(distance, values.ravel())
            rings, field = total[1 : RIM + 3] / number[1 : RIM + 3], total[far].sum() / number[far].sum()
            row += [*(rings - field) / image.std()] if values is image else [*np.log(rings / field)]
        rows.append(row)
    features = np.array(rows)
    return np.concatenate([features, features**2], axis=1)


def accuracy(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Share of samples that logistic regression tells apart after it saw the other half; 0.5 is chance."""
    features = np.concatenate([a, b])
    features = (features - features.mean(0)) / features.std(0)
    x = torch.from_numpy(np.concatenate([features, np.ones((len(features), 1))], axis=1))
    y = torch.cat([torch.zeros(len(a)), torch.ones(len(b))]).double()
    halves = torch.randperm(len(y), generator=torch.Generator().manual_seed(0)).chunk(2)
    right = 0.0
    for learn, judge in (halves, halves[::-1]):
        right += float(((x[judge] @ _fit(x[learn], y[learn]) > 0) == (y[judge] > 0.5)).sum())
    return right / len(y)


def _fit(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Weights of logistic regression with a little shrinkage."""
    weights = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(x @ weights, y)
        loss = loss + 0.02 * weights.square().sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return weights.detach()


@pytest.fixture(scope="module")
def samples() -> dict[str, Batch]:
    number = 240
    recipients, donors = textured(number, 1, defects=False), textured(number, 2, defects=True)
    made = {name: way(recipients, donors) for name, way in WAYS.items()}
    return {**made, "natural": textured(number, 3, defects=True)}


def seam_ratio(batch: Batch) -> float:
    """Gradient where the rim ends over that well outside, pooled over images."""
    images, masks = batch
    steep = gradients(images)
    distance = np.stack([ndimage.distance_transform_edt(mask == 0) for mask in masks.numpy()])
    seam = (distance > RIM - 1) & (distance <= RIM + 1)
    outside = (distance > RIM + 2) & (distance < RIM + 10)
    return float(steep[seam].mean() / steep[outside].mean())


def test_gradients_across_the_seam_are_those_of_natural_images(samples: dict[str, Batch]) -> None:
    assert all(int(mask.sum()) > 20 for mask in samples["ours"][1])
    natural = seam_ratio(samples["natural"])
    assert natural == pytest.approx(1, abs=0.05)
    assert seam_ratio(samples["ours"]) == pytest.approx(natural, abs=0.05)
    assert seam_ratio(samples["naive"]) > 1.5


def test_a_classifier_cannot_tell_pasted_defects_from_natural_ones(samples: dict[str, Batch]) -> None:
    natural = profile(samples["natural"])
    assert accuracy(natural, profile(textured(240, 4, defects=True))) < 0.6
    assert accuracy(natural, profile(samples["ours"])) < 0.65
    assert accuracy(natural, profile(samples["naive"])) > 0.9
    assert accuracy(natural, profile(samples["feathered"])) > 0.8
