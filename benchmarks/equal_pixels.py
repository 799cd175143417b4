"""Equal Pixels on 26 foils of 1600 x 1600: seconds to choose the windows, and how equal the drawn pixels are.

    OMP_NUM_THREADS=1 python benchmarks/equal_pixels.py [--images 26] [--size 1600] [--patch 256] [--repeats 5]

The masks are synthetic foils with the class shares of the foil thesis, Table 3.1, and its habit of placing cavities
beside agglomerations. The plain way is greedy: the class with the fewest pixels so far is next, windows around
random pixels of it are cut from the masks and counted, and the one that leaves the totals nearest to each other is
taken. The thesis's own way of sampling took 50 to 70 minutes for one set (section 3.3), equal within 10 %.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray
from timing import compare, format_table

from rareseg.data.foil import make_foil
from rareseg.data.foil_settings import FOIL_CLASSES, FoilSettings
from rareseg.errors import OptionError
from rareseg.sampling.class_locations import ClassLocations
from rareseg.sampling.equal_pixels import EqualPixelsPlan
from rareseg.sampling.integral_counts import IntegralCounts
from rareseg.sampling.plan import PlanContext
from rareseg.sampling.uniforms import uniforms
from rareseg.sampling.window_grid import window_grid
from rareseg.types import Region, Window

GREEDY_CHOICES = 16


def main() -> None:
    """Make the masks, choose the windows in both ways, print times and ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=26)
    parser.add_argument("--size", type=int, default=1600, help="rows and columns of an image")
    parser.add_argument("--patch", type=int, default=256, help="rows and columns of a patch")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    settings = FoilSettings(size=(options.size, options.size))
    with ProcessPoolExecutor() as pool:
        masks = list(pool.map(partial(make_mask, settings=settings), range(options.images)))
    context = PlanContext(
        regions=tuple(Region(f"foil_{n:02d}", Window(0, 0, *mask.shape)) for n, mask in enumerate(masks)),
        locations=ClassLocations.from_masks(masks, FOIL_CLASSES),
        patch_size=(options.patch, options.patch),
        class_names=FOIL_CLASSES,
    )
    shares = context.locations.class_pixels / context.locations.num_valid
    print("pixels:", ", ".join(f"{n} {s:.4%}" for n, s in zip(FOIL_CLASSES, shares, strict=True)), "\n")
    plan = EqualPixelsPlan(context)
    time_counting(masks, context, repeats=options.repeats)
    time_choosing(masks, context, num_patches=plan.period, repeats=options.repeats)
    print_totals(masks, context, plan)
    print_refusal(context)


def make_mask(index: int, settings: FoilSettings) -> NDArray[np.uint8]:
    """The exact mask of one foil."""
    return make_foil(0, index, settings).mask


def time_counting(masks: Sequence[NDArray[np.uint8]], context: PlanContext, *, repeats: int) -> None:
    """Class pixels of all windows of a grid."""
    side = context.patch_size[0]
    stride = side // 8
    rows, cols = (np.append(np.arange(0, size - side, stride), size - side) for size in masks[0].shape)

    def tables() -> None:
        for mask in masks:
            for number in range(1, len(FOIL_CLASSES)):
                table = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), np.int32)
                np.cumsum(mask == number, axis=0, out=table[1:, 1:])
                np.cumsum(table, axis=1, out=table)
                lines = table[rows + side] - table[rows]
                np.subtract(lines[:, cols + side], lines[:, cols])

    def runs() -> None:
        counts = IntegralCounts(context.locations, context.regions)
        window_grid(counts, patch_size=(side, side), stride=(stride, stride))

    num = len(masks) * len(rows) * len(cols)
    print(f"class pixels of {num} windows, {stride} pixels apart")
    ways = {"summed-area table of each mask": tables, "IntegralCounts and window_grid": runs}
    print(format_table(compare(ways, repeats=repeats), work=num, unit="windows"), "\n")


def time_choosing(
    masks: Sequence[NDArray[np.uint8]], context: PlanContext, *, num_patches: int, repeats: int
) -> None:
    """From class locations to a plan, integral counts, programme and report included."""
    print(f"choosing {num_patches} patches (rareseg: a plan for any number)")
    ways = {
        "greedy": lambda: choose_greedily(masks, context, num_patches),
        "plan equal_pixels": lambda: EqualPixelsPlan(context),
    }
    print(format_table(compare(ways, repeats=repeats), work=1, unit="sets"))
    wall, cpu = time.perf_counter(), time.process_time()
    EqualPixelsPlan(context)
    print(f"one plan: {time.perf_counter() - wall:.2f} s, {time.process_time() - cpu:.2f} s of a core\n")


def choose_greedily(
    masks: Sequence[NDArray[np.uint8]], context: PlanContext, num_patches: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Totals of the classes and patches of each image."""
    rng = np.random.default_rng(0)
    side = np.array(context.patch_size)
    totals, images = np.zeros(len(FOIL_CLASSES), np.int64), np.zeros(len(masks), np.int64)
    for _ in range(num_patches):
        scarce = 1 + int(totals[1:].argmin())
        region, *pixel = context.locations.pixel(scarce, rng.random(GREEDY_CHOICES))
        corners = np.stack(pixel, axis=1) - rng.integers(0, side, (GREEDY_CHOICES, 2))
        best = None
        for number, (row, col) in zip(region.tolist(), corners.tolist(), strict=True):
            mask = masks[number]
            row, col = min(max(row, 0), mask.shape[0] - side[0]), min(max(col, 0), mask.shape[1] - side[1])
            window = mask[row : row + side[0], col : col + side[1]]
            after = totals + np.bincount(window.ravel(), minlength=len(totals))
            off = after[1:].max() / max(1, after[1:].min())
            if best is None or off < best[0]:
                best = (off, after, number)
        assert best is not None
        totals = best[1]
        images[best[2]] += 1
    return totals, images


def print_totals(masks: Sequence[NDArray[np.uint8]], context: PlanContext, plan: EqualPixelsPlan) -> None:
    """Drawn pixels of one period, and how often the same ones come."""
    counts = IntegralCounts(context.locations, context.regions)
    totals, images = choose_greedily(masks, context, plan.period)
    print_line("greedy", totals, np.flatnonzero(images))
    for seed in range(3):
        index = np.arange(plan.period)
        corners = plan.draw(uniforms(seed, index, plan.NUM_UNIFORMS), index)
        totals = counts.counts(*corners, *plan.patch_size).sum(axis=0)
        print_line(f"plan, seed {seed}", totals, np.unique(corners.region_index))
    report = plan.report()
    print(f"\n{plan.describe()}")
    print(
        f"windows: {report['windows']} of {report['candidates']}, as many as {report['effective_windows']:.0f}"
    )
    for name, repeats in report["repeats"].items():
        print(
            f"{name}: a pixel is shown {repeats['mean']:.2f} times in 1000 patches, at most {repeats['most']:.0f}, "
            f"{repeats['never']:.0%} of them never"
        )


def print_line(name: str, totals: NDArray[np.int64], images: NDArray[np.int64]) -> None:
    """Totals of one set of patches."""
    rare = totals[1:]
    print(
        f"{name}: {', '.join(f'{n} {t}' for n, t in zip(FOIL_CLASSES[1:], rare.tolist(), strict=True))}; "
        f"{rare.max() / rare.min() - 1:.1%} apart, from {len(images)} images"
    )


def print_refusal(context: PlanContext) -> None:
    """What the plan says where the background is to be equal too."""
    started = time.perf_counter()
    try:
        EqualPixelsPlan(context, include_background=True)
    except OptionError as error:
        print(f"\nwith background, after {time.perf_counter() - started:.2f} s: {error}")


if __name__ == "__main__":
    main()
