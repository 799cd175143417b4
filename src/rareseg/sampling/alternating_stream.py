"""Streams that take turns, so that patches of several sizes come one after the other."""

from __future__ import annotations

from collections.abc import Sequence

from rareseg.errors import OptionError
from rareseg.sampling.patch_windows import PatchWindows
from rareseg.sampling.stream import PatchStream

__all__ = ["AlternatingStream"]


class AlternatingStream:
    """Batches from several streams in turn, each for a number of steps; a pure function of the step.

    Step ``s`` is batch ``s`` of stream ``(s // every) % n``: with the same seed in all streams, every patch has
    an index of its own and its random numbers, whatever its size. All patches of one batch have one size.

    The report on surface defects (256 x 384 and 256 x 512 that change places from epoch to epoch) uses it as a
    first augmentation of size.

    Args:
        streams: One for each size, all with the same batch size and ranks.
        every: Steps of one turn.

    Raises:
        OptionError: There is no stream, ``every`` is below 1, or the streams' batches differ.

    Example:
        >>> import numpy as np
        >>> from rareseg.sampling.class_locations import ClassLocations
        >>> from rareseg.sampling.plans import build_plan
        >>> from rareseg.types import Region, Window
        >>> locations = ClassLocations.from_masks([np.zeros((64, 64), np.uint8)], ["background"])
        >>> data = {"regions": [Region("a", Window(0, 0, 64, 64))], "locations": locations}
        >>> plans = [build_plan("uniform", patch_size=(16, width), class_names=["background"], **data)
        ...          for width in (24, 32)]
        >>> stream = AlternatingStream([PatchStream(plan, seed=0, batch_size=2) for plan in plans], every=3)
        >>> [stream.batch(step).width for step in range(7)]
        [24, 24, 24, 32, 32, 32, 24]
    """

    def __init__(self, streams: Sequence[PatchStream], *, every: int) -> None:
        if not streams or every < 1:
            raise OptionError(
                f"Patch sizes in turn need a size and a turn of 1 step at least, but {len(streams)} sizes and "
                f"turns of {every} steps came; correct them."
            )
        if len({(stream.batch_size, stream.rank, stream.num_ranks) for stream in streams}) > 1:
            sizes = ", ".join(str(stream.batch_size) for stream in streams)
            raise OptionError(
                f"Streams that take turns should share batch size and ranks, but their batch sizes are {sizes}; "
                "build them alike."
            )
        self.streams = tuple(streams)
        self.every = every
        self.batch_size = streams[0].batch_size

    def stream_of(self, step: int) -> PatchStream:
        """The stream whose turn it is."""
        return self.streams[(step // self.every) % len(self.streams)]

    def batch(self, step: int) -> PatchWindows:
        """This rank's block of the batch of one training step, see `PatchStream.batch`."""
        return self.stream_of(step).batch(step)
