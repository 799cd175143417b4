from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from rareseg.errors import ArtefactError
from rareseg.models.library.encoder_file import load_encoder_file


def encoder(bands: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(bands, 2, 3), nn.BatchNorm2d(2))


def test_only_the_first_filters_follow_the_bands(tmp_path: Path) -> None:
    source, filled = encoder(), encoder(6)
    torch.save(source.state_dict(), tmp_path / "w.pth")
    load_encoder_file(tmp_path / "w.pth", filled)
    colours = torch.randn(1, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(filled(colours.repeat(1, 2, 1, 1)), source(colours))


def test_mistakes(tmp_path: Path) -> None:
    for name, content in (("a.pth", b"not a file of torch"), ("b.safetensors", b"\x00" * 20), ("c.pt", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ArtefactError, match=rf"{name}' cannot be read"):
            load_encoder_file(tmp_path / name, encoder())
    with pytest.raises(ArtefactError, match="does not exist; name the file"):
        load_encoder_file(tmp_path / "none.pth", encoder())
    torch.save([torch.zeros(1)], tmp_path / "list.pth")
    with pytest.raises(ArtefactError, match="does not hold tensors by name; save the encoder's state_dict"):
        load_encoder_file(tmp_path / "list.pth", encoder())
    torch.save({"0.weight": torch.zeros(4, 3, 3, 3)}, tmp_path / "other.pth")
    with pytest.raises(ArtefactError, match="holds those of another network"):
        load_encoder_file(tmp_path / "other.pth", encoder())
