"""The page of pitfalls says what the committed results say, and the scripts measure what they claim."""

from __future__ import annotations

import csv
import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "studies" / "pitfalls"
PAGE = (ROOT / "docs" / "pitfalls.md").read_text(encoding="utf-8")
RESULTS = json.loads((SCRIPTS / "results.json").read_text(encoding="utf-8"))["pitfalls"]
NAMES = ("tp", "fp", "fn", "tn")


@pytest.fixture(scope="module", autouse=True)
def scripts_on_path() -> Iterator[None]:
    """Scripts import their neighbours by plain names, as Python sets the path for a script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        yield


def script(name: str) -> ModuleType:
    return importlib.import_module(name)


def run_all(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "run_all.py"), *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_tables_of_the_page_are_the_committed_results() -> None:
    spread = script("spread")
    results = {name: spread.from_json(tables) for name, tables in RESULTS.items()}
    assert set(results) == set(script("run_all").PITFALLS)
    assert spread.with_tables(PAGE, results) == PAGE
    marks = re.findall(r"^<!-- (\w+\.\w+) -->\n\n\|", PAGE, re.M)
    assert sorted(marks) == sorted(f"{name}.{table}" for name in results for table in results[name])


def test_decimals_in_the_text_are_in_a_table_of_their_section() -> None:
    for section in PAGE.split("\n## ")[1:]:
        text = "\n".join(line for line in section.splitlines() if not line.startswith(("|", "    ")))
        shown = [abs(value) for mark in re.findall(r"<!-- (\w+\.\w+) -->", text) for value in numbers(mark)]
        for found in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", re.sub(r"`[^`]*`|Table \S+", "", text)):
            places = len(found.split(".")[1])
            assert any(f"{value:.{places}f}" == found for value in shown), (section[:40], found)


def numbers(mark: str) -> Iterator[float]:
    pitfall, table = mark.split(".")
    for cells in RESULTS[pitfall][table].values():
        for cell in cells.values():
            yield from (cell["mean"], cell["sd"]) if isinstance(cell, dict) else (cell,)


@pytest.mark.parametrize(("name", "tolerance"), [("pixel_accuracy", 1e-9), ("resample_before_split", 0.02)])
def test_measuring_again_gives_the_committed_results(
    name: str, tolerance: float, shared_data: Path, tmp_path: Path
) -> None:
    said = run_all("--data", shared_data, "--out", tmp_path / "results.json", "--only", name)
    assert said.startswith(f"{name}: ")
    again = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["pitfalls"]
    assert set(again) == {name}
    expected, found = flat(RESULTS[name]), flat(again[name])
    assert found == pytest.approx(expected, rel=tolerance, abs=tolerance)


def flat(tables: Any, prefix: str = "") -> dict[str, float]:
    """Every number by its path."""
    if not isinstance(tables, dict):
        return {prefix: tables}
    return {
        key: number for name, part in tables.items() for key, number in flat(part, f"{prefix}/{name}").items()
    }


def test_absent_data_are_skipped_with_a_word(tmp_path: Path) -> None:
    said = run_all("--data", tmp_path, "--out", tmp_path / "results.json", "--only", "pixel_accuracy")
    assert said == (
        f"pixel_accuracy: skipped, '{tmp_path}' has no magnetic_tile and no neu_seg_dedup and no crackforest\n"
    )


def test_other_results_stay_and_tables_get_into_the_page() -> None:
    spread = script("spread")
    page = "<!-- a.b -->\n\ntext\n\n<!-- c.d -->\n\n| kept |\n\nend\n"
    table = {"row": {"x": 0.5, "y": spread.spread([1, 3])}}
    stored = spread.from_json(json.loads(json.dumps(spread.to_json({"b": table}))))
    written = spread.with_tables(page, {"a": stored})
    assert spread.with_tables(written, {"a": stored}) == written
    assert written == (
        "<!-- a.b -->\n\n| | x | y |\n|---|---|---|\n| row | 0.500 | 2.00 ± 1.414 |\n\ntext\n\n"
        "<!-- c.d -->\n\n| kept |\n\nend\n"
    )


def test_thesis_counts_are_those_of_the_document(reference_tables: Path) -> None:
    thesis = script("thesis_counts")
    with (reference_tables / "foil_thesis_counts.csv").open(encoding="utf-8") as file:
        rows = {(row["model"], row["defect"]): row for row in csv.DictReader(file)}
    with (reference_tables / "foil_thesis_rates.csv").open(encoding="utf-8") as file:
        printed = {row["defect"].lower(): row for row in csv.DictReader(file) if row["model"] == "Baseline"}
    for defect, counts in thesis.BASELINE.items():
        assert tuple(int(rows["Baseline", defect.capitalize()][name]) for name in NAMES) == counts
        assert float(printed[defect]["precision"]) == thesis.PRINTED_PRECISION[defect]
    for weights, model in (("no weights", "Baseline"), ("ISCF", "wCE ISCF"), ("ICF", "wCE ICF")):
        assert tuple(int(rows[model, "Cavity"][name]) for name in NAMES) == thesis.CAVITY[weights]


def test_thesis_blade_trail() -> None:
    row = script("mean_over_images").foil_thesis()["blade trail"]
    assert row["pooled over pixels"] == pytest.approx(190104 / (190104 + 177654))
    assert (round(row["pooled over pixels"], 2), round(row["printed"], 2)) == (0.52, 0.79)


def test_five_conventions_by_hand() -> None:
    # Two images with the class (precision 0.5, and nothing predicted), two without (false alarm, and silence).
    counts = np.array([[10, 10, 0, 80], [0, 0, 10, 90], [0, 5, 0, 95], [0, 0, 0, 100]])
    assert script("mean_over_images").averages(counts) == {
        "pooled": 10 / 25,
        "mean over images": 0.25,
        "undefined as 0": 0.125,
        "undefined as 1": 0.625,
        "images with the class": 0.5,
        "undefined images": 2,
    }


def test_background_everywhere_by_hand() -> None:
    rows = script("pixel_accuracy").background_everywhere("set", [900, 90, 10], ("sound", "big", "small"))
    all_classes, rarest = rows["set, all classes"], rows["set, small against the rest"]
    assert (all_classes["accuracy"], all_classes["one pixel in"]) == (0.9, 10)
    assert all_classes["mean IoU with background"] == pytest.approx(0.3)
    assert (rarest["accuracy"], rarest["one pixel in"], rarest["TPR"]) == (0.99, 100, 0)
    assert rarest["mean IoU with background"] == pytest.approx(0.495)


def test_areas_by_hand() -> None:
    found = script("over_weighting").areas_and_rates(np.array([8, 12, 2, 78]))
    assert found == pytest.approx({"predicted / true area": 2, "TPR": 0.8, "precision": 0.4, "IoU": 8 / 22})


def test_threshold_fits_the_accidents_of_its_images() -> None:
    picked_twice = script("threshold_on_test").picked_twice
    alike = np.zeros((6, 2, 256), np.int64)
    alike[:, 0, 200], alike[:, 1, 100] = 10, 90
    assert picked_twice(alike, 3) == (1, 1)
    # Scores of the second kind of image lie lower by more than the classes are apart: with the threshold of the
    # other kind F1 is 2/11 (all positive) or 0 (none), and equal kinds are drawn in 2 of 6 orders.
    mixed = np.zeros((4, 2, 256), np.int64)
    mixed[:2, 0, 220], mixed[:2, 1, 180], mixed[2:, 0, 100], mixed[2:, 1, 60] = 10, 90, 10, 90
    same, other = picked_twice(mixed, 1)
    assert same == 1
    assert other == pytest.approx(1 / 3 + (2 / 11) / 3, abs=0.05)


def test_winners_by_hand() -> None:
    # Seeds (1, 4) and (2, 2): four pairs, of which (1, 2) and (1, 2) let the worse strategy win.
    found = script("one_seed").winners(np.array([[1.0, 4.0], [2.0, 2.0]]), 2)
    assert found["winner is the best by the mean"] == 0.5
    assert found["IoU of the winner, its one seed"] == 3
    assert found["IoU of the winner, mean of seeds"] == 2.25
    assert found["too high by"] == 0.75


def test_precision_at_shares_of_blanks_by_hand() -> None:
    precision_at = script("blank_images").precision_at
    counts = np.array([[8, 2, 0, 90], [4, 2, 4, 90], [0, 6, 0, 94]])
    assert precision_at(counts, 0) == pytest.approx(6 / 8)
    assert precision_at(counts, 1 / 3) == pytest.approx(12 / 22)  # as the images are
    assert precision_at(counts, 0.9) == pytest.approx(0.6 / (0.8 + 5.4))


def test_tiles_are_counted_one_by_one() -> None:
    target, predicted = np.zeros((2, 5, 4), np.uint8)
    target[0, 0] = predicted[0, 0] = predicted[3, 3] = predicted[4, 0] = 1
    counts = script("blank_images").tile_counts(target, predicted, 2)
    assert counts.tolist() == [[1, 0, 0, 3], [0, 0, 0, 4], [0, 0, 0, 4], [0, 1, 0, 3]]


def test_weights_move_with_the_counts() -> None:
    rows = script("resample_before_split").weight_change(
        np.array([900, 100]), np.array([1800, 600]), ("sound", "crack")
    )
    assert rows["crack"]["from train"] == pytest.approx(1.8)
    assert rows["crack"]["from all parts"] == pytest.approx(1.5)
    assert rows["crack"]["quotient"] == pytest.approx(1.5 / 1.8)


def test_duplicates_balance_and_groups_stay_whole() -> None:
    neighbours = script("patch_neighbours")
    rng = np.random.default_rng(0)
    names = np.array([f"g{i // 4}" for i in range(40)])
    windows = neighbours.Windows(
        rng.normal(size=(40, 64)).astype(np.float32), np.arange(40) % 10 == 0, names, names
    )
    twice = script("resample_before_split").duplicate_rare(windows)
    assert (twice.is_defect.sum(), (~twice.is_defect).sum()) == (36, 36)
    assert len(np.unique(twice.features[twice.is_defect], axis=0)) == 4
    in_test = neighbours.draw_part(names, rng)
    assert in_test.sum() == 12
    assert not set(names[in_test]) & set(names[~in_test])


def test_one_classifier_memorises_and_one_learns() -> None:
    neighbours = script("patch_neighbours")
    rng = np.random.default_rng(0)

    def draw(flat: int, peaked: int) -> Any:
        """Windows of even noise, and windows with one bright pixel, which is a defect."""
        features = rng.normal(size=(flat + peaked, 64))
        features[flat:, 0] = 8
        features /= np.linalg.norm(features, axis=1, keepdims=True)
        names = np.array(["a"] * len(features))
        return neighbours.Windows(features.astype(np.float32), np.arange(len(features)) >= flat, names, names)

    train, test = draw(200, 20), draw(200, 20)
    assert neighbours.score(train, train, neighbours.nearest_neighbour).dice == 1
    linear = neighbours.score(train, test, neighbours.linear)
    assert (linear.tpr, linear.precision) == (1, 1)


def test_windows_of_an_image_by_hand(shared_data: Path) -> None:
    neighbours = script("patch_neighbours")
    windows = neighbours.cut_windows("crackforest", shared_data, size=160, stride=160, least=0)
    assert len(windows.image) == 94 * 6
    assert windows.features.shape[1] == 80 * 80
    assert np.linalg.norm(windows.features, axis=1) == pytest.approx(1, abs=1e-4)
    assert set(windows.group) == set(windows.image)


def test_models_are_trained_once_and_leave_counts_and_scores(tmp_path: Path) -> None:
    trained, pitfall = script("trained_runs"), script("pitfall")
    study = trained.TrainedStudy("foils", "agglomeration", ("flips",), (0,), steps=2, num_foils=10)
    place = pitfall.Place(tmp_path, tmp_path)
    counts, scores = study.counts(place, "flips"), study.scores(place, "flips")
    assert counts.shape == (1, 6, 4)
    assert (counts.sum(axis=2) == 192 * 192).all()
    assert (scores.sum(axis=(2, 3)) == 192 * 192).all()
    assert (scores[:, :, 0].sum(axis=2) == counts[:, :, 0] + counts[:, :, 2]).all()
    assert study.train(place) == tmp_path / "foils" / "runs"
