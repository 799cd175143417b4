"""Score maps: what a run's network said of every pixel of the judged images, so that decisions need no inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.artefacts import atomic_path, read_parquet
from rareseg.errors import ArtefactError
from rareseg.study.previews import safe_name

__all__ = ["ScoreMap", "read_score_map", "score_map_path", "score_map_step", "write_score_map"]


@dataclass(frozen=True)
class ScoreMap:
    """Scores of one image.

    Attributes:
        bins: ``(k, h, w)`` bins of each class's score, see `score_bins`; before any temperature and whatever a gate
            says.
        likeliest: ``(h, w)`` class of the largest logit.
    """

    bins: NDArray[np.uint8]
    likeliest: NDArray[np.uint8]


def score_map_path(run: Path, split: str, image: str) -> Path:
    """Where the score map of a judged image lies in a run's folder."""
    return run / "score_maps" / split / f"{safe_name(image)}.parquet"


def write_score_map(path: Path, scores: ScoreMap, *, class_names: Sequence[str], step: int) -> None:
    """Write a map: a row for each pixel, row by row; height, width and step stand in the file's metadata.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.parquet"
        ...     bins = np.array([[[200, 90]], [[55, 165]]], np.uint8)
        ...     write_score_map(path, ScoreMap(bins, bins.argmax(axis=0).astype(np.uint8)),
        ...                     class_names=["background", "crack"], step=7)
        ...     read_score_map(path, class_names=["background", "crack"]).bins.tolist(), score_map_step(path)
        ([[[200, 90]], [[55, 165]]], 7)
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    height, width = scores.likeliest.shape
    columns = {"likeliest": scores.likeliest.reshape(-1)}
    columns |= {
        f"class {name}": score.reshape(-1) for name, score in zip(class_names, scores.bins, strict=True)
    }
    stamp = {"artefact": "score_map/1", "height": str(height), "width": str(width), "step": str(step)}
    with atomic_path(path) as temporary:
        table = pa.table(columns).replace_schema_metadata(stamp)
        pq.write_table(table, temporary, compression="zstd", use_dictionary=False)


def read_score_map(path: Path, *, class_names: Sequence[str]) -> ScoreMap:
    """Read a map that `write_score_map` wrote.

    Raises:
        ArtefactError: The file is missing or damaged, or holds other classes.
    """
    table = read_parquet(path)
    stamp = table.schema.metadata or {}
    names = ["likeliest", *(f"class {name}" for name in class_names)]
    size = (int(stamp.get(b"height", 0)), int(stamp.get(b"width", 0)))
    if table.column_names != names or size[0] * size[1] != table.num_rows:
        raise ArtefactError(
            f"'{path}' should hold the scores of {', '.join(class_names)} for each of {size[0]} x {size[1]} pixels, "
            f"but holds {', '.join(table.column_names)} for {table.num_rows}; delete it and tune again."
        )
    likeliest, *bins = (np.array(table.column(name).to_numpy(), np.uint8).reshape(size) for name in names)
    return ScoreMap(np.stack(bins), likeliest)


def score_map_step(path: Path) -> int | None:
    """Step of the weights that a map was made with; None where there is no such file, or a damaged one."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return int((pq.read_schema(path).metadata or {})[b"step"])
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None
