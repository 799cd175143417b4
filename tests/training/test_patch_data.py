"""The loader gives the same batches however many processes fetch them, and from whatever step it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
import torch

from rareseg.config.dataset import load_dataset_settings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.data.store import open_store
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.plans import build_plan
from rareseg.sampling.stream import PatchStream
from rareseg.training.copy_paste_settings import CopyPasteSettings
from rareseg.training.patch_data import PasteFeed, PatchData, PatchFeed, patch_loader

KEYS = ("images", "masks", "region_index", "rows", "cols")


@pytest.fixture
def patch_data(tiny_dataset: Path) -> PatchData:
    """Nine steps: the first five oversample a class, the rest draw uniformly."""
    settings = load_dataset_settings(tiny_dataset)
    source = open_dataset(settings)
    train = make_splits(source, settings.split).train
    store, locations = open_store(source, train.regions), ClassLocations.build(source, train)
    names = settings.class_names
    plans = [
        build_plan(s, regions=train.regions, locations=locations, patch_size=(32, 32), class_names=names)
        for s in ({"name": "oversample", "shares": {"square": 1.0}}, "uniform")
    ]
    streams = [PatchStream(plan, seed=3, batch_size=4) for plan in plans]
    pasted = CopyPasteSettings(probability=0.5).resolved(names)
    paste = PasteFeed(PatchStream(plans[0], seed=4, batch_size=4), pasted, 0)
    return PatchData(store, [PatchFeed(tuple(zip((5, 9), streams, strict=True)), paste)], fill=torch.zeros(3))


def _part(batch: dict[str, Any]) -> dict[str, Any]:
    (part,) = batch["parts"]
    return cast(dict[str, Any], part)


# torch advises against more workers than cores; that is the point here.
@pytest.mark.filterwarnings("ignore:This DataLoader will create 4 worker processes:UserWarning")
@pytest.mark.parametrize("num_workers", [1, 4])
def test_workers_change_nothing(patch_data: PatchData, num_workers: int) -> None:
    alone = list(patch_loader(patch_data, start=0))
    shared = list(patch_loader(patch_data, start=0, num_workers=num_workers))
    assert [batch["step"] for batch in shared] == list(range(9))
    for expected, found in zip(alone, shared, strict=True):
        assert all(torch.equal(_part(expected)[key], _part(found)[key]) for key in KEYS)
    assert len({tuple(_part(batch)["rows"].tolist()) for batch in alone}) == 9


def test_a_later_start_gives_the_later_batches(patch_data: PatchData) -> None:
    later = list(patch_loader(patch_data, start=4))
    assert [batch["step"] for batch in later] == [4, 5, 6, 7, 8]
    for batch in later:
        assert all(torch.equal(_part(batch)[key], _part(patch_data[batch["step"]])[key]) for key in KEYS)


def test_each_phase_draws_from_its_own_plan(patch_data: PatchData) -> None:
    holds = [(_part(patch_data[step])["masks"] == 1).flatten(1).any(dim=1) for step in range(9)]
    assert all(found.all() for found in holds[:5])
    assert not all(found.all() for found in holds[5:])
