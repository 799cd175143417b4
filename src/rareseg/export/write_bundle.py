"""Write a bundle: weights in one or several formats, and bundle.yaml."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import write_text, write_yaml
from rareseg.config.bundle import BundleSettings
from rareseg.config.load import parse_settings
from rareseg.errors import DataError, OptionError, UnknownNameError
from rareseg.export.backends import BACKENDS, possible_backends
from rareseg.export.bundle_readme import make_bundle_readme
from rareseg.export.export_graph import export_onnx, export_openvino
from rareseg.export.load_bundle import open_engine
from rareseg.export.parity import Parity, compare_engines
from rareseg.inference.blueprint import Blueprint
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.network import Network
from rareseg.models.weights_file import save_weights

__all__ = ["FORMATS", "write_bundle"]

FORMATS = ("safetensors", "onnx", "openvino")
"""Formats that a bundle can hold, several at once."""


def write_bundle(
    folder: Path,
    blueprint: Blueprint,
    network: Network,
    *,
    name: str,
    formats: Sequence[str],
    patches: Sequence[NDArray[np.generic]],
    patches_from: str,
    quality: Mapping[str, Any],
    provenance: Mapping[str, Any],
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Parity]:
    """Write weights and ``bundle.yaml``, and compare every form with the network on patches.

    The folder appears whole or not at all.

    Args:
        folder: The bundle; must not exist, unless it is a bundle, which is replaced.
        blueprint: What the network, head and decision were made from.
        network: The trained network, on the CPU.
        name: Of the bundle, for people.
        formats: Some of `FORMATS`.
        patches: Raw pixels ``(c, h, w)``.
        patches_from: Where they came from, for people.
        quality: See `measured_quality`.
        provenance: Anything that YAML can hold.
        progress: Told what is being done.

    Returns:
        How near each form is, by format.

    Raises:
        UnknownNameError: A format does not exist.
        OptionError: The folder holds something else, or the model cannot be written in a format.
        MissingExtraError: A package is not installed.
        DataError: A form gives other labels than the network.
    """
    folder = Path(folder)
    for form in formats:
        if form not in FORMATS:
            raise UnknownNameError("format of bundles", form, FORMATS)
    if (
        folder.exists()
        and not (folder / "bundle.yaml").is_file()
        and (not folder.is_dir() or any(folder.iterdir()))
    ):
        raise OptionError(f"'{folder}' exists and is no bundle; give another --out.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    inside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        settings = _describe(blueprint, network, name, quality, provenance)
        formats = sorted(set(formats), key=FORMATS.index)
        weights = {form: _write(form, inside, blueprint, network, settings, progress) for form in formats}
        settings = {**settings, "weights": weights}
        found = _compare(inside, blueprint, network, settings, formats, patches, progress)
        settings["parity"] = {
            form: {
                "patches": len(patches),
                "pixels": parity.pixels,
                "source": patches_from,
                "largest_difference": parity.largest_difference,
                "largest_output": parity.largest_output,
                "other_labels": parity.other_labels,
            }
            for form, parity in found.items()
        }
        write_yaml(inside / "bundle.yaml", settings)
        write_text(inside / "README.txt", make_bundle_readme(settings, folder=folder.name, formats=formats))
        inside.chmod(0o755)
        before = inside.with_suffix(".before")
        if folder.exists():
            folder.replace(before)
        inside.replace(folder)
        shutil.rmtree(before, ignore_errors=True)
    finally:
        shutil.rmtree(inside, ignore_errors=True)
    return found


def _describe(
    blueprint: Blueprint,
    network: Network,
    name: str,
    quality: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> dict[str, Any]:
    """All of ``bundle.yaml`` but weights and parity."""
    table, gate = blueprint.class_table, blueprint.gate
    predictor = blueprint.segmenter(TorchEngine(network), name=name).judge.predictor
    return {
        "artefact": "bundle/1",
        "name": name,
        "classes": [
            {"name": one, "value": value, "color": "#{:02x}{:02x}{:02x}".format(*color)}
            for one, value, color in zip(table.names, table.values, table.colors, strict=True)
        ],
        "reading": blueprint.reading.to_config(),
        "mean": [float(value) for value in blueprint.mean],
        "std": [float(value) for value in blueprint.std],
        "model": {key: value for key, value in blueprint.model.items() if key != "encoder_weights"},
        "head": dict(blueprint.head),
        "decision": dict(blueprint.decision),
        "gate": None if gate is None else {"threshold": gate.threshold, "patch_size": list(gate.patch_size)},
        "outputs": network.num_classes,
        "stride": network.stride,
        "receptive_radius": network.receptive_radius,
        "tile": predictor.tile,
        "halo": predictor.halo,
        "whole_megapixels": blueprint.whole_megapixels,
        "quality": dict(quality),
        "provenance": dict(provenance),
    }


def _write(
    form: str,
    inside: Path,
    blueprint: Blueprint,
    network: Network,
    settings: Mapping[str, Any],
    progress: Callable[[str], None],
) -> dict[str, dict[str, str]]:
    """Write the files of one format; their names and digests."""
    progress(f"writing {form}")
    if form == "safetensors":
        save_weights(inside / "model.safetensors", network, metadata={"name": settings["name"]})
        return _named(inside, {"network": "model.safetensors"})
    told = {
        key: settings[key] for key in ("name", "classes", "reading", "head", "decision", "gate", "stride")
    }
    parts: dict[str, dict[str, Any]] = {"network": {}}
    if blueprint.gate is not None:
        parts["gate"] = {"part": "gate", "patch_size": blueprint.gate.patch_size}
    files = {}
    for name, options in parts.items():
        stem = "model" if name == "network" else name
        graph = inside / f"{stem}.onnx"
        existed = graph.exists()
        if not existed:
            export_onnx(network, graph, metadata=told, **options)
        files[name] = graph.name
        if form == "openvino":
            export_openvino(graph, inside / f"{stem}.xml")
            files[name] = f"{stem}.xml"
            files[f"{name}_weights"] = f"{stem}.bin"
            if not existed:
                graph.unlink()
    return _named(inside, files)


def _named(inside: Path, files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {
        name: {"file": file, "sha256": hashlib.sha256((inside / file).read_bytes()).hexdigest()}
        for name, file in files.items()
    }


def _compare(
    inside: Path,
    blueprint: Blueprint,
    network: Network,
    settings: Mapping[str, Any],
    formats: Sequence[str],
    patches: Sequence[NDArray[np.generic]],
    progress: Callable[[str], None],
) -> dict[str, Parity]:
    parsed = parse_settings(BundleSettings, settings, where="bundle.yaml")
    judge = blueprint.segmenter(TorchEngine(network), name="").judge
    found = {}
    for form in formats:
        # The program that is made for the format; what only others could run is compared nowhere.
        backend = next(name for name, one in BACKENDS.items() if one.formats[0] == form)
        possible_backends({form}, backend)
        progress(f"comparing {form} with the trained network")
        engine = open_engine(inside, parsed, backend, form)
        found[form] = compare_engines(judge, engine, patches)
        if not found[form].holds:
            parity = found[form]
            raise DataError(
                f"The {form} form answers otherwise than the trained network: outputs of up to "
                f"{parity.largest_output:.3g} differ by up to {parity.largest_difference:.3g}, which is more than "
                f"rounding, and {parity.other_labels} of {parity.pixels} pixels have other labels. Nothing is written; "
                "export safetensors, and tell us of the model."
            )
    return found
