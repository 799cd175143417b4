"""What a bundle holds, and that nothing is written which answers otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

from export.make_bundle import NAMES, make_blueprint, make_bundle, make_network, make_patches
from rareseg.artefacts import read_yaml
from rareseg.config.bundle import load_bundle_settings
from rareseg.errors import DataError, OptionError, UnknownNameError
from rareseg.export import write_bundle as module
from rareseg.export.load_bundle import blueprint_of, load_bundle
from rareseg.export.parity import TOLERANCE, compare_engines
from rareseg.inference.blueprint import GateRule
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.network import Network


def test_says_what_it_was_made_from(tmp_path: Path) -> None:
    blueprint = make_blueprint(
        head={"name": "sigmoid", "gate": {"base_channels": 4, "depth": 1}},
        gate=GateRule(0.25, (16, 24)),
        bands=2,
    )
    make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["safetensors"])
    assert blueprint_of(load_bundle_settings(tmp_path / "b")) == replace(blueprint, tile=1024)
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [
        "README.txt",
        "bundle.yaml",
        "model.safetensors",
    ]
    assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_a_program_without_rareseg_gets_the_same(tmp_path: Path) -> None:
    """README.txt tells it: raw pixels in, outputs out, missing values and all."""
    blueprint = make_blueprint(bands=3)
    network = make_network(blueprint)
    make_bundle(tmp_path / "b", blueprint, network, formats=["onnx"])
    session = onnxruntime.InferenceSession(tmp_path / "b" / "model.onnx", providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(1).normal(100, 30, (2, 3, 20, 12)).astype(np.float32)
    pixels[0, 1, 2, 3] = np.nan
    (found,) = session.run(None, {"pixels": pixels})
    with torch.inference_mode():
        expected = network(torch.from_numpy(pixels)).numpy()
    assert found.shape == (2, len(NAMES), 20, 12)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def _open(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(None, {"pixels": pixels.astype(np.float32)})[0]


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_a_program_that_follows_the_readme_gets_the_same_label_maps(head: str, tmp_path: Path) -> None:
    gate = {"base_channels": 4, "depth": 1}
    images = np.random.default_rng(2).integers(0, 255, (12, 1, 24, 32)).astype(np.uint8)
    plain = make_blueprint(head={"name": head, "gate": gate}, gate=GateRule(0.5, (16, 24)))
    network = make_network(plain)
    corners = [(row, col) for row in (0, 8) for col in (0, 8)]

    def gate_score(run: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> float:
        patches = np.stack([image[:, row : row + 16, col : col + 24] for row, col in corners])
        return float((1 / (1 + np.exp(-run(patches)))).max())

    with torch.inference_mode():
        scores = [
            gate_score(lambda patches: network.forward_part(torch.from_numpy(patches), "gate").numpy(), image)
            for image in images
        ]
    blueprint = replace(plain, gate=GateRule(float(np.median(scores)), (16, 24)))
    make_bundle(tmp_path / "b", blueprint, network, formats=["onnx"])
    text = (tmp_path / "b" / "README.txt").read_text()
    assert "an image gate, asked first" in text and "16 x 24 pixels" in text
    shown = NAMES if head == "softmax" else NAMES[1:]
    assert f"in the order of bundle.yaml: {', '.join(shown)}." in text

    ask, segment = _open(tmp_path / "b" / "gate.onnx"), _open(tmp_path / "b" / "model.onnx")
    model = load_bundle(tmp_path / "b", device="cpu")
    skipped = 0
    for image in images:
        found = np.zeros((24, 32), np.uint8)
        if gate_score(ask, image) >= blueprint.gate.threshold:
            logits = segment(image[None])[0]
            if head == "sigmoid":
                logits = np.concatenate([np.zeros_like(logits[:1]), logits])
            found = logits.argmax(axis=0)
        else:
            skipped += 1
        expected = model.judge.labels(lambda window, image=image: image[:, *window.slices], 24, 32)
        assert (found != expected).mean() < 0.005
    assert 0 < skipped < len(images)


def test_onnx_files_say_what_they_are(tmp_path: Path) -> None:
    blueprint = make_blueprint()
    make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["onnx"])
    model = onnx.load(tmp_path / "b" / "model.onnx")
    told = {
        item.key: json.loads(item.value) for item in model.metadata_props if item.key.startswith("rareseg.")
    }
    assert [item["name"] for item in told["rareseg.classes"]] == list(NAMES)
    assert told["rareseg.decision"] == {"name": "argmax"} and told["rareseg.stride"] == 4


def test_openvino_alone_leaves_no_onnx(tmp_path: Path) -> None:
    blueprint = make_blueprint()
    make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["openvino"])
    assert not list((tmp_path / "b").glob("*.onnx"))
    assert (tmp_path / "b" / "model.bin").is_file()


def test_a_bundle_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    blueprint = make_blueprint()
    network = make_network(blueprint)
    make_bundle(tmp_path / "b", blueprint, network, formats=["safetensors"])
    (tmp_path / "b" / "old").touch()
    make_bundle(tmp_path / "b", blueprint, network, formats=["safetensors"])
    assert not (tmp_path / "b" / "old").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(OptionError, match="exists and is no bundle; give another --out"):
        make_bundle(tmp_path / "mine", blueprint, network, formats=["safetensors"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "mine"]


def test_unknown_format(tmp_path: Path) -> None:
    blueprint = make_blueprint()
    with pytest.raises(UnknownNameError, match=r"no format of bundles named 'onyx'\. Did you mean 'onnx'"):
        make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["onyx"])


def test_a_model_without_a_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What depends on the pixels themselves cannot be a graph; it is said in a line, and nothing is left."""

    class Picky(nn.Module):
        def __init__(self, core: nn.Module) -> None:
            super().__init__()
            self.core, self.in_channels = core, core.in_channels
            self.num_classes, self.stride = core.num_classes, core.stride
            self.receptive_radius = core.receptive_radius

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.core(image) if float(image.sum()) > 0 else self.core(-image)

    blueprint = make_blueprint()
    network = make_network(blueprint)
    network.core = Picky(network.core)
    with pytest.raises(OptionError, match=r"This model cannot be written as ONNX \(.*use safetensors"):
        make_bundle(tmp_path / "b", blueprint, network, formats=["onnx"])
    assert not list(tmp_path.iterdir())


def _coarse(network: Network) -> Network:
    """Weights that were rounded to bfloat16 on the way."""
    for parameter in network.parameters():
        parameter.data = parameter.data.to(torch.bfloat16).float()
    return network


def _broken(network: Network) -> Network:
    network.core.head.weight.data.fill_(float("nan"))
    return network


def _another(network: Network) -> Network:
    for parameter in network.parameters():
        parameter.data = -parameter.data
    return network


@pytest.mark.parametrize("spoil", [_coarse, _broken, _another])
def test_what_answers_otherwise_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: object
) -> None:
    real = module.save_weights

    def save_weights(path: Path, network: Network, **options: object) -> None:
        import copy

        real(path, spoil(copy.deepcopy(network)), **options)

    monkeypatch.setattr(module, "save_weights", save_weights)
    blueprint = make_blueprint()
    with pytest.raises(DataError, match="The safetensors form answers otherwise than the trained network"):
        make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["safetensors"])
    assert not list(tmp_path.iterdir())


def test_a_wrong_gate_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = module.save_weights

    def save_weights(path: Path, network: Network, **options: object) -> None:
        import copy

        other = copy.deepcopy(network)
        other.core.gate.head.bias.data += 1
        real(path, other, **options)

    monkeypatch.setattr(module, "save_weights", save_weights)
    blueprint = make_blueprint(
        head={"name": "softmax", "gate": {"base_channels": 4, "depth": 2}}, gate=GateRule(0.5, (16, 16))
    )
    with pytest.raises(DataError, match="answers otherwise"):
        make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["safetensors"])


def test_parity_of_a_network_with_itself() -> None:
    blueprint = make_blueprint()
    engine = TorchEngine(make_network(blueprint))
    judge = blueprint.segmenter(engine, name="").judge
    found = compare_engines(judge, engine, make_patches(1))
    assert found.holds and found.largest_difference == 0 and found.other_labels == 0
    assert found.pixels == 64 * 96 + 33 * 50 and found.largest_output > 1


def test_parity_is_kept(tmp_path: Path) -> None:
    blueprint = make_blueprint()
    found = make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["onnx"])["onnx"]
    kept = read_yaml(tmp_path / "b" / "bundle.yaml")["parity"]["onnx"]
    assert kept["largest_difference"] == found.largest_difference <= TOLERANCE * found.largest_output
    assert kept["source"] == "noise" and kept["patches"] == 2
    assert load_bundle(tmp_path / "b", device="cpu", backend="onnxruntime").class_table.names == NAMES
