"""Finished runs, kept checkpoints and test-time augmentation as one segmenter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rareseg.artefacts import read_yaml
from rareseg.device import Precision
from rareseg.errors import ArtefactError
from rareseg.inference.join_segmenters import join_segmenters
from rareseg.inference.segmenter import Segmenter
from rareseg.study.load_run import load_run

__all__ = ["find_members", "find_runs", "find_seeds", "load_ensemble", "views_not_trained"]


def load_ensemble(
    folders: Sequence[Path],
    *,
    steps: Sequence[int] | None = None,
    tta: str = "none",
    device: str = "auto",
    precision: Precision | Literal["auto"] | None = None,
    whole_megapixels: float | None = None,
) -> Segmenter:
    """Load runs as one segmenter, see `join_segmenters`; a single run in a single view as `load_run` does.

    Args:
        folders: Runs, ``RUNS/<strategy>/seed-<n>``, or ``RUNS/<strategy>`` for all its seeds.
        steps: Kept checkpoints of every run, each a member; by default the last.
        tta: Test-time augmentation: ``none``, ``flips`` or ``turns``.
        device: Torch device.
        precision: As in `load_run`.
        whole_megapixels: As in `load_run`.

    Raises:
        ArtefactError: A folder is neither, or a run has no weights of such a step.
        UnknownNameError: There is no such test-time augmentation.
        OptionError: The runs do not fit together.

    Example:
        >>> find_seeds(Path("no/such/folder"))
        [PosixPath('no/such/folder')]
    """
    members = [
        load_run(run, device=device, precision=precision, step=step, whole_megapixels=whole_megapixels)
        for run, step in find_members(folders, steps=steps)
    ]
    return join_segmenters(members, tta=tta)


def find_members(
    folders: Sequence[Path], *, steps: Sequence[int] | None = None
) -> list[tuple[Path, int | None]]:
    """The folders of `find_runs` with each of the steps, or with none where the last is meant.

    Raises:
        ArtefactError: One is named twice.
    """
    chosen: Sequence[int | None] = [None] if steps is None else steps
    return [(run, step) for run in find_runs(folders) for step in chosen]


def find_runs(folders: Sequence[Path]) -> list[Path]:
    """Each folder itself, or the seeds that it holds.

    Raises:
        ArtefactError: One is named twice.
    """
    found: dict[Path, Path] = {}
    for run in (run for folder in folders for run in find_seeds(Path(folder))):
        if run.resolve() in found:
            raise ArtefactError(f"'{run}' is named twice, but a member counts once; leave one out.")
        found[run.resolve()] = run
    return list(found.values())


def find_seeds(folder: Path) -> list[Path]:
    """The runs of a strategy in the order of their seeds; the folder itself where it holds none."""
    numbers = [path.parent.name.removeprefix("seed-") for path in folder.glob("seed-*/config.yaml")]
    seeds = sorted(int(number) for number in numbers if number.isdecimal())
    return [folder / f"seed-{seed}" for seed in seeds] or [folder]


def views_not_trained(folders: Sequence[Path], tta: str) -> list[Path]:
    """Runs whose training never showed the views of a test-time augmentation, which may then do harm.

    Args:
        folders: As for `load_ensemble`.
        tta: ``none``, ``flips`` or ``turns``.
    """
    needed = {"none": (), "flips": ("flips",), "turns": ("flips", "quarter_turns")}[tta]
    found = []
    for run in find_runs(folders):
        if not (run / "config.yaml").exists():
            continue  # A bundle does not say how it was trained.
        augmentation = read_yaml(run / "config.yaml")["strategy"]["augmentation"] or {}
        if not all(augmentation.get(key, False) for key in needed):
            found.append(run)
    return found
