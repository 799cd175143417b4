"""A finished run as something that predicts."""

from __future__ import annotations

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
from rareseg.device import PrecisionWish, resolve_device, resolve_precision
from rareseg.errors import ArtefactError, OptionError
from rareseg.inference.blueprint import Blueprint, GateRule
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.network import Network
from rareseg.models.weights_file import load_weights
from rareseg.provenance import digest_of, digest_of_files
from rareseg.strategies.heads import build_head
from rareseg.study.gate_records import read_gate
from rareseg.study.read_decision import read_decision

__all__ = ["load_run", "read_blueprint", "weights_of"]


def load_run(
    folder: Path,
    *,
    device: str = "auto",
    precision: PrecisionWish | None = None,
    step: int | None = None,
    whole_megapixels: float | None = None,
    decision: str = "own",
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
        decision: ``own``, ``argmax``, ``tuned`` or a file, see `read_decision`.

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
    weights = weights_of(folder, step=step)
    blueprint = read_blueprint(folder, decision=decision)
    network = blueprint.build_network()
    load_weights(weights, network)
    if whole_megapixels is not None:
        _check_whole_megapixels(network, whole_megapixels)
        blueprint = replace(blueprint, whole_megapixels=whole_megapixels)
    where = resolve_device(device)
    judged = read_yaml(Path(folder) / "config.yaml")["decided"]["precision"]
    number_format = resolve_precision(
        precision or ("float32" if judged == "float32" else "auto"), device=where
    )
    engine = TorchEngine(network, device=where, precision=number_format)
    files = [weights, Path(folder) / "config.yaml", Path(folder) / "gate.json"]
    text = f"{number_format} {digest_of(blueprint.decision)} {blueprint.gate}"
    digest = digest_of_files(text, [file for file in files if file.exists()])
    return blueprint.segmenter(engine, name=str(folder), digest=digest)


def weights_of(folder: Path, *, step: int | None = None) -> Path:
    """File of a run's weights.

    Args:
        folder: ``RUNS/<strategy>/seed-<n>``.
        step: Which kept checkpoint; by default the last.

    Raises:
        ArtefactError: The folder is not a run, or has no such weights.
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
    steps = sorted(int(p.stem.removeprefix("step-")) for p in folder.glob("step-*.safetensors"))
    if not steps:
        raise ArtefactError(f"'{folder}' has no weights yet; finish the run with `rareseg run` first.")
    chosen = steps[-1] if step is None else step
    if chosen not in steps:
        kept = ", ".join(map(str, steps))
        raise ArtefactError(f"'{folder}' has no weights of step {chosen}. Kept: {kept}.")
    return folder / f"step-{chosen:06d}.safetensors"


def read_blueprint(folder: Path, *, decision: str = "own") -> Blueprint:
    """What a finished run's files say of its network, classes, reading, decision and gate.

    Args:
        folder: ``RUNS/<strategy>/seed-<n>``.
        decision: Another decision than the run's own, see `read_decision`.

    Raises:
        ArtefactError: The folder is not that of a finished run, or has no such decision.
    """
    weights_of(folder)
    folder = Path(folder)
    config = read_yaml(folder / "config.yaml")
    decided, strategy = config["decided"], config["strategy"]
    settings, gate_threshold = read_decision(folder, decision)
    gate = _gate_rule(folder, config)
    if gate is not None and gate_threshold is not None:
        gate = replace(gate, threshold=gate_threshold)
    return Blueprint(
        class_table=_class_table(read_json(folder.parent.parent / "data.json", kind="data")),
        reading=ImageReading.from_config(decided),
        model=strategy["model"],
        head=strategy["head"],
        decision=settings,
        mean=tuple(decided["mean"]),
        std=tuple(decided["std"]),
        gate=gate,
        # Runs of earlier versions did not note it.
        whole_megapixels=float(config.get("whole_megapixels", 4.0)),
    )


def _class_table(data: Mapping[str, Any]) -> ClassTable:
    names, colors = data["class_names"], data["class_colors"]
    # Runs of earlier versions did not note the values; a class's place stands for it then.
    values = data.get("class_values", range(len(names)))
    return ClassTable.from_classes(
        [
            ClassSettings.model_validate({"name": name, "color": color, "value": value})
            for name, color, value in zip(names, colors, values, strict=True)
        ]
    )


def _gate_rule(folder: Path, config: Mapping[str, Any]) -> GateRule | None:
    gate = build_head(config["strategy"]["head"]).gate
    if gate is None:
        return None
    budget = parse_settings(BudgetSettings, config["budget"], where="config.yaml: budget")
    return GateRule(read_gate(folder / "gate.json"), gate.patch_size or budget.patch_size)


def _check_whole_megapixels(network: Network, given: float) -> None:
    if network.receptive_radius is not None:
        raise OptionError(
            "whole_megapixels is for models that depend on the whole image, but this run's model is exact in tiles "
            "of any image; leave it out."
        )
    if given <= 0:
        raise OptionError(f"Expected whole_megapixels above 0, but got {given:g}; give a larger number.")
