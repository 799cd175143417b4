"""Which array of a file is predicted, and in which order its axes are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rareseg.errors import ConfigError, DataError, OptionError
from rareseg.inference.stack_inputs import stack_inputs

GREY = np.random.default_rng(0).integers(0, 255, (3, 40, 50)).astype(np.uint8)
COLOR = np.random.default_rng(1).integers(0, 255, (2, 3, 40, 50)).astype(np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.npz"
    np.savez(
        path,
        pairs=np.stack([GREY, GREY], axis=1),
        grey=GREY,
        last=COLOR.transpose(0, 2, 3, 1),
        n=np.arange(3),
    )
    return path


@pytest.mark.parametrize(
    ("num_bands", "exact", "name", "expected"),
    [
        (1, True, "grey/0002", GREY[2:]),
        (3, True, "last/0001", COLOR[1]),
        (2, True, "pairs/0001", np.stack([GREY[1], GREY[1]])),
        (3, False, "last/0000", COLOR[0]),
    ],
)
def test_the_only_array_that_fits_is_taken(
    path: Path, num_bands: int, exact: bool, name: str, expected: np.ndarray[Any, Any]
) -> None:
    images, names = stack_inputs(path, key=None, num_bands=num_bands, exact=exact)
    assert name in names
    np.testing.assert_array_equal(images.read(name), expected)


def test_a_key_decides_between_several(path: Path) -> None:
    with pytest.raises(
        OptionError, match=r"several stacks of images of 2 or more bands: pairs, last; say which"
    ):
        stack_inputs(path, key=None, num_bands=2, exact=False)
    _, names = stack_inputs(path, key="pairs", num_bands=2, exact=False)
    assert names == ["pairs/0000", "pairs/0001", "pairs/0002"]


def test_arrays_that_cannot_be_predicted(path: Path) -> None:
    holds = "pairs 3 x 2 x 40 x 50 uint8, grey 3 x 40 x 50 uint8"
    with pytest.raises(DataError, match=rf"no stack of images of 5 bands\. It holds: {holds}"):
        stack_inputs(path, key=None, num_bands=5, exact=True)
    with pytest.raises(
        DataError, match=rf"'.*a\.npz:grey' is 3 x 40 x 50 uint8, but .* 3 bands was.*{holds}"
    ):
        stack_inputs(path, key="grey", num_bands=3, exact=True)
    with pytest.raises(ConfigError, match=r"no array 'gray'\. Did you mean 'grey'\? Mend `--key`"):
        stack_inputs(path, key="gray", num_bands=1, exact=True)
