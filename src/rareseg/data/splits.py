"""The parts of a dataset as types of their own, and the ways to divide it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rareseg.config.dataset import SplitSettings
from rareseg.data.class_pixels import count_class_pixels, map_in_threads, require_training_pixels
from rareseg.data.group_split import deal_groups
from rareseg.data.moved_groups import move_groups
from rareseg.data.sample_lists import read_sample_lists
from rareseg.data.source import Source
from rareseg.errors import SplitError
from rareseg.types import Region, Window

__all__ = ["Splits", "TestSplit", "TrainSplit", "ValSplit", "make_splits"]

PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class TrainSplit:
    """What weights, statistics, plans and class weights may see."""

    regions: tuple[Region, ...]
    name: ClassVar[str] = "train"


@dataclass(frozen=True)
class ValSplit:
    """What thresholds and the choice between strategies may see."""

    regions: tuple[Region, ...]
    name: ClassVar[str] = "val"


@dataclass(frozen=True)
class TestSplit:
    """What nothing but the final evaluation may see."""

    __test__: ClassVar[bool] = False  # pytest would take the name for a collection of tests
    regions: tuple[Region, ...]
    name: ClassVar[str] = "test"


@dataclass(frozen=True)
class Splits:
    """The parts of a dataset; no pixel lies in two of them."""

    train: TrainSplit
    val: ValSplit
    test: TestSplit | None = None

    @property
    def parts(self) -> tuple[TrainSplit | ValSplit | TestSplit, ...]:
        """The parts that there are, training first."""
        return (self.train, self.val) if self.test is None else (self.train, self.val, self.test)


def make_splits(
    source: Source,
    settings: SplitSettings,
    *,
    class_pixels: Mapping[str, NDArray[np.int64]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Splits:
    """Divide the samples of a source into training, validation and test parts.

    Args:
        source: The dataset.
        settings: How to divide it.
        class_pixels: Pixels of each class by sample, ``(k,)`` or longer, where they are known already. The
            kinds group and kfold need them and read all masks otherwise.
        progress: Called with (masks read, masks) where masks are read.

    Raises:
        SplitError: A part is empty, a group lies in two parts, a class has no training image, or a list names
            an unknown sample or one twice.
        ConfigError: A table or list is missing or lacks a column.
        UnknownNameError: ``move`` names an unknown group.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from rareseg.config.dataset import load_dataset_settings
        >>> from rareseg.data.foil_dataset import write_foil_dataset
        >>> from rareseg.data.open_dataset import open_dataset
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = write_foil_dataset(Path(folder), num_images=1, size=(100, 64))
        ...     splits = make_splits(open_dataset(load_dataset_settings(path)), SplitSettings(kind="region"))
        >>> splits.val.regions[0].window, splits.train.regions[0].window
        (Window(row=0, col=0, height=33, width=64), Window(row=33, col=0, height=67, width=64))
    """
    if settings.kind == "region":
        return _by_region(source, settings)
    if settings.kind == "column":
        part_of: Mapping[str, str] = move_groups(source, source.column(settings.column), settings.move)
        _check_groups(source, part_of)
        return _join(source, part_of, where=f"the column '{settings.column}'")
    if settings.kind == "lists":
        part_of = move_groups(source, read_sample_lists(source, settings), settings.move)
        _check_groups(source, part_of)
        return _join(source, part_of, where="the lists")
    pixels = _pixels_of(source, class_pixels, progress)
    deal = _by_fold if settings.kind == "kfold" else _by_group
    part_of = move_groups(source, deal(source, settings, pixels), settings.move)
    splits = _join(source, part_of, where=f"{len({source.group(name) for name in source.sample_ids})} groups")
    trained = sum(
        row for name, row in zip(source.sample_ids, pixels, strict=True) if part_of[name] == "train"
    )
    require_training_pixels(
        trained,
        source.class_table.names,
        cure="choose another seed or fold, add images of it, or take it off `classes`",
    )
    return splits


def _by_region(source: Source, settings: SplitSettings) -> Splits:
    """Cut every image: its first part validates, the rest trains."""
    train, val = [], []
    for name in source.sample_ids:
        height, width = source.size(name)
        length = height if settings.axis == "rows" else width
        if length < 2:
            raise SplitError(
                f"The image of '{name}' has {length} {settings.axis}, too few to cut; exclude it."
            )
        cut = min(max(round(length * settings.val_share), 1), length - 1)
        if settings.axis == "rows":
            first, rest = Window(0, 0, cut, width), Window(cut, 0, height - cut, width)
        else:
            first, rest = Window(0, 0, height, cut), Window(0, cut, height, width - cut)
        val.append(Region(name, first))
        train.append(Region(name, rest))
    return Splits(TrainSplit(tuple(train)), ValSplit(tuple(val)))


def _by_group(source: Source, settings: SplitSettings, pixels: NDArray[np.int64]) -> dict[str, str]:
    groups = [source.group(name) for name in source.sample_ids]
    dealt = deal_groups(pixels, groups, settings.fractions, seed=settings.seed)
    return {name: PARTS[number] for name, number in zip(source.sample_ids, dealt, strict=True)}


def _by_fold(source: Source, settings: SplitSettings, pixels: NDArray[np.int64]) -> dict[str, str]:
    groups = [source.group(name) for name in source.sample_ids]
    dealt = deal_groups(pixels, groups, [1 / settings.folds] * settings.folds, seed=settings.seed)
    parts = {settings.fold: "test", (settings.fold + 1) % settings.folds: "val"}
    return {name: parts.get(number, "train") for name, number in zip(source.sample_ids, dealt, strict=True)}


def _pixels_of(
    source: Source,
    known: Mapping[str, NDArray[np.int64]] | None,
    progress: Callable[[int, int], None] | None,
) -> NDArray[np.int64]:
    """``(n, k)`` pixels of each class in each sample."""
    num_classes = source.class_table.num_classes
    if known is not None:
        return np.array([known[name][:num_classes] for name in source.sample_ids], np.int64)
    rows = []
    counted = map_in_threads(
        lambda name: count_class_pixels(source.read_mask(name), num_classes), source.sample_ids
    )
    for number, row in enumerate(counted, start=1):
        rows.append(row[:num_classes])
        if progress is not None:
            progress(number, len(source.sample_ids))
    return np.array(rows, np.int64)


def _join(source: Source, part_of: Mapping[str, str], *, where: str) -> Splits:
    """Whole samples as regions of their parts."""
    regions: dict[str, list[Region]] = {part: [] for part in PARTS}
    for name in source.sample_ids:
        if part_of.get(name) in regions:
            regions[part_of[name]].append(Region(name, Window(0, 0, *source.size(name))))
    for part in ("train", "val"):
        if not regions[part]:
            raise SplitError(
                f"The part '{part}' is empty: {where} give{'' if where.endswith('s') else 's'} "
                f"{_numbers(source.sample_ids, part_of)}. At least one sample must be in train and in val."
            )
    test = TestSplit(tuple(regions["test"])) if regions["test"] else None
    return Splits(TrainSplit(tuple(regions["train"])), ValSplit(tuple(regions["val"])), test)


def _numbers(names: Iterable[str], part_of: Mapping[str, str]) -> str:
    found: dict[str, int] = {}
    for name in names:
        part = part_of.get(name, "no part") or "no part"
        found[part] = found.get(part, 0) + 1
    return ", ".join(f"{number} samples to {part}" for part, number in sorted(found.items())) or "no samples"


def _check_groups(source: Source, part_of: Mapping[str, str]) -> None:
    """Refuse a group with samples in two parts."""
    first: dict[str, str] = {}
    for name in source.sample_ids:
        part = part_of.get(name)
        if part not in PARTS:
            continue
        other = first.setdefault(source.group(name), name)
        if part_of[other] != part:
            raise SplitError(
                f"The group '{source.group(name)}' lies in two parts: '{other}' is in {part_of[other]}, "
                f"'{name}' in {part}. Move one of them, so that no object is both learnt from and judged on."
            )
