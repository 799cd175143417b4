"""A RUNS folder made by code: no training, but every artefact that a study leaves."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image
from scipy import ndimage

from rareseg.metrics.counts import confusion_counts
from rareseg.metrics.regions import region_counts

CLASSES = ("background", "agglomeration", "crack", "cavity")
COLORS = ("#e8e8e4", "#d55e00", "#0072b2", "#cc79a7")
STEPS = (800, 1000)
RECIPES: dict[str, dict[str, Any]] = {
    "baseline": {"loss": [{"name": "cross_entropy"}], "note": "Plain cross-entropy on uniform patches."},
    "focal_iscf": {"loss": [{"name": "focal", "gamma": 2.0, "weight": "iscf"}]},
    "oversampled_cavity": {"sampling": {"name": "oversample", "class": "cavity", "share": 0.33}},
    "wce_icf": {"loss": [{"name": "cross_entropy", "weight": "icf"}]},
}
# How each strategy errs: chance to find a region, pixels of growth, false blobs per image.
HABITS = {
    "baseline": (0.55, 0, 0.4),
    "focal_iscf": (0.88, 0, 0.8),
    "oversampled_cavity": (0.75, 0, 1.2),
    "wce_icf": (0.95, 2, 3.0),
}


@dataclass(frozen=True)
class Recipe:
    """What the folder should hold."""

    strategies: tuple[str, ...] = ("baseline", "focal_iscf", "oversampled_cavity", "wce_icf")
    seeds: tuple[int, ...] = (0, 1, 2)
    splits: tuple[str, ...] = ("val", "test")
    num_images: int = 8
    size: tuple[int, int] = (140, 200)
    failed: tuple[tuple[str, int], ...] = (("wce_icf", 2),)
    running: tuple[tuple[str, int], ...] = ()
    pictures: bool = True
    steps: tuple[int, ...] = STEPS
    other_labels: tuple[str, ...] = ()
    blank: int = 0


def make_runs(folder: Path, recipe: Recipe | None = None) -> Path:
    """Fill ``folder`` as ``rareseg run`` would and return it."""
    recipe = recipe or Recipe()
    folder.mkdir(parents=True, exist_ok=True)
    truth = {split: _make_split(split, recipe) for split in ("train", *recipe.splits)}
    (folder / "data.json").write_text(json.dumps(_data_json(truth)))
    study = {
        "name": "battery foil, made by code",
        "dataset": "dataset.yaml",
        "seeds": list(recipe.seeds),
        "budget": {"steps": recipe.steps[-1], "batch_size": 8, "patch_size": [64, 64]},
        "strategies": {name: RECIPES[name] for name in recipe.strategies},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    if recipe.pictures:
        for split in recipe.splits:
            _write_previews(folder / "evaluated" / split, truth[split])
    for labels in recipe.other_labels:
        _write_own_labels(folder / "evaluated" / "against" / labels, truth, recipe)
    for strategy in recipe.strategies:
        for seed in recipe.seeds:
            _make_run(folder / strategy / f"seed-{seed}", strategy, seed, truth, recipe)
    return folder


def _make_split(split: str, recipe: Recipe) -> dict[str, tuple[np.ndarray, np.ndarray, str]]:
    """Sample id: (image, mask, group). The cavity of 'val' lies in one group only."""
    rng = np.random.default_rng([ord(letter) for letter in split])
    samples = {}
    height, width = recipe.size
    for number in range(recipe.num_images + recipe.blank):
        mask = np.zeros((height, width), np.uint8)
        blank = number >= recipe.num_images
        if number % 2 == 0 and not blank:
            _blob(mask, 1, rng, (10, 18))
        if number % 3 == 0 and not blank:
            row, col = rng.integers(20, height - 20), rng.integers(10, width // 2)
            for step in range(int(rng.integers(40, 90))):
                mask[row + int(3 * np.sin(step / 7)), col + step : col + step + 2] = 2
        if number % 4 == 1 and not blank and (split != "val" or number < 4):
            for _ in range(3):
                _blob(mask, 3, rng, (2, 4))
        texture = ndimage.gaussian_filter(rng.normal(size=(height, width)), 1.5) * 60 + 130
        image = texture + np.choose(mask, [0, 35, -45, -60]) + rng.normal(size=(height, width)) * 6
        mask[:2, :5] = 255
        samples[f"{split}_{number:02d}"] = (
            np.clip(image, 0, 255).astype(np.uint8),
            mask,
            f"foil-{split}-{number // 2}",
        )
    return samples


def _blob(mask: np.ndarray, value: int, rng: np.random.Generator, radii: tuple[int, int]) -> None:
    height, width = mask.shape
    row, col = rng.integers(25, height - 25), rng.integers(25, width - 25)
    rows, cols = np.ogrid[:height, :width]
    a, b = rng.uniform(*radii, size=2)
    mask[((rows - row) / a) ** 2 + ((cols - col) / b) ** 2 <= 1] = value


def _predict(mask: np.ndarray, strategy: str, seed: int, number: int) -> np.ndarray:
    find, grow, false = HABITS[strategy]
    rng = np.random.default_rng([seed, number, len(strategy)])
    out = np.zeros_like(mask)
    for value in range(1, len(CLASSES)):
        labels, count = ndimage.label(mask == value)
        for region in range(1, count + 1):
            if rng.random() > find:
                continue
            pixels = labels == region
            change = grow + int(rng.integers(-1, 2))
            if change > 0:
                pixels = ndimage.binary_dilation(pixels, iterations=change)
            elif change < 0 and pixels.sum() > 60:
                pixels = ndimage.binary_erosion(pixels, iterations=-change)
            out[pixels] = value
    for _ in range(rng.poisson(false)):
        _blob(out, int(rng.integers(1, len(CLASSES))), rng, (2, 5))
    return out


def exact(mask: np.ndarray, name: str) -> np.ndarray:
    """Other labels of a mask: what was drawn is a pixel too wide, and one cavity in some images was not seen."""
    out = mask.copy()
    for value in (1, 3):
        out[(mask == value) & ~ndimage.binary_erosion(mask == value)] = 0
    if int(name[-2:]) % 3 == 2:
        out[60:66, 40:46] = 3
    return out


def _write_own_labels(folder: Path, truth: dict[str, Any], recipe: Recipe) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = []
    for split in recipe.splits:
        (folder / split).mkdir(parents=True)
        for name, (_, mask, group) in truth[split].items():
            other = exact(mask, name)
            _save_indexed(folder / split / f"{name}.png", other)
            said = np.where(mask == 255, 0, mask)
            for label, counts in zip(CLASSES, confusion_counts(other, said, len(CLASSES)), strict=True):
                where = {"step": 0, "split": split, "image": name, "group": group, "class": label}
                rows.append({**where, **dict(zip(("tp", "fp", "fn", "tn"), counts.tolist(), strict=True))})
    pq.write_table(pa.Table.from_pylist(rows), folder / "counts.parquet")


def _write_previews(folder: Path, samples: dict[str, tuple[np.ndarray, np.ndarray, str]]) -> None:
    folder.mkdir(parents=True)
    for name, (image, mask, _) in samples.items():
        Image.fromarray(image).save(folder / f"{name}.png")
        _save_indexed(folder / f"{name}.mask.png", mask)


def _save_indexed(path: Path, mask: np.ndarray) -> None:
    picture = Image.fromarray(mask)
    colors = [int(color[at : at + 2], 16) for color in COLORS for at in (1, 3, 5)]
    picture.putpalette(colors + [0] * (768 - len(colors)))
    picture.save(path)


def _make_run(folder: Path, strategy: str, seed: int, truth: dict[str, Any], recipe: Recipe) -> None:
    folder.mkdir(parents=True)
    config = {
        "study": "battery foil, made by code",
        "strategy": {
            "name": strategy,
            "head": {"name": "softmax"},
            "sampling": {"name": "uniform"},
            "loss": [{"name": "cross_entropy"}],
            "model": {"name": "unet", "base_width": 8},
            **RECIPES[strategy],
        },
        "seed": seed,
        "budget": {"steps": recipe.steps[-1], "batch_size": 8, "patch_size": [64, 64]},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    failed = (strategy, seed) in recipe.failed
    running = (strategy, seed) in recipe.running
    steps = recipe.steps[-1]
    reached = 340 if failed or running else steps
    _write_log(folder / "log.csv", strategy, seed, reached)
    message = (
        "The loss became nan at step 341; its batch was train_03 (12, 40). Lower optimizer.lr."
        if failed
        else ""
    )
    state = "failed" if failed else "running" if running else "finished"
    _json(folder / "status.json", "status/1", state=state, step=reached, steps=steps, message=message)
    _json(folder / "provenance.json", "provenance/1", **_provenance())
    if failed or running:
        return
    _write_tables(folder, strategy, seed, truth, recipe)
    for labels in recipe.other_labels:
        (folder / "against" / labels).mkdir(parents=True)
        _write_tables(folder, strategy, seed, truth, recipe, labels=labels)
    shares = {"background": 0.97, "agglomeration": 0.02, "crack": 0.006, "cavity": 0.004}
    if strategy.startswith("oversampled"):
        shares = {"background": 0.93, "agglomeration": 0.02, "crack": 0.006, "cavity": 0.044}
    patches = steps * 8
    pixels = {name: round(share * patches * 64 * 64) for name, share in shares.items()}
    _json(
        folder / "exposure.json",
        "exposure/1",
        num_patches=patches,
        pixels=pixels,
        patches_with={name: round(patches * min(1, 12 * share)) for name, share in shares.items()},
        ignored_pixels=patches * 64 * 64 - sum(pixels.values()),
        images={name: patches // len(truth["train"]) for name in truth["train"]},
        planned={"pixels": shares, "patches_with": {"cavity": 0.33} if "cavity" in strategy else {}},
    )
    _json(
        folder / "cost.json",
        "cost/1",
        parameters=485_817,
        macs_per_patch=411_041_792,
        activation_bytes=18_874_368,
        train_seconds=61.5 + 3 * seed + 4 * len(strategy),
        steps=steps,
        patches=patches,
        megapixels=patches * 64 * 64 / 1e6,
        peak_memory_bytes=912_000_000,
        layers=[],
    )


def _write_tables(
    folder: Path, strategy: str, seed: int, truth: dict[str, Any], recipe: Recipe, labels: str | None = None
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    counts, regions, scores = [], [], []
    for split in recipe.splits:
        for number, (name, (_, mask, group)) in enumerate(truth[split].items()):
            for step in recipe.steps:
                prediction = _predict(mask, strategy, seed, number + (100 if step != recipe.steps[-1] else 0))
                where = {"step": step, "split": split, "image": name, "group": group}
                target = exact(mask, name) if labels else mask
                table = confusion_counts(target, prediction, len(CLASSES))
                found = region_counts(target, prediction, len(CLASSES))
                bins = _score_bins(target, prediction, seed) if step == recipe.steps[-1] else None
                for index, label in enumerate(CLASSES):
                    row = {**where, "class": label}
                    counts.append(
                        {**row, **dict(zip(("tp", "fp", "fn", "tn"), table[index].tolist(), strict=True))}
                    )
                    keys = ("num_true", "num_hit", "num_predicted", "num_false")
                    regions.append(
                        {
                            **row,
                            **dict(zip(keys, found[index].tolist(), strict=True)),
                            "megapixels": mask.size / 1e6,
                        }
                    )
                    if bins:
                        scores.append({**row, "positives": bins[index][0], "negatives": bins[index][1]})
            if labels:
                continue
            place = folder / "predictions" / split
            place.mkdir(parents=True, exist_ok=True)
            _save_indexed(place / f"{name}.png", prediction)
    for name, rows in (("counts", counts), ("regions", regions), ("scores", scores)):
        place = folder / "against" / labels if labels else folder
        pq.write_table(pa.Table.from_pylist(rows), place / f"{name}.parquet")


def _score_bins(mask: np.ndarray, prediction: np.ndarray, seed: int) -> list[tuple[list[int], list[int]]]:
    """Histograms of 256 bins in which predicted pixels score high and others low."""
    noise = np.random.default_rng(seed).integers(-60, 61, size=mask.shape, dtype=np.int16)
    valid = mask != 255
    out = []
    for index in range(len(CLASSES)):
        bins = np.where(prediction == index, 170, 70) + noise
        both = np.bincount(bins[valid], minlength=256)
        positive = np.bincount(bins[mask == index], minlength=256)
        out.append((positive.tolist(), (both - positive).tolist()))
    return out


def _write_log(path: Path, strategy: str, seed: int, steps: int) -> None:
    rng = np.random.default_rng([seed, len(strategy)])
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["step", "loss", "lr", "val_score", "patches_per_second", "elapsed_seconds"])
        for step in range(20, steps + 1, 20):
            loss = (0.02 + 1.2 * np.exp(-step / 220)) * np.exp(rng.normal() * 0.1)
            score = f"{0.7 * (1 - np.exp(-step / 300)) + rng.normal() * 0.02:.5f}" if step % 100 == 0 else ""
            writer.writerow([step, f"{loss:.6f}", "0.001", score, "130.5", f"{step * 0.06:.2f}"])


def _data_json(truth: dict[str, Any]) -> dict[str, Any]:
    splits = {}
    for split, samples in truth.items():
        masks = [mask for _, mask, _ in samples.values()]
        groups = [group for _, _, group in samples.values()]
        splits[split] = {
            "samples": len(masks),
            "groups": len(set(groups)),
            "class_pixels": {n: int(sum((m == i).sum() for m in masks)) for i, n in enumerate(CLASSES)},
            "class_images": {n: int(sum((m == i).any() for m in masks)) for i, n in enumerate(CLASSES)},
            "class_groups": {
                n: len({g for m, g in zip(masks, groups, strict=True) if (m == i).any()})
                for i, n in enumerate(CLASSES)
            },
            "ignored_pixels": int(sum((m == 255).sum() for m in masks)),
            "megapixels": sum(m.size for m in masks) / 1e6,
        }
    return {
        "artefact": "data/1",
        "name": "battery foil",
        "class_names": list(CLASSES),
        "class_colors": list(COLORS),
        "num_bands": 1,
        "num_samples": sum(part["samples"] for part in splits.values()),
        "num_groups": sum(part["groups"] for part in splits.values()),
        "unit": "um",
        "pixel_size": 5.0,
        "splits": splits,
        "excluded": ["train_broken"],
        "digest": "8a1f30c9b2e7d654",
    }


def _provenance() -> dict[str, Any]:
    return {
        "versions": {"rareseg": "0.1.0", "torch": "2.13.0", "numpy": "2.3.1"},
        "python": "3.12.4",
        "platform": "Linux",
        "processor": "a processor",
        "cores": 2,
        "threads": 1,
        "device": "cpu",
        "gpu": None,
        "code": "abc1234",
        "command": "rareseg run study.yaml --out runs",
    }


def _json(path: Path, kind: str, **values: Any) -> None:
    path.write_text(json.dumps({"artefact": kind, **values}))
