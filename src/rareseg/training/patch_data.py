"""Patches as a torch dataset whose item ``step`` holds the batches of that optimizer step, one a part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from rareseg.data.store import PixelStore
from rareseg.sampling.patch_windows import PatchWindows
from rareseg.sampling.seeds import derive_seed
from rareseg.training.copy_paste import copy_paste
from rareseg.training.copy_paste_settings import CopyPasteSettings

__all__ = ["Batches", "PasteFeed", "PatchData", "PatchFeed", "patch_loader"]


class Batches(Protocol):
    """Gives the windows of the batch of any step."""

    def batch(self, step: int) -> PatchWindows:
        """Windows of one batch."""
        ...


@dataclass(frozen=True)
class PasteFeed:
    """Where pasted defects come from.

    Attributes:
        donors: Gives patches that hold the classes, of the same sizes as those they are pasted into.
        settings: Settings that are resolved, see `CopyPasteSettings.resolved`.
        seed: Step ``s`` pastes with a seed derived from it and ``s``.
    """

    donors: Batches
    settings: CopyPasteSettings
    seed: int


@dataclass(frozen=True)
class PatchFeed:
    """Where the patches of one part come from.

    Attributes:
        streams: ``(end_step, batches)`` in rising order: each serves the steps before its end.
        paste: Defects of other patches that are set into them; None where nothing is.
    """

    streams: tuple[tuple[int, Batches], ...]
    paste: PasteFeed | None = None


class PatchData(Dataset[dict[str, Any]]):
    """Batches by step: a pure function of the feeds, whoever asks and in whatever order.

    Args:
        store: Gives the pixels.
        feeds: One a part; all end at the same step.
        fill: What takes the place of missing values (NaN or infinite) in each band. Interpolation and statistics
            of patches come after it, so that no missing value spreads to its neighbours. It should be what the
            network takes missing values for, its ``mean``.
    """

    def __init__(self, store: PixelStore, feeds: Sequence[PatchFeed], *, fill: torch.Tensor) -> None:
        self._store = store
        self._feeds = tuple(feeds)
        self._fill = fill.detach().to("cpu", torch.float32)[:, None, None]

    def __len__(self) -> int:
        return self._feeds[0].streams[-1][0]

    def __getitem__(self, step: int) -> dict[str, Any]:
        return {"step": step, "parts": [self._batch(feed, step) for feed in self._feeds]}

    def _batch(self, feed: PatchFeed, step: int) -> dict[str, Any]:
        patches = next(batches for end, batches in feed.streams if step < end).batch(step)
        images, masks = self._fetch(patches)
        if feed.paste is not None:
            donors = self._fetch(feed.paste.donors.batch(step))
            seed = derive_seed(feed.paste.seed, "paste", str(step))
            images, masks = copy_paste(images, masks, *donors, feed.paste.settings, seed=seed)
        return {
            "images": self._filled(images),
            "masks": masks,
            "region_index": torch.from_numpy(patches.region_index),
            "rows": torch.from_numpy(patches.rows),
            "cols": torch.from_numpy(patches.cols),
        }

    def _filled(self, images: torch.Tensor) -> torch.Tensor:
        """Copy-paste comes before, since it tells missing pixels from others and pastes on neither side of them."""
        if not images.is_floating_point():
            return images
        known = images.isfinite()
        return images if known.all() else torch.where(known, images, self._fill)

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
