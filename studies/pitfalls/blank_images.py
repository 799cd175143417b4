"""Images or tiles without the class are left out of scoring, though the line will show mostly such ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pitfall import Pitfall, Place
from spread import Number, Table, spread
from trained_runs import CRACKS, FOILS

import rareseg

__all__ = ["PITFALL", "precision_at", "tile_counts"]

TILE = 80
SHARES = {"none": 0.0, "half": 0.5, "7 in 10": 0.7, "97 in 100": 0.97}


def measure(place: Place) -> dict[str, Table]:
    """Precision by the share of blanks, for whole foils and for tiles of road photographs."""
    tables: dict[str, Table] = {"magnetic_tile": _share_of_blanks(place.data)}
    for study in (FOILS, CRACKS):
        rows: dict[str, dict[str, Number]] = {}
        for strategy in ("baseline", "wce_iscf", "wce_icf"):
            runs = study.counts(place, strategy) if study is FOILS else _tiles(place, strategy)
            blank = runs[0][:, 0] + runs[0][:, 2] == 0
            rows[strategy] = {"blank, as tested": float(blank.mean())}
            rows[strategy]["precision, as tested"] = spread(
                float(rareseg.rates(*counts.sum(axis=0)).precision) for counts in runs
            )
            for name, share in SHARES.items():
                rows[strategy][f"{name} blank"] = spread(precision_at(counts, share) for counts in runs)
        tables[study.name] = rows
    return tables


def precision_at(counts: NDArray[np.int64], share: float) -> float:
    """Pooled precision if this share of the images were blank; each kind keeps its mean counts per image.

    Args:
        counts: ``(images, 4)``: tp, fp, fn, tn.
        share: Share of images without the class, 0 to 1.
    """
    blank = counts[:, 0] + counts[:, 2] == 0
    filled = counts[~blank].mean(axis=0) * (1 - share)
    tp, fp, fn, tn = filled + counts[blank].mean(axis=0) * share
    return float(rareseg.rates(tp, fp, fn, tn).precision)


def tile_counts(target: NDArray[np.uint8], predicted: NDArray[np.uint8], size: int) -> NDArray[np.int64]:
    """Counts ``(tiles, 4)`` of class 1 in the whole tiles that fit into an image."""
    rows, cols = (length // size for length in target.shape)
    return np.stack(
        [
            rareseg.confusion_counts(target[place], predicted[place], 2)[1]
            for row in range(rows)
            for col in range(cols)
            for place in [np.s_[row * size : (row + 1) * size, col * size : (col + 1) * size]]
        ]
    )


def _share_of_blanks(data: Path) -> Table:
    """Images of magnetic tiles, and how many show no defect."""
    committed = Path(__file__).resolve().parents[1] / "magnetic_tile"
    source = rareseg.open_dataset(rareseg.load_dataset(committed, root=data / "magnetic_tile"))
    background = source.column("px_0")
    blank = sum(int(background[name]) == np.prod(source.size(name)) for name in source.sample_ids)
    images = len(source.sample_ids)
    return {"magnetic tiles": {"images": images, "without a defect": int(blank), "share": blank / images}}


def _tiles(place: Place, strategy: str) -> list[NDArray[np.int64]]:
    """Counts of every tile of the test images, one array a seed."""
    runs = CRACKS.train(place)
    source = rareseg.open_dataset(rareseg.load_dataset(runs.parent))
    masks: dict[str, NDArray[np.uint8]] = {}
    found = []
    for seed in CRACKS.seeds:
        tiles = []
        for path in sorted(Path(runs / strategy / f"seed-{seed}" / "predictions" / "test").glob("*.png")):
            if path.stem not in masks:
                masks[path.stem] = source.read_mask(path.stem)
            tiles.append(tile_counts(masks[path.stem], np.asarray(Image.open(path)), TILE))
        found.append(np.concatenate(tiles))
    return found


PITFALL = Pitfall("blank_images", ["magnetic_tile", "crackforest"], trains=True, measure=measure)

if __name__ == "__main__":
    PITFALL.main()
