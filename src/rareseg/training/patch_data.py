"""Patches as a torch dataset whose item ``step`` is the batch of that optimizer step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from rareseg.data.store import PixelStore
from rareseg.sampling.stream import PatchStream

__all__ = ["PatchData", "patch_loader"]


class PatchData(Dataset[dict[str, Any]]):
    """Batches by step: a pure function of the streams, whoever asks and in whatever order.

    Args:
        store: Gives the pixels.
        streams: ``(end_step, stream)`` in rising order: each stream serves the steps before its end.
    """

    def __init__(self, store: PixelStore, streams: Sequence[tuple[int, PatchStream]]) -> None:
        self._store = store
        self._streams = tuple(streams)

    def __len__(self) -> int:
        return self._streams[-1][0]

    def __getitem__(self, step: int) -> dict[str, Any]:
        stream = next(stream for end, stream in self._streams if step < end)
        patches = stream.batch(step)
        images, masks = self._store.fetch(
            patches.region_index, patches.rows, patches.cols, height=patches.height, width=patches.width
        )
        if images.dtype.name == "uint16":
            images = images.astype("int32")
        return {
            "step": step,
            "images": torch.from_numpy(images),
            "masks": torch.from_numpy(masks),
            "region_index": torch.from_numpy(patches.region_index),
            "rows": torch.from_numpy(patches.rows),
            "cols": torch.from_numpy(patches.cols),
        }


class _Steps(Sampler[int]):
    def __init__(self, start: int, end: int) -> None:
        self._range = range(start, end)

    def __iter__(self) -> Iterator[int]:
        return iter(self._range)

    def __len__(self) -> int:
        return len(self._range)


def patch_loader(
    data: PatchData, *, start: int, num_workers: int = 0, pin_memory: bool = False
) -> DataLoader[Any]:
    """A loader that yields the batches of steps ``start`` to the end, in order, with any number of workers."""
    return DataLoader(
        data,
        batch_size=None,
        sampler=_Steps(start, len(data)),
        num_workers=num_workers,
        pin_memory=pin_memory,
        persistent_workers=False,
    )
