"""A finished run as something that predicts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import read_json, read_yaml
from rareseg.config.dataset import ClassSettings
from rareseg.config.load import parse_settings
from rareseg.config.study import BudgetSettings
from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.data.resampling import majority
from rareseg.device import Precision, resolve_device, resolve_precision
from rareseg.errors import ArtefactError
from rareseg.inference.decision import build_decision
from rareseg.inference.gate import ImageGate
from rareseg.inference.predictor import Predictor
from rareseg.models.weights_file import load_weights
from rareseg.strategies.heads import build_head
from rareseg.study.gate_records import read_gate, scorer_of
from rareseg.study.judge import Judge
from rareseg.study.run_one import build_network
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["LoadedRun", "load_run"]

_STRIP = 512
"""Rows that are looked through for missing data at once."""


@dataclass(frozen=True)
class LoadedRun:
    """What a run's folder holds for prediction."""

    judge: Judge
    class_table: ClassTable
    reading: ImageReading
    step: int

    def label_map(self, path: Path) -> NDArray[np.uint8]:
        """Class indices ``(h, w)`` of an image file, in its own pixels; 255 where it has no data.

        Where the run enlarges images, the enlarged image is judged and each pixel of the file becomes the most
        frequent class in it, see `majority`.

        Args:
            path: An image of the kind that the run was trained on.

        Raises:
            DataError: The file is missing or damaged, or has other bands.
        """
        image = self.reading.open(path)
        height, width = image.size
        labels = self.judge.labels(image.read, image.factor * height, image.factor * width)
        if image.factor > 1:
            labels = majority(labels, image.factor, self.class_table.num_classes)
        for row in range(0, height, _STRIP):
            strip = Window(row, 0, min(_STRIP, height - row), width)
            invalid = image.invalid(strip)
            if invalid is not None:
                labels[strip.slices][invalid] = IGNORE_INDEX
        return labels


def load_run(
    folder: Path, *, device: str = "auto", precision: Precision | None = None, step: int | None = None
) -> LoadedRun:
    """Load the weights of a run with its classes, normalisation and decision.

    Args:
        folder: ``RUNS/<strategy>/seed-<n>``.
        device: Torch device.
        precision: ``float32`` or ``bfloat16``; by default what the run was judged with, where the device can.
        step: Which kept checkpoint; by default the last.

    Raises:
        ArtefactError: The folder is not a run, or has no such weights.

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
        >>> run.step, labels.shape, labels.dtype.name
        (2, (40, 56), 'uint8')
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
        ClassSettings.model_validate({"name": name, "color": color})
        for name, color in zip(data["class_names"], data["class_colors"], strict=True)
    )
    network = build_network(config, tuple(data["class_names"]), seed=config["seed"])
    load_weights(folder / f"step-{chosen:06d}.safetensors", network)
    where = resolve_device(device)
    judged = config["decided"]["precision"]
    number_format = resolve_precision(
        precision or ("float32" if judged == "float32" else "auto"), device=where
    )
    judge = Judge(
        Predictor(network, device=where, precision=number_format),
        build_head(config["strategy"]["head"]),
        build_decision(config["strategy"]["decision"]),
    )
    if judge.head.gate is not None:
        scorer = scorer_of(
            judge, parse_settings(BudgetSettings, config["budget"], where="config.yaml: budget")
        )
        judge = replace(judge, gate=ImageGate(scorer, read_gate(folder / "gate.json")))
    reading = ImageReading.from_config(config["decided"])
    return LoadedRun(judge, ClassTable.from_classes(classes), reading, chosen)
