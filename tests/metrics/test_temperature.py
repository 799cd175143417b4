"""Calibration, against the likelihood of the logits themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rareseg.errors import DataError
from rareseg.metrics.score_bins import score_bins
from rareseg.metrics.temperature import fit_temperature, negative_log_likelihood


@pytest.mark.parametrize("true", [0.5, 1.0, 2.5])
def test_the_temperature_that_made_the_labels_comes_back(true: float) -> None:
    """Labels are drawn from the softmax of logits over a temperature."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (3, 200_000))
    shares = torch.softmax(torch.from_numpy(logits / true), dim=0).numpy()
    target = (rng.random(200_000) > shares.cumsum(axis=0)).sum(axis=0).clip(0, 2).astype(np.uint8)
    bins = score_bins(torch.from_numpy(logits)[None, :, None])[0, :, 0].numpy()
    assert fit_temperature(bins, target) == pytest.approx(true, rel=0.02)
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(logits.T / true), torch.from_numpy(target.astype(int))
    )
    assert negative_log_likelihood(bins, target, temperature=true) == pytest.approx(float(expected), rel=0.01)


def test_nothing_to_fit() -> None:
    with pytest.raises(DataError, match="all are ignored"):
        fit_temperature(np.zeros((2, 0), np.uint8), np.zeros(0, np.uint8))
