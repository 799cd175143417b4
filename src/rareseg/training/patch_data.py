"""Patches as a torch dataset whose item ``step`` holds the batches of that optimizer step, one a part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from rareseg.data.store import PixelStore
from rareseg.sampling.patch_windows import PatchWindows

__all__ = ["Batches", "PatchData", "PatchFeed", "patch_loader"]


class Batches(Protocol):
    """Gives the windows of the batch of any step."""

    def batch(self, step: int) -> PatchWindows:
        """Windows of one batch."""
        ...


@dataclass(frozen=True)
class PatchFeed:
    """Where the patches of one part come from.

    Attributes:
        streams: ``(end_step, batches)`` in rising order: each serves the steps before its end.
        donors: Gives patches that rare pixels are copied from; None where nothing is copied.
    """

    streams: tuple[tuple[int, Batches], ...]
    donors: Batches | None = None


class PatchData(Dataset[dict[str, Any]]):
    """Batches by step: a pure function of the feeds, whoever asks and in whatever order.

    Args:
        store: Gives the pixels.
        feeds: One a part; all end at the same step.
    """

    def __init__(self, store: PixelStore, feeds: Sequence[PatchFeed]) -> None:
        self._store = store
        self._feeds = tuple(feeds)

    def __len__(self) -> int:
        return self._feeds[0].streams[-1][0]

    def __getitem__(self, step: int) -> dict[str, Any]:
        return {"step": step, "parts": [self._batch(feed, step) for feed in self._feeds]}

    def _batch(self, feed: PatchFeed, step: int) -> dict[str, Any]:
        batches = next(batches for end, batches in feed.streams if step < end)
        patches = batches.batch(step)
        images, masks = self._fetch(patches)
        batch: dict[str, Any] = {
            "images": images,
            "masks": masks,
            "region_index": torch.from_numpy(patches.region_index),
            "rows": torch.from_numpy(patches.rows),
            "cols": torch.from_numpy(patches.cols),
        }
        if feed.donors is not None:
            batch["donor_images"], batch["donor_masks"] = self._fetch(feed.donors.batch(step))
        return batch

    def _fetch(self, patches: PatchWindows) -> tuple[torch.Tensor, torch.Tensor]:
        images, masks = self._store.fetch(
            patches.region_index, patches.rows, patches.cols, height=patches.height, width=patches.width
        )
        if images.dtype.name == "uint16":
            images = images.astype("int32")
        return torch.from_numpy(images), torch.from_numpy(masks)


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
