from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import OptionError
from rareseg.sampling.alternating_stream import AlternatingStream
from rareseg.sampling.stream import PatchStream

SIZES = ((8, 12), (8, 16), (4, 4))
MIXED = {"name": "oversample", "shares": {"cavity": 0.5}}


def rows(patches):
    """Everything a batch says, one row for each patch."""
    return np.column_stack([patches.index, patches.region_index, patches.windows]).tolist()


@pytest.fixture
def make_stream(make_plan):
    def make(every=2, **options):
        options = {"seed": 3, "batch_size": 4, **options}
        return AlternatingStream(
            [PatchStream(make_plan(MIXED, size), **options) for size in SIZES], every=every
        )

    return make


def test_sizes_take_turns_and_indices_go_on(make_stream):
    stream = make_stream()
    batches = [stream.batch(step) for step in range(13)]
    turns = [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2, 0]
    assert [(batch.height, batch.width) for batch in batches] == [SIZES[turn] for turn in turns]
    assert np.concatenate([batch.index for batch in batches]).tolist() == list(range(52))


def test_each_batch_is_the_one_of_its_own_stream(make_stream, make_plan):
    stream = make_stream(every=1)
    alone = PatchStream(make_plan(MIXED, SIZES[1]), seed=3, batch_size=4)
    assert [rows(stream.batch(step)) for step in (1, 4, 7)] == [rows(alone.batch(step)) for step in (1, 4, 7)]


def test_a_resumed_run_and_workers_get_the_same_batches(make_stream):
    whole = [rows(make_stream().batch(step)) for step in range(20)]
    backwards = make_stream()
    assert [rows(backwards.batch(step)) for step in reversed(range(20))] == whole[::-1]
    resumed = make_stream()
    assert [rows(resumed.batch(step)) for step in range(9, 20)] == whole[9:]


def test_ranks_share_each_batch_in_order(make_stream):
    ranks = [make_stream(rank=rank, num_ranks=2) for rank in range(2)]
    for step in range(8):
        parts = [rows(stream.batch(step)) for stream in ranks]
        assert parts[0] + parts[1] == rows(make_stream().batch(step))


def test_streams_that_cannot_take_turns_are_refused(make_plan):
    plan = make_plan("uniform")
    streams = [PatchStream(plan, seed=0, batch_size=size) for size in (2, 4)]
    with pytest.raises(
        OptionError, match="should share batch size and ranks, but their batch sizes are 2, 4"
    ):
        AlternatingStream(streams, every=1)
    with pytest.raises(OptionError, match="a turn of 1 step at least, but 1 sizes and turns of 0 steps came"):
        AlternatingStream(streams[:1], every=0)
    with pytest.raises(OptionError, match="but 0 sizes and"):
        AlternatingStream([], every=1)
