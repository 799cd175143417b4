"""Pictures of the spots that tell most: where strategies disagree, and where rare classes are missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.errors import ArtefactError
from rareseg.metrics.counts import confusion_counts
from rareseg.report.load_runs import Run, StudyRuns
from rareseg.report.overlays import class_overlay, data_uri, error_overlay
from rareseg.report.spots import Spot, choose_spots, crop_around
from rareseg.types import IGNORE_INDEX, Window

__all__ = ["OtherLabels", "Panel", "StrategyView", "make_panels"]


@dataclass(frozen=True)
class StrategyView:
    """One strategy's part of a panel: pictures as data URIs of transparent PNG, and counts in the window."""

    strategy: str
    seed: int
    prediction: str
    errors: str
    counts: Mapping[str, tuple[int, int, int]]
    """Of each class that occurs or is predicted: pixels hit, false, missed."""


@dataclass(frozen=True)
class OtherLabels:
    """Other labels of a panel: pictures as data URIs of transparent PNG.

    Args:
        picture: These labels.
        differences: The own labels as errors by these.
        support: Pixels of each rare class in the window.
    """

    picture: str
    differences: str
    support: Mapping[str, int]


@dataclass(frozen=True)
class Panel:
    """One spot of one image: input, annotation, and what each strategy made of it.

    Args:
        title: Why the spot is shown.
        image: Sample id.
        split: Split that it was judged in.
        window: Pixels shown, in the judged image.
        picture: Input as a data URI.
        annotation: Annotation as a data URI of a transparent PNG.
        support: Annotated pixels of each rare class in the window.
        ignored: Pixels in the window that do not count.
        views: One per strategy.
        others: Other labels of the same pixels, by name, as far as pictures of them are there.
    """

    title: str
    image: str
    split: str
    window: Window
    picture: str
    annotation: str
    support: Mapping[str, int]
    ignored: int
    views: tuple[StrategyView, ...]
    others: Mapping[str, OtherLabels]


def make_panels(
    study: StudyRuns, *, split: str, most_missed: int = 4, most_disputed: int = 3
) -> tuple[Panel, ...]:
    """Choose spots by the counts and cut them out of pictures, masks and predictions on disk.

    Each strategy is shown with the lowest seed that all of them finished (else with its own lowest). Images
    without a preview or a prediction are passed over, so runs without pictures give no panels.

    Args:
        study: The runs.
        split: Split whose images are shown.
        most_missed: Most panels for missed rare classes, one a class.
        most_disputed: Most panels for images on which strategies differ, one an image.

    Raises:
        ArtefactError: A picture is damaged or does not fit its mask.
    """
    runs = _shown_runs(study)
    panels: list[Panel] = []
    taken: set[tuple[str, str]] = set()
    windows: list[tuple[str, Window]] = []
    left = {"missed": most_missed, "disputed": most_disputed}
    for spot in choose_spots(study, runs, split=split):
        key = (spot.kind, spot.image if spot.kind == "disputed" else spot.class_name)
        if key in taken or not left[spot.kind] or not _has_pictures(study, runs, spot.image, split):
            continue
        maps = _read_maps(study, runs, spot.image, split)
        window = crop_around(spot, maps.mask, maps.predictions, study.class_names)
        if window is None or any(image == spot.image and _overlap(window, other) for image, other in windows):
            continue
        taken.add(key)
        windows.append((spot.image, window))
        left[spot.kind] -= 1
        panels.append(_panel(study, runs, spot, maps, window, split))
    return tuple(panels)


def _shown_runs(study: StudyRuns) -> tuple[Run, ...]:
    """The run of each strategy whose predictions are shown."""
    seeds = [{run.seed for run in study.finished(name)} for name in study.strategies]
    shared = set.intersection(*seeds)
    return tuple(
        next(run for run in study.finished(name) if not shared or run.seed == min(shared))
        for name in study.strategies
    )


@dataclass(frozen=True)
class _Maps:
    picture: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    predictions: tuple[NDArray[np.uint8], ...]
    others: Mapping[str, NDArray[np.uint8]]


def _has_pictures(study: StudyRuns, runs: Sequence[Run], image: str, split: str) -> bool:
    paths = [*study.preview(split, image), *(run.prediction(split, image) for run in runs)]
    return all(path.exists() for path in paths)


def _read_maps(study: StudyRuns, runs: Sequence[Run], image: str, split: str) -> _Maps:
    picture_path, mask_path = study.preview(split, image)
    picture, mask = _read_picture(picture_path), _read_picture(mask_path)
    paths = [run.prediction(split, image) for run in runs]
    other_paths = {labels: study.label_picture(labels, split, image) for labels in study.other_labels}
    others = {labels: path for labels, path in other_paths.items() if path.exists()}
    read = {path: _read_picture(path) for path in (*paths, *others.values())}
    for path, pixels in ((picture_path, picture), *read.items()):
        if pixels.shape[:2] != mask.shape:
            raise ArtefactError(
                f"'{path}' should have the size {mask.shape} of its mask, but has {pixels.shape[:2]}; "
                "evaluate the run again."
            )
    return _Maps(
        picture,
        mask,
        tuple(read[path] for path in paths),
        {labels: read[path] for labels, path in others.items()},
    )


def _read_picture(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # our own artefact, of any size
    try:
        with Image.open(path) as file:
            return np.asarray(file)
    except (OSError, SyntaxError) as error:
        raise ArtefactError(
            f"'{path}' cannot be read as a picture ({error}); evaluate the run again."
        ) from None
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _panel(
    study: StudyRuns, runs: Sequence[Run], spot: Spot, maps: _Maps, window: Window, split: str
) -> Panel:
    target = maps.mask[window.slices]
    majority = study.class_names.index(study.majority)
    views = []
    for run, prediction in zip(runs, maps.predictions, strict=True):
        shown = prediction[window.slices]
        views.append(
            StrategyView(
                strategy=run.strategy,
                seed=run.seed,
                prediction=class_overlay(shown, study, majority),
                errors=error_overlay(target, shown, majority),
                counts=_counts(target, shown, study.class_names, majority),
            )
        )
    return Panel(
        title=spot.title,
        image=spot.image,
        split=split,
        window=window,
        picture=data_uri(maps.picture[window.slices]),
        annotation=class_overlay(target, study, majority),
        support=_support(target, study, majority),
        ignored=int((target == IGNORE_INDEX).sum()),
        views=tuple(views),
        others={
            labels: _other_labels(study, target, pixels[window.slices], majority)
            for labels, pixels in maps.others.items()
        },
    )


def _other_labels(
    study: StudyRuns, own: NDArray[np.uint8], other: NDArray[np.uint8], majority: int
) -> OtherLabels:
    ignored = (own == IGNORE_INDEX) | (other == IGNORE_INDEX)
    compared = np.where(ignored, np.uint8(IGNORE_INDEX), other)
    return OtherLabels(
        picture=class_overlay(other, study, majority),
        differences=error_overlay(compared, own, majority),
        support=_support(other, study, majority),
    )


def _support(labels: NDArray[np.uint8], study: StudyRuns, majority: int) -> dict[str, int]:
    """Pixels of each rare class that is there."""
    found = {
        name: int((labels == index).sum())
        for index, name in enumerate(study.class_names)
        if index != majority
    }
    return {name: pixels for name, pixels in found.items() if pixels}


def _counts(
    target: NDArray[np.uint8], prediction: NDArray[np.uint8], names: Sequence[str], majority: int
) -> dict[str, tuple[int, int, int]]:
    table = confusion_counts(target, prediction, len(names))[:, :3].tolist()
    return {
        name: (tp, fp, fn)
        for index, (name, (tp, fp, fn)) in enumerate(zip(names, table, strict=True))
        if index != majority and tp + fp + fn
    }


def _overlap(a: Window, b: Window) -> bool:
    """Whether two windows share more than a third of the smaller one."""
    rows = min(a.row + a.height, b.row + b.height) - max(a.row, b.row)
    cols = min(a.col + a.width, b.col + b.width) - max(a.col, b.col)
    return rows > 0 and cols > 0 and rows * cols > min(a.area, b.area) / 3
