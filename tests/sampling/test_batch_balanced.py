from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import OptionError
from rareseg.sampling.stream import PatchStream
from rareseg.types import IGNORE_INDEX

PLAN = {"name": "batch_balanced", "classes": ["crack", "cavity"]}


def kinds(window):
    """Which of the three kinds a patch will do for."""
    return (
        (window == 1).any(),
        (window == 2).any(),
        bool((window == 0).any()) and bool(np.isin(window, [0, IGNORE_INDEX]).all()),
    )


@pytest.mark.parametrize("batch_size", [3, 6, 12])
def test_each_batch_holds_as_many_of_each_kind(batch_size, make_plan, covered):
    stream = PatchStream(make_plan(PLAN, batch_size=batch_size), seed=0, batch_size=batch_size)
    for step in range(40):
        patches = stream.batch(step)
        windows = covered((patches.region_index, patches.rows, patches.cols))
        table = np.array([kinds(window) for window in windows])
        for kind in range(3):
            assert table[kind::3, kind].all()


def test_extra_patches_rotate_where_the_batch_is_no_multiple(make_plan, covered):
    stream = PatchStream(make_plan(PLAN, batch_size=4), seed=0, batch_size=4)
    extras = []
    for step in range(6):
        index = stream.batch(step).index % 3
        counts = np.bincount(index, minlength=3)
        assert counts.tolist() in ([2, 1, 1], [1, 2, 1], [1, 1, 2])
        extras.append(int(counts.argmax()))
    assert extras == [0, 1, 2, 0, 1, 2]
    patches = stream.patches(np.arange(300))
    windows = covered((patches.region_index, patches.rows, patches.cols))
    assert all(kinds(window)[index % 3] for index, window in enumerate(windows))


def test_ranks_get_their_block_of_the_same_batch(make_plan):
    plan = make_plan(PLAN, batch_size=6)
    alone = PatchStream(plan, seed=5, batch_size=6).batch(9)
    parts = [PatchStream(plan, seed=5, batch_size=6, rank=rank, num_ranks=2).batch(9) for rank in range(2)]
    assert np.concatenate([part.windows for part in parts]).tolist() == alone.windows.tolist()


def test_the_default_is_all_classes_with_pixels_and_blank_patches(make_plan):
    plan = make_plan("batch_balanced")
    assert plan.planned_patches == {"crack": 1 / 3, "cavity": 1 / 3}
    assert plan.describe() == (
        "batch_balanced: 16 x 16 patches, each batch of equal parts crack, cavity, blank patches"
    )
    without = make_plan({"name": "batch_balanced", "with_blank": False})
    assert without.planned_patches == {"crack": 0.5, "cavity": 0.5}


def test_a_batch_smaller_than_the_kinds_is_refused(make_plan):
    with pytest.raises(
        OptionError, match="should hold 3 kinds of patches in each batch, but 'batch_size' is 2"
    ):
        make_plan(PLAN, batch_size=2)
