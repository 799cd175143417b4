"""Label maps of a large image in megapixels a second: exact tiles against MONAI's sliding window and the whole image.

    python benchmarks/sliding_window.py [--size 8192] [--tile 2048] [--threads 2] [--rounds 3]
        [--peers FOLDER] [--run RUN --image IMAGE] [--ways NAME ...]

Every way is a process of its own that makes the same image and network, loads what it needs, and turns the image into a
label map; ways follow each other in turn, round after round. Only the label map is timed, not start and reading. Peak
memory is the largest resident set of the whole process, image (bands x size x size bytes) and label map included.

- `monai`: `monai.inferers.sliding_window_inference`, Gaussian weights, overlap 0.25, windows of 512 x 512, on the plain
  network; in bfloat16 on the network with its weights in bfloat16.
- `whole`: the plain network on the whole image. In float32 it takes about 20 GB at 8192 x 8192.
- `rareseg`: `Judge.labels` on the network with its batch norms folded, as `rareseg predict` does with a bundle.

At the end it says how far logits of tiles of 512 are from those of the same network on the image in one piece, for the
first 2048 rows and columns, in both precisions.

With --peers, MONAI is looked for in that folder too. With --run the network of a finished run is taken instead of one
that was never trained, and with --image an .npy (c, h, w) of its kind, or a folder of images that are set side by side,
instead of noise; only then does the last column, labels that differ from those of `rareseg` in float32, mean something.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rareseg.types import Window

BANDS, NUM_CLASSES = 3, 5
WAYS = (
    "monai float32",
    "monai bfloat16",
    "whole float32",
    "whole bfloat16",
    "rareseg float32",
    "rareseg bfloat16",
)


def main() -> None:
    """Run every way in turn in processes of their own, or, called by itself, one way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=int, default=8192, help="rows and columns of the image of noise")
    parser.add_argument("--tile", type=int, default=2048, help="rows and columns of a tile without its halo")
    parser.add_argument("--channels", type=int, default=16, help="first maps of the U-Net")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="folder that holds monai")
    parser.add_argument("--run", type=Path, help="folder of a run, RUNS/<strategy>/seed-<n>")
    parser.add_argument("--image", type=Path, help=".npy (c, h, w), or a folder of images")
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        run_way(options)
    else:
        run_all(options)


def run_all(options: argparse.Namespace) -> None:
    """Print medians, and how labels differ."""
    seconds: dict[str, list[float]] = {way: [] for way in options.ways}
    memory: dict[str, int] = {}
    labels: dict[str, NDArray[np.uint8]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(options.rounds):
            for way in options.ways:
                out = Path(folder) / "labels.npy"
                command = [sys.executable, *sys.argv, "--way", way, "--out", str(out)]
                done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
                if done.returncode:
                    last = (done.stderr.strip() or f"killed by signal {-done.returncode}").splitlines()[-1]
                    print(f"{way}: {last}")
                    continue
                told = json.loads(done.stdout.splitlines()[-1])
                seconds[way].append(told["seconds"])
                memory[way] = max(memory.get(way, 0), told["peak_kib"])
                labels[way] = np.load(out)
    megapixels = next(iter(labels.values())).size / 1e6
    plain = {precision: _median(seconds.get(f"monai {precision}")) for precision in ("float32", "bfloat16")}
    exact = labels.get("rareseg float32")
    print(f"{megapixels:.1f} megapixels, {options.threads} threads, tiles of {options.tile}")
    print(
        f"{'way':<18} {'median s':>9} {'min s':>8} {'Mpx/s':>7} {'against MONAI':>14} {'peak MiB':>9} "
        f"{'other labels':>13}"
    )
    for way in options.ways:
        if not seconds[way]:
            continue
        median, least = statistics.median(seconds[way]), min(seconds[way])
        own = plain[way.split()[1]]
        ratio = f"{own / median:.2f}" if own else "-"
        other = "-" if exact is None else f"{(labels[way] != exact).mean():.4%}"
        unsteady = "  (unsteady: median over twice the minimum)" if median > 2 * least else ""
        print(
            f"{way:<18} {median:>9.1f} {least:>8.1f} {megapixels / median:>7.2f} {ratio:>14} "
            f"{memory[way] / 1024:>9.0f} {other:>13}{unsteady}"
        )
    compare_with_whole(options)


def compare_with_whole(options: argparse.Namespace, size: int = 2048) -> None:
    """Print the largest difference of a logit, and how many pixels get another label."""
    import torch

    from rareseg.inference.predictor import Predictor
    from rareseg.inference.torch_engine import TorchEngine
    from rareseg.models.fold_norms import fold_norms

    torch.set_num_threads(options.threads)
    network, _ = load(options)
    image = open_image(options, size)[:, :size, :size]
    rows, cols = image.shape[1:]
    for precision in ("float32", "bfloat16"):
        engine = TorchEngine(
            fold_norms(network), precision="float32" if precision == "float32" else "bfloat16"
        )
        found = []
        for tile in (max(rows, cols) + engine.stride, 512):
            logits = np.empty((network.num_classes, rows, cols), np.float32)
            for window, part in Predictor(engine, tile=tile).iterate(
                lambda w: image[:, *w.slices], rows, cols
            ):
                logits[:, *window.slices] = part.numpy()
            found.append(logits)
        difference = np.abs(found[0] - found[1]).max()
        other = (found[0].argmax(axis=0) != found[1].argmax(axis=0)).mean()
        print(
            f"tiles against one piece, {precision}: largest difference {difference:.3g}, other labels {other:.4%}"
        )


def _median(taken: list[float] | None) -> float | None:
    return statistics.median(taken) if taken else None


def run_way(options: argparse.Namespace) -> None:
    """Make the label map once, save it and print what it took."""
    import torch

    torch.set_num_threads(options.threads)
    image = open_image(options)
    name, precision = options.way.split()
    make = {"monai": by_monai, "whole": by_whole, "rareseg": by_rareseg}[name]
    label = make(options, image, precision)
    start = time.perf_counter()
    labels = label()
    seconds = time.perf_counter() - start
    np.save(options.out, labels)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "peak_kib": peak}))


def open_image(options: argparse.Namespace, size: int | None = None) -> NDArray[np.uint8]:
    """What is to be labelled ``(c, h, w)``."""
    if options.image is None:
        return make_image(size or options.size)
    if options.image.is_dir():
        return set_side_by_side(options.image)
    image: NDArray[np.uint8] = np.load(options.image)
    return image


def set_side_by_side(folder: Path) -> NDArray[np.uint8]:
    """All images of a folder ``(c, h, w)``, in rows of about the mosaic's height, tallest first."""
    from rareseg.data.image_reading import ImageReading

    files = sorted(path for path in folder.iterdir() if path.suffix in (".png", ".jpg", ".bmp"))
    opened = [ImageReading().open(path) for path in files]
    arrays = [np.asarray(one.read(Window(0, 0, *one.size))) for one in opened]
    arrays.sort(key=lambda array: -array.shape[1])
    width = round(sum(array.shape[1] * array.shape[2] for array in arrays) ** 0.5)
    rows: list[list[NDArray[np.uint8]]] = [[]]
    for array in arrays:
        if rows[-1] and sum(one.shape[2] for one in rows[-1]) + array.shape[2] > width:
            rows.append([])
        rows[-1].append(array)
    mosaic = np.zeros((len(arrays[0]), sum(row[0].shape[1] for row in rows), width), np.uint8)
    top = 0
    for row in rows:
        left = 0
        for array in row:
            mosaic[:, top : top + array.shape[1], left : left + array.shape[2]] = array
            left += array.shape[2]
        top += row[0].shape[1]
    return mosaic


def make_image(size: int) -> NDArray[np.uint8]:
    """Noise ``(c, size, size)``."""
    return np.random.default_rng(0).integers(0, 256, (BANDS, size, size), dtype=np.uint8)


def load(options: argparse.Namespace):  # type: ignore[no-untyped-def]
    """Network and head: of the run, or a U-Net whose batch norm has seen a few batches."""
    import torch

    from rareseg.models.build import build_model
    from rareseg.models.network import Network
    from rareseg.strategies.softmax_head import SoftmaxHead
    from rareseg.study.load_run import load_run

    if options.run:
        judge = load_run(options.run, device="cpu", precision="float32").judge
        return judge.predictor.engine.network, judge.head
    torch.manual_seed(0)
    settings = {"name": "unet", "base_channels": options.channels}
    core = build_model(settings, in_channels=BANDS, num_classes=NUM_CLASSES)
    network = Network(core, mean=[127.5] * BANDS, std=[74.0] * BANDS).train()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randint(0, 256, (2, BANDS, 64, 64), dtype=torch.uint8))
    return network.eval(), SoftmaxHead()


def _plain(options: argparse.Namespace, precision: str):  # type: ignore[no-untyped-def]
    import torch

    network, head = load(options)
    network = network.to(memory_format=torch.contiguous_format)
    if precision == "bfloat16":
        network.core.to(torch.bfloat16)
    return network, head


def by_monai(
    options: argparse.Namespace, image: NDArray[np.uint8], precision: str
) -> Callable[[], NDArray[np.uint8]]:
    """MONAI on the normalised image, as its documentation shows."""
    if options.peers:
        sys.path.append(str(options.peers))
    import torch
    from monai.inferers import sliding_window_inference

    network, head = _plain(options, precision)
    rows, cols = image.shape[1:]

    def label() -> NDArray[np.uint8]:
        with torch.inference_mode():
            pixels = network.prepare(torch.from_numpy(image)[None]).to(getattr(torch, precision))
            outputs = sliding_window_inference(pixels, 512, 4, network.core, overlap=0.25, mode="gaussian")
            return head.class_logits(outputs).argmax(dim=1)[0, :rows, :cols].to(torch.uint8).numpy()

    return label


def by_whole(
    options: argparse.Namespace, image: NDArray[np.uint8], precision: str
) -> Callable[[], NDArray[np.uint8]]:
    """The plain network on everything at once."""
    import torch

    network, head = _plain(options, precision)
    rows, cols = image.shape[1:]

    def label() -> NDArray[np.uint8]:
        with torch.inference_mode():
            pixels = network.prepare(torch.from_numpy(image)[None]).to(getattr(torch, precision))
            return (
                head.class_logits(network.core(pixels)).argmax(dim=1)[0, :rows, :cols].to(torch.uint8).numpy()
            )

    return label


def by_rareseg(
    options: argparse.Namespace, image: NDArray[np.uint8], precision: str
) -> Callable[[], NDArray[np.uint8]]:
    """Exact tiles."""
    from rareseg.inference.decision import ArgmaxDecision
    from rareseg.inference.judge import Judge
    from rareseg.inference.predictor import Predictor
    from rareseg.inference.torch_engine import TorchEngine
    from rareseg.models.fold_norms import fold_norms

    network, head = load(options)
    engine = TorchEngine(fold_norms(network), precision="bfloat16" if precision == "bfloat16" else "float32")
    judge = Judge(Predictor(engine, tile=options.tile), head, ArgmaxDecision())
    return lambda: judge.labels(lambda window: image[:, *window.slices], *image.shape[1:])


if __name__ == "__main__":
    main()
