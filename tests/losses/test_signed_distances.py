"""Distances against a search through all pairs of pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rareseg.losses.signed_distances import signed_distances


def by_search(truth: np.ndarray, valid: np.ndarray) -> np.ndarray:
    found = np.zeros(truth.shape)
    sides = {True: np.argwhere(truth & valid), False: np.argwhere(~truth & valid)}
    if not len(sides[True]) or not len(sides[False]):
        return found
    for place in np.argwhere(valid):
        inside = bool(truth[tuple(place)])
        nearest = np.sqrt(((sides[not inside] - place) ** 2).sum(1)).min()
        found[tuple(place)] = (0.5 - nearest) if inside else (nearest - 0.5)
    return found


@pytest.mark.parametrize("threads", [1, 2])
def test_every_map_is_that_of_a_search(threads: int) -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(3, 2, 9, 7, generator=generator) < torch.tensor([0.1, 0.6]).view(2, 1, 1)
    valid = torch.rand(3, 2, 9, 7, generator=generator) < 0.8
    valid[0, 0] = True
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = signed_distances(truth & valid, valid)
    finally:
        torch.set_num_threads(before)
    for place in np.ndindex(3, 2):
        expected = by_search(truth[place].numpy(), valid[place].numpy())
        np.testing.assert_allclose(found[place].numpy(), expected, rtol=1e-6)


def test_no_side_no_boundary() -> None:
    truth = torch.tensor([False, True]).view(1, 2, 1, 1).expand(1, 2, 3, 3)
    assert not signed_distances(truth, torch.ones_like(truth)).any()


def test_what_is_ignored_is_no_boundary() -> None:
    truth = torch.tensor([[[[True, False, False, False]]]])
    valid = torch.tensor([[[[True, False, False, True]]]])
    assert signed_distances(truth, valid).tolist() == [[[[-2.5, 0.0, 0.0, 2.5]]]]
