"""The stored scores of one part of the judged images, with what is true there: all that a decision is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import read_json
from rareseg.data.image_file import read_mask_file
from rareseg.errors import ArtefactError
from rareseg.metrics.counts_table import CountsTable
from rareseg.study.previews import safe_name
from rareseg.study.score_maps import ScoreMap, read_score_map, score_map_path

__all__ = ["StoredScores", "TestScores", "ValScores"]


@dataclass(frozen=True)
class StoredScores:
    """Score maps of a run on one part.

    Attributes:
        run: ``RUNS/<strategy>/seed-<n>``.
        class_names: The background first.
        images: Names of the judged images and the group of each.
        gate: Score of each image by the run's image gate; empty without one.
    """

    run: Path
    class_names: tuple[str, ...]
    images: dict[str, str]
    gate: dict[str, float] = field(default_factory=dict)
    name: ClassVar[str]

    @classmethod
    def of(
        cls, run: Path, counts: CountsTable, *, left_out: frozenset[tuple[str, str]] = frozenset()
    ) -> StoredScores:
        """The part of a run's judged images that this class stands for.

        Args:
            run: The run's folder.
            counts: ``counts.parquet`` of the run.
            left_out: Split and name of images that do not count.
        """
        table = counts.select(step=counts.last_step(), split=cls.name)
        pairs = dict(zip(table["image"].tolist(), table["group"].tolist(), strict=True))
        images = {image: group for image, group in pairs.items() if (cls.name, image) not in left_out}
        scores: dict[str, float] = {}
        if (run / "gate.json").exists():
            rows = read_json(run / "gate.json", kind="gate")["images"]
            scores = {row["image"]: row["score"] for row in rows if row["split"] == cls.name}
        return cls(run, counts.class_names, images, scores)

    def gate_scores(self) -> NDArray[np.float64] | None:
        """``(n,)`` in the order of the images; None without a gate."""
        return np.array([self.gate[image] for image in self.images]) if self.gate else None

    def read(self) -> Iterator[tuple[str, ScoreMap, NDArray[np.uint8]]]:
        """Name, scores and what is true ``(h, w)`` of one image after the other.

        Raises:
            ArtefactError: A map or mask is missing or damaged, or they differ in size.
        """
        for image in self.images:
            found = read_score_map(score_map_path(self.run, self.name, image), class_names=self.class_names)
            path = self.run.parent.parent / "evaluated" / self.name / f"{safe_name(image)}.mask.png"
            if not path.exists():
                raise ArtefactError(
                    f"'{path}' does not exist; start `rareseg run` again, which writes it and keeps finished runs."
                )
            target = np.asarray(read_mask_file(path), np.uint8)
            if target.shape != found.likeliest.shape:
                raise ArtefactError(
                    f"The scores of '{image}' are of {found.likeliest.shape} pixels and its mask '{path}' of "
                    f"{target.shape}; delete '{self.run / 'score_maps'}' and tune again."
                )
            yield image, found, target


@dataclass(frozen=True)
class ValScores(StoredScores):
    """What decisions are chosen on."""

    name: ClassVar[str] = "val"


@dataclass(frozen=True)
class TestScores(StoredScores):
    """What decisions are judged on and never chosen on."""

    __test__: ClassVar[bool] = False  # pytest would take the name for a collection of tests
    name: ClassVar[str] = "test"
