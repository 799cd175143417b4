"""Run a study: every strategy with every seed at one budget, resumable, one failure not stopping the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rareseg.artefacts import read_yaml, write_json, write_yaml
from rareseg.config.dataset import DatasetSettings, load_dataset_settings
from rareseg.config.load import parse_settings
from rareseg.config.study import ScoringSettings, StudySettings
from rareseg.data.check import check_dataset
from rareseg.data.image_reading import ImageReading
from rareseg.data.normalise import given_ranges
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.data.store import open_store
from rareseg.device import resolve_device
from rareseg.errors import ArtefactError, BusyError, OptionError, TrainingError, UnknownNameError
from rareseg.inspection.band_statistics import band_statistics
from rareseg.sampling.class_locations import ClassLocations
from rareseg.strategies.asks_by_class import asks_by_class
from rareseg.strategies.strategy import Strategy
from rareseg.study.data_summary import summarise_data
from rareseg.study.judge_labels import judge_labels
from rareseg.study.previews import write_previews
from rareseg.study.progress import Progress
from rareseg.study.run_context import RunContext
from rareseg.study.run_folder import RunFolder
from rareseg.study.run_one import run_one
from rareseg.training.lay_out import TrainingData

__all__ = ["StudyOutcome", "run_study"]


@dataclass
class StudyOutcome:
    """What became of each run."""

    runs: Path
    finished: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    """Another process was at work on them."""
    failed: dict[str, str] = field(default_factory=dict)


def run_study(
    settings: StudySettings,
    out: Path,
    *,
    root: Path | None = None,
    only: Sequence[str] = (),
    seeds: Sequence[int] = (),
    device: str = "auto",
    num_workers: int = 0,
    progress: Progress | None = None,
    stop_requested: Callable[[], bool] = lambda: False,
) -> StudyOutcome:
    """Train and judge every strategy and seed of a study; finished runs are kept, broken-off ones continued.

    Seeds are the outer loop, so that a study broken off early still compares all strategies. Several processes may
    work on one study, each on a device of its own: what one has begun, the others leave to it.

    Args:
        settings: The study, from `load_study_settings`.
        out: Folder of the runs.
        root: Folder of the data instead of the one that the dataset names.
        only: Names of strategies to run; none for all.
        seeds: Seeds to run; none for all.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        num_workers: Processes that fetch patches.
        progress: Told how far things are.
        stop_requested: Asked after each step; True saves and raises `Interrupted`.

    Raises:
        RaresegError: Anything that is wrong before training starts.
        Interrupted: A stop was requested; running again continues.

    Example:
        >>> import tempfile
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     data = write_foil_dataset(Path(folder) / "data", num_images=4, size=(96, 96))
        ...     settings = StudySettings(
        ...         name="first",
        ...         dataset=str(data),
        ...         seeds=[0],
        ...         budget={"steps": 2, "batch_size": 2, "patch_size": 32},
        ...         base={"model": {"name": "unet", "base_channels": 4, "depth": 2}},
        ...         strategies={"baseline": {}, "focal": {"loss": "focal"}},
        ...     )
        ...     run_study(settings, Path(folder) / "runs", device="cpu").finished
        ['baseline seed 0', 'focal seed 0']
    """
    progress = progress or Progress()
    chosen = _choose(settings, only)
    device = resolve_device(device)
    dataset = load_dataset_settings(Path(settings.dataset), root=root)
    context = _prepare(
        settings, dataset, Path(out), device=device, num_workers=num_workers, progress=progress
    )
    _check_thresholds(settings, context.training.class_names)
    strategies = [Strategy.from_recipe(name, settings.recipe(name)) for name in chosen]
    _check(context, strategies)
    outcome = StudyOutcome(Path(out))
    todo = [(seed, strategy) for seed in seeds or settings.seeds for strategy in strategies]
    for number, (seed, strategy) in enumerate(todo, start=1):
        started = time.monotonic()
        label = f"{strategy.name} seed {seed}"
        folder = RunFolder.of(Path(out), strategy.name, seed)
        try:
            if not run_one(context, strategy, folder, seed=seed, stop_requested=stop_requested):
                outcome.skipped.append(label)
                continue
        except BusyError:
            outcome.elsewhere.append(label)
            progress.note(f"{label} is left to another process, which is at work on it")
            continue
        except TrainingError as error:
            outcome.failed[label] = str(error)
            progress.note(f"[red]{label} failed[/red]: {error}")
            continue
        outcome.finished.append(label)
        minutes, seconds = divmod(round(time.monotonic() - started), 60)
        progress.note(f"run {number} of {len(todo)} done: {label}, {minutes} min {seconds} s")
    return outcome


def _check(context: RunContext, strategies: Sequence[Strategy]) -> None:
    """Build all strategies; what there is to say of several is said once."""
    concerned: dict[str, list[str]] = {}
    for strategy in strategies:
        for note in context.check(strategy):
            concerned.setdefault(note, []).append(strategy.name)
    for note, names in concerned.items():
        context.progress.note(f"{', '.join(names)}: {note}")


def _choose(settings: StudySettings, only: Sequence[str]) -> list[str]:
    for name in only:
        if name not in settings.strategies:
            raise UnknownNameError("strategy", name, settings.strategies)
    return [name for name in settings.strategies if not only or name in only]


def _check_thresholds(settings: StudySettings, class_names: tuple[str, ...]) -> None:
    """Refuse thresholds that no strategy of the study could be scanned at."""
    given = settings.scoring.thresholds
    if not given or given == ScoringSettings().thresholds:
        return
    if not any(asks_by_class(settings.recipe(name).head, class_names) for name in settings.strategies):
        raise OptionError(
            f"scoring.thresholds is for heads of sigmoids or two classes, but there are {len(class_names)} classes and "
            "softmax heads only; leave it out, or give a strategy the head 'sigmoid' or 'one_vs_rest'."
        )


def _prepare(
    settings: StudySettings,
    dataset: DatasetSettings,
    out: Path,
    *,
    device: str,
    num_workers: int,
    progress: Progress,
) -> RunContext:
    """Everything that all runs of a study share; all mistakes in the data show here."""
    _claim_folder(settings, out)
    source = open_dataset(dataset)
    ranges = given_ranges(dataset, source)
    splits = make_splits(source, settings.split or dataset.split)
    if "test" in settings.evaluate and splits.test is None and settings.evaluate == ("test",):
        raise OptionError(
            "evaluate names 'test' only, but the split has no test part; add 'val' or another split."
        )
    judged_samples = [
        r.sample for part in (splits.val, splits.test) if part is not None for r in part.regions
    ]
    for sample in settings.scoring.leave_out:
        if sample not in judged_samples:
            raise UnknownNameError("judged sample to leave out of scoring", sample, judged_samples)
    with progress.task("checking files") as update:
        pixels = check_dataset(source, splits, progress=update)
    write_json(out / "data.json", summarise_data(dataset, source, splits, pixels), kind="data")
    judged = [
        part for part in (splits.val, splits.test) if part is not None and part.name in settings.evaluate
    ]
    for part in judged:
        with progress.task(f"pictures of {part.name}") as update:
            write_previews(source, part, out / "evaluated" / part.name, progress=update)
    if source.other_labels:
        with progress.task("own labels by other ones") as update:
            judge_labels(source, judged, out / "evaluated" / "against", progress=update)
    with progress.task("indexing classes") as update:
        locations = ClassLocations.build(source, splits.train, progress=update)
    mean, std = ranges or band_statistics(source, splits.train)
    store = open_store(source, splits.train.regions, cache=out / ".cache")
    return RunContext(
        settings=settings,
        source=source,
        splits=splits,
        judged=tuple(judged),
        training=TrainingData(store, locations, tuple(source.class_table.names)),
        mean=tuple(float(x) for x in mean),
        std=tuple(float(x) for x in std),
        reading=ImageReading.from_settings(dataset),
        pixels=pixels,
        device=device,
        num_workers=num_workers,
        progress=progress,
    )


def _claim_folder(settings: StudySettings, out: Path) -> None:
    """Note the study in the folder; a folder of another study is refused."""
    path = out / "study.yaml"
    resolved = settings.model_dump(mode="json")
    if path.exists():
        found = parse_settings(StudySettings, read_yaml(path), where=str(path))
        if found.name != settings.name:
            raise ArtefactError(
                f"'{out}' holds the study '{found.name}', not '{settings.name}'; give another --out folder."
            )
    write_yaml(path, resolved)
