"""Opening bundles: what is wrong with one is said in a line, and nothing of a study is needed."""

from __future__ import annotations

import ast
import importlib.util
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rareseg
from export.make_bundle import NAMES, make_blueprint, make_bundle, make_network
from rareseg.artefacts import read_yaml, write_yaml
from rareseg.errors import (
    ArtefactError,
    ConfigError,
    MissingExtraError,
    OptionError,
    RaresegError,
    UnknownNameError,
)
from rareseg.export.load_bundle import load_bundle


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with safetensors and ONNX; read it, do not write to it."""
    folder = tmp_path_factory.mktemp("bundles") / "made"
    blueprint = make_blueprint()
    make_bundle(folder, blueprint, make_network(blueprint), formats=["safetensors", "onnx"])
    return folder


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    copy = tmp_path / "bundle"
    copy.mkdir()
    for file in made.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy


def change(bundle: Path, **values: Any) -> None:
    write_yaml(bundle / "bundle.yaml", {**read_yaml(bundle / "bundle.yaml"), **values})


def test_public_name(made: Path) -> None:
    model = rareseg.load_bundle(made, device="cpu", backend="torch")
    assert model.class_table.names == NAMES


def test_auto_takes_one_that_is_there(made: Path) -> None:
    model = load_bundle(made, device="cpu")
    assert re.search(r"by (torch|onnxruntime|openvino)$", model.name)


def test_same_job_whichever_backend(made: Path) -> None:
    digests = {load_bundle(made, device="cpu", backend=name).digest for name in ("torch", "onnxruntime")}
    assert len(digests) == 1 and digests != {""}
    other = load_bundle(made, device="cpu", backend="torch", precision="bfloat16")
    assert other.digest not in digests


def test_openvino_runs_onnx_files_too(made: Path) -> None:
    maps = []
    image = np.random.default_rng(0).integers(0, 256, (1, 40, 50), dtype=np.uint8)
    for backend in ("torch", "openvino"):
        judge = load_bundle(made, device="cpu", backend=backend).judge
        maps.append(judge.labels(lambda window: image[:, *window.slices], 40, 50))
    assert np.array_equal(*maps)


def test_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(
        ArtefactError, match=r"is not a bundle \(it has no bundle.yaml\). Make one: rareseg export"
    ):
        load_bundle(tmp_path)


def test_newer_version(bundle: Path) -> None:
    change(bundle, artefact="bundle/7")
    with pytest.raises(
        ArtefactError, match="is of version 7, but this rareseg reads version 1; update rareseg"
    ):
        load_bundle(bundle)


@pytest.mark.parametrize("stamp", ["gate/1", None, "bundle/x"])
def test_other_kind(bundle: Path, stamp: str | None) -> None:
    change(bundle, artefact=stamp)
    with pytest.raises(ArtefactError, match="should be a bundle/1 file"):
        load_bundle(bundle)


@pytest.mark.parametrize(("name", "backend"), [("model.safetensors", "torch"), ("model.onnx", "onnxruntime")])
def test_one_wrong_byte(bundle: Path, name: str, backend: str) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    with pytest.raises(ArtefactError, match=rf"{name}' is not the file that was exported"):
        load_bundle(bundle, device="cpu", backend=backend)


def test_missing_file(bundle: Path) -> None:
    (bundle / "model.onnx").unlink()
    with pytest.raises(ArtefactError, match=r"lacks '.*model.onnx'"):
        load_bundle(bundle, device="cpu", backend="onnxruntime")


def _with_digest(bundle: Path, form: str, name: str, data: bytes) -> None:
    """Replace a file by another and say that it is the right one."""
    import hashlib

    (bundle / name).write_bytes(data)
    weights = read_yaml(bundle / "bundle.yaml")["weights"]
    weights[form]["network"]["sha256"] = hashlib.sha256(data).hexdigest()
    change(bundle, weights=weights)


class _Fuse:
    """Its pickle creates a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    ("form", "name", "backend"),
    [("safetensors", "model.safetensors", "torch"), ("onnx", "model.onnx", "onnxruntime")],
)
def test_pickle_is_not_run(bundle: Path, tmp_path: Path, form: str, name: str, backend: str) -> None:
    _with_digest(bundle, form, name, pickle.dumps(_Fuse(tmp_path / "burnt")))
    with pytest.raises(RaresegError, match=name):
        load_bundle(bundle, device="cpu", backend=backend)
    assert not (tmp_path / "burnt").exists()


def test_weights_of_another_model(bundle: Path) -> None:
    change(bundle, model={"name": "unet", "base_channels": 8, "depth": 2})
    with pytest.raises(ArtefactError, match="Expected shape"):
        load_bundle(bundle, device="cpu", backend="torch")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colour": 1}, "there is no key 'colour'"),
        ({"std": [1.0, 2.0]}, "'mean' has 1 numbers, but 'std' has 2"),
        ({"std": [-1.0]}, "greater than or equal to 0"),
        ({"stride": 0}, "greater than or equal to 1"),
        ({"weights": {}}, "weights"),
        ({"decision": {}}, "'decision' has no name"),
        ({"weights": {"pickle": {}}}, "names the format 'pickle'"),
        ({"weights": {"onnx": {}}}, "should name the files network, but names none"),
        ({"gate": {"threshold": 0.5, "patch_size": [8, 8]}}, "'gate' is given, but the head has none"),
        ({"head": {"name": "softmax", "gate": {}}}, "'gate' is missing, but the head has one"),
    ],
)
def test_wrong_keys(bundle: Path, changes: dict[str, Any], message: str) -> None:
    change(bundle, **changes)
    with pytest.raises(ConfigError, match=re.escape(message)):
        load_bundle(bundle)


@pytest.mark.parametrize("name", ["../outside.onnx", "/etc/passwd", ".hidden", "a/b"])
def test_files_lie_inside(bundle: Path, name: str) -> None:
    weights = read_yaml(bundle / "bundle.yaml")["weights"]
    weights["onnx"]["network"]["file"] = name
    change(bundle, weights=weights)
    with pytest.raises(ConfigError, match="pattern"):
        load_bundle(bundle)


def test_unknown_backend(made: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'openvino'"):
        load_bundle(made, backend="openvin")


def test_backend_without_files(made: Path, tmp_path: Path) -> None:
    blueprint = make_blueprint()
    make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["safetensors"])
    with pytest.raises(
        OptionError, match=r"The bundle holds safetensors, which onnxruntime cannot run.*--format onnx"
    ):
        load_bundle(tmp_path / "b", device="cpu", backend="onnxruntime")


def test_missing_extra(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> Any:
        return None if name == "onnxruntime" else real(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    with pytest.raises(MissingExtraError, match=re.escape("pip install 'rareseg[onnx]'")):
        load_bundle(made, device="cpu", backend="onnxruntime")


def test_options_without_effect(made: Path, bundle: Path) -> None:
    with pytest.raises(OptionError, match="bfloat16 is for the backend torch"):
        load_bundle(made, device="cpu", backend="onnxruntime", precision="bfloat16")
    weights = read_yaml(bundle / "bundle.yaml")["weights"]
    change(bundle, weights={"onnx": weights["onnx"]})
    with pytest.raises(OptionError, match="bfloat16 is for the backend torch"):
        load_bundle(bundle, device="cpu", precision="bfloat16")
    with pytest.raises(OptionError, match="exact in tiles of any image"):
        load_bundle(made, device="cpu", whole_megapixels=2.0)


def test_limit_of_whole_images(tmp_path: Path) -> None:
    blueprint = make_blueprint(model={"name": "se_unet", "base_channels": 4, "depth": 2})
    make_bundle(tmp_path / "b", blueprint, make_network(blueprint), formats=["safetensors"])
    judge = load_bundle(tmp_path / "b", device="cpu", whole_megapixels=0.01).judge
    assert judge.predictor.is_exact(100, 100) and not judge.predictor.is_exact(100, 101)
    with pytest.raises(OptionError, match="above 0, but got -1"):
        load_bundle(tmp_path / "b", device="cpu", whole_megapixels=-1)


def test_needs_nothing_of_studies(made: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from rareseg import load_bundle;"
        f"load_bundle(Path({str(made)!r}), device='cpu', backend='torch'); print(sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = ast.literal_eval(done.stdout.splitlines()[-1])
    rooms = {name.split(".")[1] for name in modules if name.startswith("rareseg.")}
    assert rooms & {"study", "training", "inspection", "sampling", "report"} == set()
    assert not {"lightning", "onnx", "onnxruntime", "openvino", "pyarrow"} & set(modules)


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in nested mappings and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        yield (*before, key)
        yield from _paths(inside, (*before, key))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.integers(-1, 3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_any_change_of_bundle_yaml(made: Path, bundle: Path, data: st.DataObject) -> None:
    """Either it loads, or one line says what is wrong."""
    value = read_yaml(made / "bundle.yaml")
    path = data.draw(st.sampled_from(list(_paths(value))))
    place = value
    for key in path[:-1]:
        place = place[key]
    if data.draw(st.booleans()):
        place[path[-1]] = data.draw(VALUES)
    else:
        del place[path[-1]]
    (bundle / "bundle.yaml").write_text(yaml.safe_dump(value))
    try:
        load_bundle(bundle, device="cpu", backend="torch")
    except RaresegError as error:
        assert "\n" not in str(error)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=60))
def test_any_bytes_for_bundle_yaml(bundle: Path, text: bytes) -> None:
    (bundle / "bundle.yaml").write_bytes(text)
    with pytest.raises(RaresegError):
        load_bundle(bundle)
