"""Make the score maps that a run lacks, with one pass of its network over the judged images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rareseg.artefacts import read_yaml
from rareseg.config.dataset import load_dataset_settings
from rareseg.config.load import parse_settings
from rareseg.config.study import StudySettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.errors import ArtefactError
from rareseg.study.load_run import load_run
from rareseg.study.progress import Progress
from rareseg.study.score_maps import ScoreMap, score_map_path, score_map_step, write_score_map
from rareseg.types import Region

__all__ = ["make_score_maps", "missing_score_maps"]


def missing_score_maps(run: Path, images: Sequence[tuple[str, str]], *, step: int) -> list[tuple[str, str]]:
    """Split and name of the images whose map is not there, or was made with weights of another step."""
    return [key for key in images if score_map_step(score_map_path(run, *key)) != step]


def make_score_maps(
    run: Path,
    images: Sequence[tuple[str, str]],
    *,
    step: int,
    root: Path | None = None,
    device: str = "auto",
    progress: Progress,
) -> None:
    """Run the network over images and keep what it says; maps that were written stay when this is cut off.

    Args:
        run: ``RUNS/<strategy>/seed-<n>``.
        images: Split and name of each.
        step: Which weights.
        root: Folder of the data instead of the one that the dataset names.
        device: Torch device.
        progress: Told how far things are.

    Raises:
        RaresegError: The dataset is not where the study found it, or is another one now.
    """
    study = parse_settings(StudySettings, read_yaml(run.parent.parent / "study.yaml"), where="study.yaml")
    dataset = load_dataset_settings(Path(study.dataset), root=root)
    source = open_dataset(dataset)
    parts = make_splits(source, study.split or dataset.split).parts
    regions = {(part.name, region.sample): region for part in parts for region in part.regions}
    model = load_run(run, device=device, step=step)
    names = tuple(model.class_table.names)
    with progress.task(f"{run.parent.name} {run.name}: scores of {len(images)} images") as update:
        for number, key in enumerate(images, start=1):
            region = _region_of(regions, key, study.dataset)
            found = model.judge.segment(source, region, num_classes=len(names))
            write_score_map(
                score_map_path(run, *key),
                ScoreMap(found.bins, found.likeliest),
                class_names=names,
                step=step,
            )
            update(number, len(images))


def _region_of(regions: dict[tuple[str, str], Region], key: tuple[str, str], dataset: str) -> Region:
    if key not in regions:
        raise ArtefactError(
            f"The run was judged on the {key[0]} image '{key[1]}', which '{dataset}' does not hold any more; bring the "
            "dataset back as it was, or run the study again."
        )
    return regions[key]
