"""Read a folder of runs: what each left behind, also those that failed or are still at work."""

from __future__ import annotations

import csv
import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import read_csv, read_json, read_yaml
from rareseg.errors import ArtefactError, ConfigError
from rareseg.metrics.counts_table import CountsTable
from rareseg.metrics.left_out import LeftOut, find_left_out
from rareseg.metrics.region_table import RegionTable
from rareseg.metrics.score_table import ScoreTable
from rareseg.study.previews import safe_name

__all__ = ["Run", "StudyRuns", "load_runs"]

State = Literal["absent", "running", "finished", "failed"]
JUDGING_ORDER = ("test", "val")


@dataclass(frozen=True)
class Run:
    """One strategy trained with one seed.

    Args:
        strategy: Name of the strategy.
        seed: Its seed.
        folder: ``RUNS/<strategy>/seed-<n>``.
        state: ``absent`` (planned, not begun), ``running`` (begun, or stopped on the way), ``finished`` or
            ``failed``.
        step: Optimizer steps done.
        message: Why it failed; empty otherwise.
        labels: Which of the other labels the tables judge by; None for the dataset's own.
        left_out: Split and name of images that the tables leave out.
    """

    strategy: str
    seed: int
    folder: Path
    state: State
    step: int = 0
    message: str = ""
    labels: str | None = None
    left_out: frozenset[tuple[str, str]] = frozenset()

    @property
    def finished(self) -> bool:
        """Whether the run was trained to its end and judged."""
        return self.state == "finished"

    @property
    def other_labels(self) -> tuple[str, ...]:
        """Names of the other labels that the run was judged by."""
        found = sorted(self.folder.glob("against/*/counts.parquet"))
        return tuple(path.parent.name for path in found)

    @functools.cached_property
    def counts(self) -> CountsTable:
        """``counts.parquet``, without images that are left out."""
        return CountsTable.read(self._tables / "counts.parquet").without(self.left_out)

    @functools.cached_property
    def ungated(self) -> CountsTable | None:
        """Counts of the segmenter without its image gate in the same way, by the dataset's own labels; None where the
        run has none."""
        path = self.folder / "ungated" / "counts.parquet"
        if self.labels is not None or not path.exists():
            return None
        return CountsTable.read(path).without(self.left_out)

    @functools.cached_property
    def regions(self) -> RegionTable | None:
        """``regions.parquet`` in the same way, or None where the run has none."""
        path = self._tables / "regions.parquet"
        return RegionTable.read(path).without(self.left_out) if path.exists() else None

    def read_scores(self) -> ScoreTable | None:
        """``scores.parquet`` in the same way, or None where the run has none; large, so it is not kept."""
        path = self._tables / "scores.parquet"
        return ScoreTable.read(path).without(self.left_out) if path.exists() else None

    @property
    def _tables(self) -> Path:
        return self.folder if self.labels is None else self.folder / "against" / self.labels

    @functools.cached_property
    def config(self) -> Mapping[str, Any]:
        """``config.yaml``, empty where there is none yet."""
        path = self.folder / "config.yaml"
        return read_yaml(path) if path.exists() else {}

    @functools.cached_property
    def log(self) -> Mapping[str, NDArray[np.float64]]:
        """Columns of ``log.csv``, NaN in empty cells; a line torn by a kill is left out."""
        return _read_log(self.folder / "log.csv")

    @functools.cached_property
    def term_shares(self) -> Mapping[tuple[str, str], list[tuple[int, float]]]:
        """Part and term to steps and shares of the gradient, from ``terms.csv``; empty where it is not there."""
        path = self.folder / "terms.csv"
        shares: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for row in read_csv(path) if path.exists() else []:
            shares.setdefault((row["part"], row["term"]), []).append(
                (int(row["step"]), float(row["gradient_share"]))
            )
        return shares

    def json(self, kind: Literal["exposure", "cost", "provenance", "gate"]) -> Mapping[str, Any] | None:
        """One of the run's JSON artefacts, or None where it is not there yet."""
        path = self.folder / f"{kind}.json"
        return read_json(path, kind=kind) if path.exists() else None

    def prediction(self, split: str, image: str) -> Path:
        """Path of the label map of one judged image."""
        return self.folder / "predictions" / split / f"{safe_name(image)}.png"


@dataclass(frozen=True)
class StudyRuns:
    """A folder of runs.

    Args:
        folder: The folder.
        data: ``data.json``.
        study: ``study.yaml``; empty where it is absent.
        runs: Every planned or found run, the strategy ``baseline`` first, the others in the study's order, seeds
            ascending.
        left_out: Judged images that ``scoring`` in study.yaml leaves out of every table.
    """

    folder: Path
    data: Mapping[str, Any]
    study: Mapping[str, Any]
    runs: tuple[Run, ...]
    left_out: LeftOut = dataclasses.field(default_factory=LeftOut)

    @functools.cached_property
    def strategies(self) -> tuple[str, ...]:
        """Strategies with at least one finished run; the first is what others are compared with."""
        return tuple(dict.fromkeys(run.strategy for run in self.runs if run.finished))

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes in index order."""
        return tuple(self.data["class_names"])

    @functools.cached_property
    def class_colors(self) -> Mapping[str, str]:
        """Colour of each class, ``#rrggbb``."""
        return dict(zip(self.class_names, self.data["class_colors"], strict=True))

    @functools.cached_property
    def majority(self) -> str:
        """The class with the most training pixels; all others are the rare ones."""
        splits = self.data["splits"]
        pixels = (splits.get("train") or next(iter(splits.values())))["class_pixels"]
        return max(self.class_names, key=lambda name: pixels.get(name, 0))

    @property
    def rare_classes(self) -> tuple[str, ...]:
        """All classes but the majority, in index order."""
        return tuple(name for name in self.class_names if name != self.majority)

    @functools.cached_property
    def splits(self) -> tuple[str, ...]:
        """Splits that every finished run was judged on; the one that decides comes first."""
        judged = [set(run.counts.splits) for run in self.runs if run.finished]
        shared = set.intersection(*judged)
        return tuple(split for split in JUDGING_ORDER if split in shared)

    def finished(self, strategy: str) -> tuple[Run, ...]:
        """The finished runs of a strategy, seeds ascending."""
        return tuple(run for run in self.runs if run.strategy == strategy and run.finished)

    @functools.cached_property
    def other_labels(self) -> tuple[str, ...]:
        """Names of the other labels that every finished run was judged by."""
        judged = [run.other_labels for run in self.runs if run.finished]
        return tuple(name for name in judged[0] if all(name in names for names in judged))

    def judged_by(self, labels: str) -> StudyRuns:
        """The same runs with tables by other labels."""
        return self._with(labels=labels)

    def with_all_images(self) -> StudyRuns:
        """The same runs with tables that leave out nothing."""
        return dataclasses.replace(self._with(left_out=frozenset()), left_out=LeftOut())

    def without(self, left_out: LeftOut) -> StudyRuns:
        """The same runs with tables that leave out some images."""
        return dataclasses.replace(self._with(left_out=left_out.images), left_out=left_out)

    def _with(self, **changes: Any) -> StudyRuns:
        return dataclasses.replace(self, runs=tuple(dataclasses.replace(run, **changes) for run in self.runs))

    def own_labels(self, labels: str, *, split: str) -> CountsTable | None:
        """Counts of the dataset's own labels on a split, judged by others as though they were predictions."""
        path = self.folder / "evaluated" / "against" / labels / "counts.parquet"
        if not path.exists():
            return None
        return CountsTable.read(path).without(self.left_out.images).select(split=split)

    def label_picture(self, labels: str, split: str, image: str) -> Path:
        """Path of the other labels of a judged image."""
        return self.folder / "evaluated" / "against" / labels / split / f"{safe_name(image)}.png"

    def preview(self, split: str, image: str) -> tuple[Path, Path]:
        """Paths of the picture and of the mask of a judged image."""
        folder = self.folder / "evaluated" / split
        name = safe_name(image)
        return folder / f"{name}.png", folder / f"{name}.mask.png"


def load_runs(runs: Path) -> StudyRuns:
    """Find the runs below a folder that ``rareseg run`` wrote; tables are read when they are asked for.

    They leave out the images that ``scoring`` in ``study.yaml`` names.

    Raises:
        ArtefactError: There is no such folder, no ``data.json``, or no finished run in it.
        OptionError: ``scoring`` leaves out what was never judged, or everything.
    """
    folder = Path(runs)
    if not folder.is_dir():
        raise ArtefactError(
            f"'{folder}' should be a folder of runs, but is none; make it: rareseg run STUDY --out RUNS"
        )
    study = read_yaml(folder / "study.yaml") if (folder / "study.yaml").exists() else {}
    found = {(run.strategy, run.seed): run for run in _discover(folder)}
    if not found:
        raise ArtefactError(
            f"'{folder}' should hold runs as STRATEGY/seed-N, but holds none; make them: "
            f"rareseg run STUDY --out '{folder}'"
        )
    data = read_json(folder / "data.json", kind="data")
    planned = [(name, seed) for name in study.get("strategies", {}) for seed in study.get("seeds", ())]
    keys = [*planned, *sorted(key for key in found if key not in planned)]
    # Whatever the order in the file, others are compared with the strategy that is called baseline.
    order = sorted(dict.fromkeys(name for name, _ in keys), key=lambda name: name != "baseline")
    keys.sort(key=lambda key: (order.index(key[0]), key[1]))
    every = [found.get(key) or Run(*key, folder / key[0] / f"seed-{key[1]}", "absent") for key in keys]
    if not any(run.finished for run in every):
        failed = [run for run in every if run.state == "failed"]
        reason = f" ({failed[0].strategy}, seed {failed[0].seed}: {failed[0].message})" if failed else ""
        raise ArtefactError(
            f"'{folder}' should hold a finished run, but of {len(every)} runs {len(failed)} failed{reason} "
            f"and the rest are not done; go on with: rareseg run STUDY --out '{folder}'"
        )
    return _scored(StudyRuns(folder, data, study, tuple(every)))


def _scored(study: StudyRuns) -> StudyRuns:
    """The study without the images that its ``scoring`` leaves out."""
    scoring = study.study.get("scoring") or {}
    blank, names = bool(scoring.get("leave_out_blank")), scoring.get("leave_out") or ()
    if not blank and not names:
        return study
    tables = [run.counts for run in study.runs if run.finished]
    return study.without(find_left_out(tables, background=study.class_names[0], blank=blank, names=names))


def _discover(folder: Path) -> list[Run]:
    runs = []
    for place in sorted(folder.glob("*/seed-*")):
        number = place.name.removeprefix("seed-")
        if not place.is_dir() or not number.isdigit():
            continue
        state: State = "running"
        step, message = 0, ""
        if (place / "status.json").exists():
            status = read_json(place / "status.json", kind="status")
            state, step, message = (
                status["state"],
                int(status.get("step") or 0),
                str(status.get("message") or ""),
            )
        if state == "finished" and not (place / "counts.parquet").exists():
            state, message = "running", "trained, not yet judged"
        runs.append(Run(place.parent.name, int(number), place, state, step, message))
    return runs


def _read_log(path: Path) -> Mapping[str, NDArray[np.float64]]:
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = [*csv.reader(file)] or [[]]
    try:
        whole = [[float(cell) if cell else np.nan for cell in row] for row in rows if len(row) == len(header)]
    except ValueError as error:
        raise ConfigError(f"'{path}' should hold numbers, but {error}; mend or delete that line.") from None
    table = np.array(whole, np.float64).reshape(-1, len(header))
    return {name: table[:, column] for column, name in enumerate(header)}
