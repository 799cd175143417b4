"""A finished run as something that predicts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rareseg.artefacts import read_json, read_yaml
from rareseg.config.dataset import ClassSettings
from rareseg.config.load import parse_settings
from rareseg.config.study import BudgetSettings
from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.device import Precision, PrecisionWish, resolve_device, resolve_precision
from rareseg.errors import ArtefactError, OptionError
from rareseg.inference.decision import build_decision
from rareseg.inference.gate import ImageGate
from rareseg.inference.judge import Judge
from rareseg.inference.predictor import Predictor
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.network import Network
from rareseg.models.weights_file import load_weights
from rareseg.strategies.heads import build_head
from rareseg.study.gate_records import read_gate, scorer_of
from rareseg.study.run_one import build_network

__all__ = ["load_run"]


def load_run(
    folder: Path,
    *,
    device: str = "auto",
    precision: PrecisionWish | None = None,
    step: int | None = None,
    whole_megapixels: float | None = None,
) -> Segmenter:
    """Load the weights of a run with its classes, normalisation and decision.

    Args:
        folder: ``RUNS/<strategy>/seed-<n>``.
        device: Torch device.
        precision: ``float32``, ``bfloat16`` or ``auto`` (what is fastest here); by default what the run was
            judged with, where the device can.
        step: Which kept checkpoint; by default the last.
        whole_megapixels: Largest image that a model which depends on the whole image gets in one piece; by default
            what the run was judged with.

    Raises:
        ArtefactError: The folder is not a run, or has no such weights.
        OptionError: ``whole_megapixels`` is not above 0, or the model does not depend on the whole image.

    Example:
        >>> import numpy as np
        >>> import tempfile
        >>> from rareseg.config.study import StudySettings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.study.run_study import run_study
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = write_foil_dataset(Path(folder) / "data", num_images=4, size=(96, 96))
        ...     settings = StudySettings(
        ...         name="first",
        ...         dataset=str(data),
        ...         seeds=[0],
        ...         budget={"steps": 2, "batch_size": 2, "patch_size": 32},
        ...         base={"model": {"name": "unet", "base_channels": 4, "depth": 2}},
        ...         strategies={"baseline": {}},
        ...     )
        ...     runs = run_study(settings, Path(folder) / "runs", device="cpu").runs
        ...     run = load_run(runs / "baseline" / "seed-0", device="cpu")
        >>> image = np.zeros((3, 40, 56), np.uint16)
        >>> labels = run.judge.labels(lambda window: image[:, *window.slices], 40, 56)
        >>> labels.shape, labels.dtype.name
        ((40, 56), 'uint8')
    """
    folder = Path(folder)
    if not (folder / "config.yaml").exists():
        inside = sorted(p.parent for p in folder.glob("*/seed-*/config.yaml")) if folder.is_dir() else []
        hint = (
            f"Name one of its runs, such as '{inside[0]}'."
            if inside
            else "Give a folder like RUNS/<strategy>/seed-0."
        )
        raise ArtefactError(f"'{folder}' is not the folder of a run (it has no config.yaml). {hint}")
    config = read_yaml(folder / "config.yaml")
    steps = sorted(int(p.stem.removeprefix("step-")) for p in folder.glob("step-*.safetensors"))
    chosen = step if step is not None else (steps[-1] if steps else None)
    if chosen is None or chosen not in steps:
        kept = ", ".join(map(str, steps)) or "none; finish the run with `rareseg run` first"
        raise ArtefactError(f"'{folder}' has no weights of step {chosen}. Kept: {kept}.")
    data = read_json(folder.parent.parent / "data.json", kind="data")
    classes = tuple(
        ClassSettings.model_validate({"name": name, "color": color, "value": value})
        for name, color, value in zip(
            data["class_names"],
            data["class_colors"],
            # Runs of earlier versions did not note the values; a class's place stands for it then.
            data.get("class_values", range(len(data["class_names"]))),
            strict=True,
        )
    )
    network = build_network(config, tuple(data["class_names"]), seed=config["seed"], pretrained=False)
    load_weights(folder / f"step-{chosen:06d}.safetensors", network)
    whole = _whole_megapixels(network, config, whole_megapixels)
    where = resolve_device(device)
    judged = config["decided"]["precision"]
    number_format = resolve_precision(
        precision or ("float32" if judged == "float32" else "auto"), device=where
    )
    class_table = ClassTable.from_classes(classes)
    judge = Judge(
        Predictor(TorchEngine(network, device=where, precision=number_format), whole_megapixels=whole),
        build_head(config["strategy"]["head"]),
        build_decision(config["strategy"]["decision"], class_names=class_table.names),
    )
    if judge.head.gate is not None:
        scorer = scorer_of(
            judge, parse_settings(BudgetSettings, config["budget"], where="config.yaml: budget")
        )
        judge = replace(judge, gate=ImageGate(scorer, read_gate(folder / "gate.json")))
    reading = ImageReading.from_config(config["decided"])
    digest = _digest(folder, f"step-{chosen:06d}.safetensors", number_format)
    return Segmenter(judge, class_table, reading, name=str(folder), digest=digest)


def _digest(folder: Path, weights: str, precision: Precision) -> str:
    """Of the files that label maps depend on."""
    found = hashlib.sha256(precision.encode())
    for name in (weights, "config.yaml", "gate.json"):
        if (folder / name).exists():
            found.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return found.hexdigest()


def _whole_megapixels(network: Network, config: Mapping[str, Any], given: float | None) -> float:
    """The limit that holds: the one given, the run's, or for runs of earlier versions the default."""
    if given is None:
        return float(config.get("whole_megapixels", 4.0))
    if network.receptive_radius is not None:
        raise OptionError(
            "whole_megapixels is for models that depend on the whole image, but this run's model is exact in tiles "
            "of any image; leave it out."
        )
    if given <= 0:
        raise OptionError(f"Expected whole_megapixels above 0, but got {given:g}; give a larger number.")
    return given
