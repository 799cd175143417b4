"""One suite for all models and backends: the same outputs and the same label maps as the network that was trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from export.make_bundle import NAMES, SMALL_UNET, make_blueprint, make_bundle, make_network
from rareseg.export.backends import BACKENDS
from rareseg.export.load_bundle import load_bundle
from rareseg.inference.blueprint import Blueprint, GateRule
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.build import MODELS
from rareseg.models.network import Network
from rareseg.types import Window
from tiny import SMALL_MODELS, model_param

BANDS = {name: 1 + 2 * (number % 3) for number, name in enumerate(MODELS)}
DECISION = {"name": "thresholds", "thresholds": {"crack": 0.3}, "smallest_region": {"dent": 5}}
HEADS = {
    "sigmoid": {"name": "sigmoid"},
    "one_vs_rest": {"name": "one_vs_rest"},
    "shared_encoder": {"name": "one_vs_rest", "shared_encoder": True},
}


@dataclass
class Exported:
    """A network, what it is made from, and its bundle in all formats."""

    folder: Path
    blueprint: Blueprint
    network: Network

    def trained(self) -> Segmenter:
        return self.blueprint.segmenter(TorchEngine(self.network), name="trained")


def export(folder: Path, blueprint: Blueprint) -> Exported:
    network = make_network(blueprint)
    found = make_bundle(folder, blueprint, network)
    assert set(found) == {"safetensors", "onnx", "openvino"}
    return Exported(folder, blueprint, network)


@pytest.fixture(scope="module", params=[model_param(name) for name in MODELS])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    options = {"name": request.param, **SMALL_MODELS.get(request.param, {})}
    folder = tmp_path_factory.mktemp("bundles") / request.param
    return export(folder, make_blueprint(model=options, bands=BANDS[request.param]))


@pytest.fixture(scope="module", params=HEADS)
def head(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    folder = tmp_path_factory.mktemp("bundles") / request.param
    return export(folder, make_blueprint(head=HEADS[request.param], bands=2, decision=DECISION))


@pytest.fixture(scope="module")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The patches of the gate are no multiple of its own poolings."""
    blueprint = make_blueprint(
        head={"name": "softmax", "gate": {"base_channels": 4, "depth": 2}}, gate=GateRule(0.5, (18, 21))
    )
    return export(tmp_path_factory.mktemp("bundles") / "gated", blueprint)


def images(bands: int) -> list[np.ndarray]:
    """Odd sizes, one less than a stride, and every number type; missing values in the floats."""
    rng = np.random.default_rng(1)
    floats = rng.normal(100, 30, (bands, 45, 70)).astype(np.float32)
    floats[:, 3, 4], floats[:, 5, 6], floats[0, 7:9, 8] = np.nan, np.inf, -np.inf
    return [
        rng.integers(0, 256, (bands, 37, 53), dtype=np.uint8),
        rng.integers(0, 256, (bands, 5, 3), dtype=np.uint8),
        rng.integers(0, 400, (bands, 64, 32)).astype(np.uint16),
        floats,
    ]


def check_same(exported: Exported, backend: str) -> None:
    trained, loaded = exported.trained(), load_bundle(exported.folder, device="cpu", backend=backend)
    for image in images(len(exported.blueprint.mean)):
        height, width = image.shape[1:]

        def read(window: Window, image: np.ndarray = image) -> np.ndarray:
            return image[:, *window.slices]

        expected = [outputs for _, outputs in trained.judge.predictor.iterate(read, height, width)]
        found = [outputs for _, outputs in loaded.judge.predictor.iterate(read, height, width)]
        for ours, theirs in zip(expected, found, strict=True):
            assert torch.isfinite(ours).all()
            assert (ours - theirs).abs().max() <= 1e-4 * max(1.0, float(ours.abs().max()))
        ours_map, their_map = (one.judge.labels(read, height, width) for one in (trained, loaded))
        assert np.array_equal(ours_map, their_map)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_model_answers_alike(model: Exported, backend: str) -> None:
    check_same(model, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_every_head_answers_alike(head: Exported, backend: str) -> None:
    check_same(head, backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_images_of_a_batch_do_not_mix(model: Exported, backend: str) -> None:
    engine = load_bundle(model.folder, device="cpu", backend=backend).judge.predictor.engine
    rng = np.random.default_rng(2)
    size = (3, len(model.blueprint.mean), 2 * engine.stride, 3 * engine.stride)
    batch = torch.from_numpy(rng.integers(0, 256, size, dtype=np.uint8))
    together = engine.run(batch)
    alone = torch.cat([engine.run(image[None]) for image in batch])
    assert together.shape == (3, len(NAMES), *size[2:])
    assert torch.allclose(together, alone, rtol=1e-4, atol=1e-4 * float(alone.abs().max()))


@pytest.mark.parametrize("backend", BACKENDS)
def test_gate_answers_alike(gated: Exported, backend: str) -> None:
    trained, loaded = gated.trained(), load_bundle(gated.folder, device="cpu", backend=backend)
    assert trained.judge.gate is not None and loaded.judge.gate is not None
    assert loaded.judge.gate.threshold == 0.5
    for image in images(1):
        height, width = image.shape[1:]

        def read(window: Window, image: np.ndarray = image) -> np.ndarray:
            return image[:, *window.slices]

        expected = trained.judge.gate.scorer.score(read, height, width)
        assert loaded.judge.gate.scorer.score(read, height, width) == pytest.approx(expected, abs=1e-5)
        assert np.array_equal(
            trained.judge.labels(read, height, width), loaded.judge.labels(read, height, width)
        )


def test_tiles_equal_the_whole_image(tmp_path: Path) -> None:
    """Also where another program runs them: the halo of the bundle is wide enough."""
    exported = export(tmp_path / "bundle", make_blueprint(model=SMALL_UNET))
    image = np.random.default_rng(3).integers(0, 256, (1, 130, 170), dtype=np.uint8)
    for backend in BACKENDS:
        whole = load_bundle(exported.folder, device="cpu", backend=backend)
        tiled = load_bundle(exported.folder, device="cpu", backend=backend, tile=32)
        assert len(list(tiled.judge.predictor.iterate(lambda w: image[:, *w.slices], 130, 170))) > 20
        maps = [one.judge.labels(lambda w: image[:, *w.slices], 130, 170) for one in (whole, tiled)]
        assert np.array_equal(*maps)


def test_engines_may_be_asked_by_several_threads(head: Exported) -> None:
    from concurrent.futures import ThreadPoolExecutor

    rng = np.random.default_rng(4)
    batches = [torch.from_numpy(rng.integers(0, 256, (1, 2, 64, 64), dtype=np.uint8)) for _ in range(24)]
    for backend in BACKENDS:
        engine = load_bundle(head.folder, device="cpu", backend=backend).judge.predictor.engine
        expected = [engine.run(batch) for batch in batches]
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(engine.run, batches))
        for ours, theirs in zip(expected, found, strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4), backend
