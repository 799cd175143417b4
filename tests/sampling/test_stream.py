from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rareseg.errors import OptionError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import build_plan
from rareseg.sampling.stream import PatchStream
from rareseg.types import Region, Window

MIXED = {"name": "oversample", "shares": {"cavity": 0.5}}


def rows(patches):
    """Everything a batch says, one row for each patch."""
    return np.column_stack([patches.index, patches.region_index, patches.windows]).tolist()


@pytest.mark.parametrize("settings", ["uniform", MIXED])
def test_any_order_and_any_portion_give_the_same_patches(settings, make_plan):
    stream = PatchStream(make_plan(settings), seed=9, batch_size=8)
    whole = rows(stream.patches(np.arange(160)))
    assert [row for step in range(20) for row in rows(stream.batch(step))] == whole
    backwards = PatchStream(make_plan(settings), seed=9, batch_size=8)
    batches = {step: rows(backwards.batch(step)) for step in reversed(range(20))}
    assert [row for step in range(20) for row in batches[step]] == whole
    order = np.random.default_rng(1).permutation(160)
    assert rows(stream.patches(order)) == [whole[index] for index in order]
    assert rows(PatchStream(make_plan(settings), seed=9, batch_size=5).batch(7)) == whole[35:40]


@pytest.mark.parametrize("num_workers", [1, 2, 4])
def test_workers_that_take_steps_in_turn_give_the_same_patches(num_workers, make_plan):
    expected = rows(PatchStream(make_plan(MIXED), seed=3, batch_size=6).patches(np.arange(72)))
    batches = {}
    for worker in range(num_workers):
        stream = PatchStream(make_plan(MIXED), seed=3, batch_size=6)
        batches |= {step: rows(stream.batch(step)) for step in range(worker, 12, num_workers)}
    assert [row for step in range(12) for row in batches[step]] == expected


@pytest.mark.parametrize("num_ranks", [1, 2, 4])
def test_ranks_share_each_batch_in_order(num_ranks, make_plan):
    alone = PatchStream(make_plan(MIXED), seed=3, batch_size=8)
    ranks = [
        PatchStream(make_plan(MIXED), seed=3, batch_size=8, rank=rank, num_ranks=num_ranks)
        for rank in range(num_ranks)
    ]
    for step in (0, 1, 17):
        parts = [rows(stream.batch(step)) for stream in ranks]
        assert {len(part) for part in parts} == {8 // num_ranks}
        assert [row for part in parts for row in part] == rows(alone.batch(step))


@given(seed=st.integers(0, 2**64 - 1), step=st.integers(0, 10**12))
def test_windows_follow_from_philox_by_hand(seed, step, philox_reference):
    """One region of 9 x 12 and patches of 4 x 5: 6 rows and 8 columns to choose from."""
    regions = [Region("a", Window(0, 0, 9, 12))]
    locations = ClassLocations.from_masks([np.zeros((9, 12), np.uint8)], ["background"])
    plan = build_plan(
        "uniform", regions=regions, locations=locations, patch_size=(4, 5), class_names=["background"]
    )
    patches = PatchStream(plan, seed=seed, batch_size=2).batch(step)
    for place, index in enumerate((2 * step, 2 * step + 1)):
        counter = [index % 2**32, index // 2**32]
        _, _, high, low = philox_reference((*counter, 0, 0), (seed % 2**32, seed // 2**32))
        row = (high * 2**32 + low >> 11) * 6 >> 53
        high, low, _, _ = philox_reference((*counter, 1, 0), (seed % 2**32, seed // 2**32))
        col = (high * 2**32 + low >> 11) * 8 >> 53
        assert patches.windows[place].tolist() == [row, col, 4, 5]


def test_seeds_give_different_patches(make_plan):
    plan = make_plan("uniform")
    assert rows(PatchStream(plan, seed=0, batch_size=16).batch(0)) != rows(
        PatchStream(plan, seed=1, batch_size=16).batch(0)
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"batch_size": 10, "num_ranks": 4},
            "'batch_size' should be a multiple of the 4 processes, but is 10; take 8",
        ),
        ({"batch_size": 0}, "'batch_size' should be a multiple of the 1 processes, but is 0; take 1"),
        ({"batch_size": 8, "rank": 2, "num_ranks": 2}, "'rank' should lie between 0 and 1, but is 2"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, text, make_plan):
    with pytest.raises(OptionError, match=text):
        PatchStream(make_plan("uniform"), seed=0, **options)
