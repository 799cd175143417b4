from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from rareseg.errors import ArtefactError
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.models.weights_file import load_weights, save_weights


def network(*, num_classes: int = 3, depth: int = 1, mean: float = 0.0) -> Network:
    core = build_model(
        {"name": "unet", "base_channels": 2, "depth": depth}, in_channels=1, num_classes=num_classes
    )
    return Network(core, mean=[mean], std=[1.0])


def test_normalisation_statistics_and_metadata_come_back(tmp_path: Path) -> None:
    saved, loaded = network(mean=42.0), network()
    saved.train()(torch.rand(2, 1, 8, 8))  # moves the running statistics
    save_weights(tmp_path / "w.safetensors", saved, metadata={"step": "7"})
    assert load_weights(tmp_path / "w.safetensors", loaded) == {"step": "7"}
    assert loaded.mean == 42.0
    for name, tensor in saved.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name]), name
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


def test_layout_and_type_of_the_module_stay_its_own(tmp_path: Path) -> None:
    saved = network().to(memory_format=torch.channels_last)
    save_weights(tmp_path / "w", saved)
    narrow = network().to(torch.bfloat16)
    load_weights(tmp_path / "w", narrow)
    weight = narrow.core.head.weight
    assert weight.dtype == torch.bfloat16
    assert torch.equal(weight, saved.core.head.weight.to(torch.bfloat16))
    load_weights(tmp_path / "w", saved)
    assert saved.core.head.weight.is_contiguous(memory_format=torch.channels_last)


def test_narrow_weights_are_stored_as_float32(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    save_weights(tmp_path / "w", network().to(torch.bfloat16))
    types = {tensor.dtype for tensor in load_file(tmp_path / "w").values()}
    assert types == {torch.float32, torch.int64}


def test_shared_weights_are_written_twice(tmp_path: Path) -> None:
    shared = nn.Linear(2, 2)
    save_weights(tmp_path / "w", nn.Sequential(shared, shared))
    load_weights(tmp_path / "w", nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="does not exist; run the step that writes it first"):
        load_weights(tmp_path / "none.safetensors", network())


@pytest.mark.parametrize("keep", [0, 5, 60, -3])
def test_a_damaged_file(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, network())
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArtefactError, match="cannot be read as safetensors"):
        load_weights(path, network())


def test_a_file_of_another_architecture_names_the_first_difference(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, network())
    before = {name: tensor.clone() for name, tensor in network(num_classes=4).state_dict().items()}
    other = network(num_classes=4)
    other.load_state_dict(before)
    with pytest.raises(
        ArtefactError,
        match=r"Expected shape \(4, 2, 3, 3\) for 'core\.head\.weight', but '.*' holds \(3, 2, 3, 3\)",
    ):
        load_weights(path, other)
    assert all(torch.equal(before[name], tensor) for name, tensor in other.state_dict().items())
    with pytest.raises(ArtefactError, match=r"lacks 'core\.encoder\.1\.conv1\.weight', which this model has"):
        load_weights(path, network(depth=2))
    save_weights(path, network(depth=2))
    with pytest.raises(ArtefactError, match=r"Expected shape|holds 'core\..*', which this model has not"):
        load_weights(path, network())


def test_a_file_with_one_key_more(tmp_path: Path) -> None:
    save_weights(tmp_path / "w", nn.Linear(2, 2))
    with pytest.raises(ArtefactError, match="holds 'bias', which this model has not"):
        load_weights(tmp_path / "w", nn.Linear(2, 2, bias=False))


def test_a_file_of_whole_numbers(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"weight": torch.zeros(2, 2, dtype=torch.int64)}, tmp_path / "w")
    with pytest.raises(
        ArtefactError, match=r"Expected torch\.float32 for 'weight', but '.*' holds torch\.int64"
    ):
        load_weights(tmp_path / "w", nn.Linear(2, 2, bias=False))
