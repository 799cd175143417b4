"""A job does what can be done, goes on after a kill at any moment, and then gives the same bytes as without it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.write_raster import write_raster
from inference.make_segmenter import make_segmenter
from inference.test_strips import make_image
from rareseg.errors import ArtefactError
from rareseg.inference.job_state import JobState
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.label_writer import WRITERS, WriterOptions
from rareseg.inference.predict_job import JobInput, JobReport, JobWatcher, job_identity, run_predict_job
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.strip_log import StripLog
from rareseg.inference.strip_run import StripState
from rareseg.inference.writers import needs_folder, open_writers

ALL = [name for name in WRITERS if name not in ("flat_csv", "uncertainty")]  # one size; ensembles
STATE = StripState(row=0, is_open=True, pixels={"number": [1.0], "sum": [2.5], "squares": [0.1]})


class Notes(JobWatcher):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.pixels = self.before = self.images = 0

    def note(self, text: str) -> None:
        self.notes.append(text)

    def moved(self, pixels: int, *, now: bool, images: int = 0) -> None:
        self.images += images
        self.pixels += pixels if now else 0
        self.before += 0 if now else pixels


def make_scenes(folder: Path, sizes: tuple[tuple[int, int], ...] = ((150, 70), (20, 40), (90, 50))) -> Path:
    for number, size in enumerate(sizes):
        write_raster(folder / f"s{number}.tif", make_image(size, seed=number))
    return folder


def run_job(
    folder: Path,
    out: Path,
    *,
    formats: list[str] = ALL,
    segmenter: Segmenter | None = None,
    overwrite: bool = False,
) -> tuple[JobReport, Notes]:
    """Predict the images of a folder, as the command does."""
    model = segmenter or make_segmenter(format="raster")
    inputs = []
    for file in sorted(folder.iterdir()):
        status = file.stat()
        identity = {"bytes": status.st_size, "modified_ns": status.st_mtime_ns}
        inputs.append(JobInput(file.name, partial(model.reading.open, file), 0, identity, file))
    is_folder = needs_folder(formats)
    options = WriterOptions(
        out,
        tuple(item.name for item in inputs),
        model.class_table,
        scratch=JobState.scratch_of(out, is_folder=is_folder),
    )
    writers = open_writers(formats, options)
    job = job_identity(model, formats, None)
    state = JobState(out, is_folder=is_folder, job=job, overwrite=overwrite)
    notes = Notes()
    return run_predict_job(model, inputs, writers, state, notes), notes


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_scenes(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def expected(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("expected")
    report, notes = run_job(scenes, out)
    assert (report.num_done, report.num_kept, report.failed) == (3, 0, {})
    assert (notes.images, notes.pixels) == (3, 150 * 70 + 20 * 40 + 90 * 50)
    return contents(out)


def test_all_formats_are_there_and_nothing_else(expected: dict[str, bytes]) -> None:
    assert sorted(expected) == [
        "coco.json",
        *(f"overlay/s{number}.png" for number in range(3)),
        *(f"png/s{number}.tif" for number in range(3)),
        *("predict.json", "regions.csv", "regions.geojson", "rle.csv"),
        *(f"tif/s{number}.tif" for number in range(3)),
    ]


KILLED = """
import os, signal, sys
from pathlib import Path
from inference.test_predict_job import run_job
from rareseg.inference import job_state, strip_log, predict_job, region_format

place, count = sys.argv[3], int(sys.argv[4])
owner, name = {
    "strip": (strip_log.StripLog, "append"),
    "image": (job_state.JobState, "finish"),
    "half": (strip_log.os, "fsync"),
    "table": (region_format.RegionTable, "close"),
}[place]
real, calls = getattr(owner, name), 0

def counted(*args, **options):
    global calls
    calls += 1
    if calls > count:
        if place == "half":
            os.ftruncate(args[0], os.fstat(args[0]).st_size - 7)
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*args, **options)

setattr(owner, name, counted)
run_job(Path(sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize(
    ("place", "count"), [("strip", 0), ("strip", 3), ("half", 3), ("image", 1), ("strip", 6), ("table", 0)]
)
def test_a_killed_job_goes_on_and_gives_the_same_bytes(
    place: str, count: int, scenes: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    """SIGKILL between strips, in the middle of one, between images, while the third is done, and before tables."""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    command = [sys.executable, "-c", KILLED, str(scenes), str(tmp_path), place, str(count)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (tmp_path / ".part").is_dir() and not (tmp_path / "predict.json").exists()
    report, notes = run_job(scenes, tmp_path)
    assert contents(tmp_path) == expected
    assert not notes.notes and notes.images == 3
    before = {("strip", 3): 3 * 32 * 70, ("half", 3): 2 * 32 * 70, ("table", 0): 0}.get((place, count))
    if before is not None:
        assert notes.before == before
    assert report.num_kept == {"image": 1, "table": 3}.get(place, 2 if count == 6 else 0)


def test_ctrl_c_goes_on_too(
    scenes: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = StripLog.append

    def stopped(self: StripLog, strip: LabelStrip, state: StripState) -> None:
        if strip.row >= 64:
            raise KeyboardInterrupt
        real(self, strip, state)

    monkeypatch.setattr(StripLog, "append", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_job(scenes, tmp_path)
    assert all(name.startswith(".part/") for name in contents(tmp_path)), "no result is there before its time"
    monkeypatch.undo()
    assert run_job(scenes, tmp_path)[1].before == 64 * 70
    assert contents(tmp_path) == expected


def test_what_is_done_is_kept_unless_it_changed(tmp_path: Path) -> None:
    folder, out = make_scenes(tmp_path / "in"), tmp_path / "out"
    formats = ["png", "overlay"]
    assert run_job(folder, out, formats=formats)[0].num_done == 3
    before = contents(out)
    report, notes = run_job(folder, out, formats=formats)
    assert (report.num_done, report.num_kept, notes.pixels) == (0, 3, 0)
    write_raster(folder / "s1.tif", make_image((20, 40), seed=9))
    write_raster(folder / "s7.tif", make_image((20, 40), seed=9))
    (out / "overlay/s2.png").unlink()
    report, _ = run_job(folder, out, formats=formats)
    assert (report.num_done, report.num_kept) == (3, 1)
    after = contents(out)
    assert {name for name in before if before[name] != after[name]} == {
        *("png/s1.tif", "overlay/s1.png", "predict.json")
    }
    assert run_job(folder, out, formats=formats, overwrite=True)[0].num_done == 4
    other = make_segmenter(format="raster", smallest=(0, 9, 9)).with_tile(64)
    assert run_job(folder, out, formats=formats, segmenter=other)[0].num_done == 4


def test_a_table_is_kept_or_made_as_a_whole(tmp_path: Path) -> None:
    folder, out = make_scenes(tmp_path / "in"), tmp_path / "regions.csv"
    assert run_job(folder, out, formats=["regions_csv"])[0].num_done == 3
    before = out.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "regions.csv", "regions.csv.json"]
    assert run_job(folder, out, formats=["regions_csv"])[0].num_kept == 3
    assert out.read_bytes() == before
    write_raster(folder / "s7.tif", make_image((20, 40), seed=9))
    assert run_job(folder, out, formats=["regions_csv"])[0].num_done == 4
    assert out.read_bytes().startswith(before) and len(out.read_bytes()) > len(before)


def test_a_broken_file_is_reported_and_the_others_are_done(tmp_path: Path) -> None:
    """One is no image at all, one ends in the middle of its pixels, after strips of it were done."""
    folder, out = make_scenes(tmp_path / "in"), tmp_path / "out"
    (folder / "a.tif").write_bytes(b"no image")
    whole = (folder / "s0.tif").read_bytes()
    (folder / "r.tif").write_bytes(whole[: len(whole) * 2 // 3])
    report, notes = run_job(folder, out)
    assert report.num_done == 3
    assert sorted(report.failed) == ["a.tif", "r.tif"]
    assert all(text.startswith("left out: '") for text in notes.notes) and len(notes.notes) == 2
    assert not [name for name in contents(out) if "/a." in name or "/r." in name or ".part" in name]
    manifest = json.loads((out / "predict.json").read_text())
    assert manifest["artefact"] == "predict/1"
    assert [record["name"] for record in manifest["images"]] == ["s0.tif", "s1.tif", "s2.tif"]
    assert "cannot be read" in manifest["failed"]["a.tif"]
    assert b"r.tif" not in (out / "rle.csv").read_bytes()
    (folder / "r.tif").write_bytes(whole)
    (folder / "a.tif").unlink()
    report, _ = run_job(folder, out)
    assert not report.failed and b"r.tif" in (out / "rle.csv").read_bytes()


def test_notes_of_another_model_count_no_more(
    scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(JobState, "finish", stopped)
    with pytest.raises(KeyboardInterrupt):
        run_job(scenes, tmp_path, formats=["png"])
    monkeypatch.undo()
    other = make_segmenter(format="raster").with_tile(64)
    report, notes = run_job(scenes, tmp_path, formats=["png"], segmenter=other)
    assert (report.num_done, notes.before) == (3, 0)
    assert notes.notes == ["'s0.tif' is begun afresh: the image, the model or the options have changed."]


def test_a_log_keeps_scores_and_state_and_drops_what_is_cut_off(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    strips = [
        LabelStrip(
            row, rng.integers(0, 3, (5, 7), np.uint8), rng.integers(0, 65536, (5, 7)).astype(np.uint16)
        )
        for row in (0, 5, 10)
    ]
    path = tmp_path / "log"
    with StripLog(path, {"a": 1}) as log:
        assert log.state is None and not log.is_foreign
        for strip in strips:
            log.append(strip, {**STATE, "row": strip.end})
    data = path.read_bytes()
    for lost in (1, 30, 60):
        path.write_bytes(data[:-lost])
        with StripLog(path, {"a": 1}) as log:
            assert log.state == {**STATE, "row": 10}
            log.append(strips[2], {**STATE, "row": 15})
        assert path.read_bytes() == data
    with StripLog(path, {"a": 1}) as log:
        for found, strip in zip(log.strips(), strips, strict=True):
            np.testing.assert_array_equal(found.labels, strip.labels)
            np.testing.assert_array_equal(found.scores, strip.scores)
    damaged = bytearray(data)
    damaged[-3] ^= 1
    path.write_bytes(damaged)
    with StripLog(path, {"a": 1}) as log:
        assert log.state == {**STATE, "row": 10}
    with StripLog(path, {"a": 2}) as log:
        assert log.is_foreign and log.state is None and not list(log.strips())


def test_large_and_small_images_of_a_folder_dataset(tmp_path: Path) -> None:
    """Pngs without georeference: label maps equal those of the segmenter."""
    segmenter = make_segmenter()
    (tmp_path / "in").mkdir()
    for name, size in (("a", (100, 60)), ("b", (30, 60))):
        Image.fromarray(make_image(size)[0]).save(tmp_path / f"in/{name}.png")
    run_job(tmp_path / "in", tmp_path / "out", formats=["png"], segmenter=segmenter)
    for name in "ab":
        found = np.asarray(Image.open(tmp_path / f"out/{name}.png"))
        image = segmenter.reading.open(tmp_path / f"in/{name}.png")
        np.testing.assert_array_equal(found, segmenter.predict(image).labels)


def test_a_full_disk_is_one_line_and_the_job_goes_on_later(
    scenes: Path, expected: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    monkeypatch.setattr("rareseg.inference.strip_log.os.fsync", full)
    with pytest.raises(ArtefactError, match=r"disk is full .*No space left on device.*same command again"):
        run_job(scenes, tmp_path)
    monkeypatch.undo()
    run_job(scenes, tmp_path)
    assert contents(tmp_path) == expected


def test_an_image_that_a_format_cannot_take_is_left_out(tmp_path: Path) -> None:
    folder = make_scenes(tmp_path / "in", ((20, 30), (20, 31)))
    report, _ = run_job(folder, tmp_path / "flat.csv", formats=["flat_csv"])
    assert report.num_done == 1 and "a row of flat_csv has as many cells" in report.failed["s1.tif"]
