"""The models behind five of the pitfalls: two small studies, trained once and kept.

``foils``: 64 synthetic foils of 192 x 192 pixels (seed 0) with agglomerations alone, one pixel in 150, none on
half of the foils; five strategies, five seeds. ``crackforest``: 94 photographs of roads, one pixel in 62 cracked;
three strategies, three seeds. 30 % of the images train, 10 % validate and 60 % test. Each run: 300 steps of 8
patches of 32 x 32 pixels, half of which hold the class for certain, U-Net with 8 first maps and 3 poolings, AdamW
0.01 with cosine decay, float32, one thread. Without the aimed patches some of so short runs learn nothing at all.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pitfall import Place

import rareseg
from rareseg.artefacts import write_yaml
from rareseg.data.foil_settings import FoilSettings
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.score_table import ScoreTable

__all__ = ["CRACKS", "FOILS", "TrainedStudy"]

STRATEGIES: dict[str, dict[str, Any]] = {
    "baseline": {},
    "wce_iscf": {"loss": {"name": "cross_entropy", "weights": "iscf"}},
    "wce_icf": {"loss": {"name": "cross_entropy", "weights": "icf"}},
    "focal": {"loss": {"name": "focal", "gamma": 2.0}},
    "flips": {"augmentation": {"flips": True, "quarter_turns": True}},
}


@dataclass(frozen=True)
class TrainedStudy:
    """Runs of some strategies and seeds on one dataset, and what they left."""

    name: str
    class_name: str
    """The rare class."""
    strategies: tuple[str, ...]
    """Names of `STRATEGIES`."""
    seeds: tuple[int, ...]
    steps: int = 300
    num_foils: int = 64

    @functools.cache  # noqa: B019  (two studies live as long as the process)
    def train(self, place: Place) -> Path:
        """Folder of the finished runs; those that are there already are not trained again."""
        import torch

        folder = place.runs / self.name
        dataset = (
            self._describe_foils(folder) if self.name == "foils" else _describe_cracks(folder, place.data)
        )
        settings = rareseg.StudySettings(
            name=self.name,
            dataset=str(dataset),
            split={"kind": "group", "fractions": (0.3, 0.1, 0.6)},
            seeds=self.seeds,
            evaluate=("test",),
            precision="float32",
            budget={"steps": self.steps, "batch_size": 8, "patch_size": 32},
            record={"validate_every": self.steps},
            base={
                "model": {"name": "unet", "base_channels": 8, "depth": 3},
                "sampling": {"name": "oversample", "shares": {self.class_name: 0.5}},
                "optimizer": {"lr": 0.01},
                "schedule": {"name": "cosine", "warmup_steps": min(10, self.steps - 1)},
            },
            strategies={name: STRATEGIES[name] for name in self.strategies},
        )
        torch.set_num_threads(1)
        outcome = rareseg.run_study(settings, folder / "runs", device="cpu")
        if outcome.failed:
            raise rareseg.RaresegError(f"Runs of '{self.name}' failed: {outcome.failed}. See '{folder}'.")
        return outcome.runs

    def counts(self, place: Place, strategy: str) -> NDArray[np.int64]:
        """Counts ``(seeds, images, 4)`` of the rare class on test: tp, fp, fn, tn."""
        runs = self.train(place)
        tables = [
            CountsTable.read(runs / strategy / f"seed-{seed}" / "counts.parquet") for seed in self.seeds
        ]
        return np.stack([table.per_image(self.class_name)[1] for table in tables])

    def scores(self, place: Place, strategy: str) -> NDArray[np.int64]:
        """Histograms ``(seeds, images, 2, 256)`` of the rare class on test: positives and negatives."""
        runs, found = self.train(place), []
        for seed in self.seeds:
            table = ScoreTable.read(runs / strategy / f"seed-{seed}" / "scores.parquet")
            table = table.select(classes=[self.class_name])
            found.append(np.stack([table["positives"], table["negatives"]], axis=1))
        return np.stack(found)

    def _describe_foils(self, folder: Path) -> Path:
        foils = FoilSettings(background_ratio={"agglomeration": 150}, absent={"agglomeration": 0.5})
        rareseg.write_foil_dataset(
            folder / "data", num_images=self.num_foils, size=(192, 192), settings=foils
        )
        description = {
            "name": "foils",
            "root": str(folder / "data"),
            "classes": [{"name": "background"}, {"name": "agglomeration"}],
        }
        return _write(folder, description)


FOILS = TrainedStudy("foils", "agglomeration", tuple(STRATEGIES), seeds=(0, 1, 2, 3, 4))
CRACKS = TrainedStudy("crackforest", "crack", ("baseline", "wce_iscf", "wce_icf"), seeds=(0, 1, 2))


def _describe_cracks(folder: Path, data: Path) -> Path:
    committed = Path(__file__).resolve().parents[1] / "crackforest"
    settings = rareseg.load_dataset(committed, root=data / "crackforest")
    return _write(folder, settings.model_dump(mode="json", exclude_defaults=True))


def _write(folder: Path, description: dict[str, Any]) -> Path:
    write_yaml(folder / "dataset.yaml", description)
    return folder / "dataset.yaml"
