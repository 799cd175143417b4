from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from rareseg.errors import ArtefactError
from rareseg.training.checkpoint import load_checkpoint, save_checkpoint


def _net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))


def _step(net: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    x = torch.randn(2, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
    optimizer.zero_grad()
    net(x).square().mean().backward()
    optimizer.step()


@pytest.mark.parametrize("make", [torch.optim.AdamW, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)])
def test_going_on_from_a_checkpoint_equals_never_having_stopped(tmp_path: Path, make) -> None:
    torch.manual_seed(0)
    net = _net()
    optimizer = make(net.parameters())
    _step(net, optimizer, 1)
    save_checkpoint(
        tmp_path / "c", network=net, optimizer=optimizer, bookkeeping={"step": 1, "losses": [0.1]}
    )
    _step(net, optimizer, 2)

    other = _net()
    restored = make(other.parameters())
    assert load_checkpoint(tmp_path / "c", network=other, optimizer=restored) == {"step": 1, "losses": [0.1]}
    _step(other, restored, 2)
    for a, b in zip(net.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    net = _net()
    optimizer = torch.optim.AdamW(net.parameters())
    path = tmp_path / "c"
    save_checkpoint(path, network=net, optimizer=optimizer, bookkeeping={})
    wider = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3))
    with pytest.raises(ArtefactError, match="does not fit the network"):
        load_checkpoint(path, network=wider, optimizer=None)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ArtefactError, match="cannot be read as a checkpoint"):
        load_checkpoint(path, network=net, optimizer=None)


def test_a_pickle_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "c"
    torch.save({"network": {}}, path)
    with pytest.raises(ArtefactError, match="cannot be read as a checkpoint"):
        load_checkpoint(path, network=_net(), optimizer=None)
