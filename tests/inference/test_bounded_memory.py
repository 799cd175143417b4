"""Memory of a prediction grows with the width of a raster and not with its height; wide rasters take the same path."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from torch import Tensor

from inference.make_segmenter import make_segmenter
from inference.test_predict_job import run_job
from rareseg.inference.predictor import Predictor
from rareseg.inference.segmenter import Segmenter

TILE = 128
WIDTH = 2048
FORMATS = ["tif", "png", "regions_csv", "rle_csv", "coco"]


class Threshold:
    """An engine that says pit above 200 and scratch below 50, at the speed of a comparison."""

    in_channels, stride, receptive_radius, mean, std = 1, 16, 20, [120.0], [30.0]

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        pixels = batch.float()
        return torch.cat([torch.zeros_like(pixels), pixels - 200, 50 - pixels], dim=1)


def cheap_segmenter() -> Segmenter:
    segmenter = make_segmenter(format="raster")
    judge = replace(segmenter.judge, predictor=Predictor(Threshold(), tile=TILE))
    return replace(segmenter, judge=judge)


def make_raster(path: Path, height: int, width: int) -> None:
    """Grey with a long line through all strips and a spot every 400 rows, written a few rows at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "dtype": "uint8", "count": 1, "height": height, "width": width}
    blocks = {"tiled": True, "blockxsize": 128, "blockysize": 128, "compress": "deflate"}
    place = {"crs": "EPSG:32633", "transform": rasterio.Affine(10, 0, 500_000, 0, -10, 5_600_000)}
    rng = np.random.default_rng(0)
    with rasterio.open(path, "w", **profile, **blocks, **place) as file:
        for row in range(0, height, TILE):
            num_rows = min(TILE, height - row)
            pixels = rng.integers(100, 140, (num_rows, width), np.uint8)
            pixels[:, 700] = 20
            pixels[np.arange(row, row + num_rows) % 400 < 9, 30:50] = 230
            file.write(pixels, 1, window=((row, row + num_rows), (0, width)))


MEASURE = """
import sys
from pathlib import Path
from inference.test_bounded_memory import FORMATS, cheap_segmenter, make_raster
from inference.test_predict_job import run_job

folder = Path(sys.argv[1])
make_raster(folder / "warm/a.tif", 512, 2048)
run_job(folder / "warm", folder / "out", formats=FORMATS, segmenter=cheap_segmenter())
make_raster(folder / "in/a.tif", int(sys.argv[2]), 2048)
Path("/proc/self/clear_refs").write_text("5")  # the peak is that of what follows
before = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS"))
run_job(folder / "in", folder / "out", formats=FORMATS, segmenter=cheap_segmenter(), overwrite=True)
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print((peak - before) / 1024)
"""


def peak_mebibytes(folder: Path, height: int) -> float:
    """Memory that predicting a raster adds, in a process of its own."""
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    environment = {**os.environ, "PYTHONPATH": paths, "GDAL_CACHEMAX": "8", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", MEASURE, str(folder), str(height)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if "clear_refs" in done.stderr:
        pytest.skip("the peak of a process's memory cannot be reset here")
    assert done.returncode == 0, done.stderr
    return float(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured through /proc")
def test_memory_does_not_grow_with_the_height(tmp_path: Path) -> None:
    """The larger map has 25 million pixels more: labels and scores of these alone would be 72 MiB."""
    low, high = (peak_mebibytes(tmp_path / str(height), height) for height in (2048, 14_336))
    assert high < low + 15, (low, high)


def test_a_raster_of_40000_columns_keeps_its_grid(tmp_path: Path) -> None:
    make_raster(tmp_path / "in/a.tif", 300, 40_000)
    report, _ = run_job(
        tmp_path / "in", tmp_path / "out", formats=["tif", "regions_csv"], segmenter=cheap_segmenter()
    )
    assert report.num_done == 1
    with rasterio.open(tmp_path / "out/tif/a.tif") as found, rasterio.open(tmp_path / "in/a.tif") as given:
        assert (found.crs, found.transform, found.shape) == (given.crs, given.transform, (300, 40_000))
        pixels = given.read(1)
        np.testing.assert_array_equal(found.read(1), np.where(pixels > 200, 1, np.where(pixels < 50, 2, 0)))
    spot, line = (tmp_path / "out/regions.csv").read_text().splitlines()[1:]
    assert spot.startswith("a.tif,pit,1,1,180,4.0,39.5,0,30,9,20,1.0,1.0,")
    assert line.startswith("a.tif,scratch,2,2,300,149.5,700.0,0,700,300,1,1.0,1.0,507005.0,5598500.0,30000.0")
