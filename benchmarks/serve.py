"""Images a second and latencies of `rareseg serve`, asked by clients over the network, batched and one by one.

    OMP_NUM_THREADS=1 python benchmarks/serve.py [--clients 1 4 16] [--requests 96] [--size 256] [--repeats 3]

For each number of clients, two servers of the same network, in processes of their own, are asked in turn: `--batch 1`
and `--batch 8`. Every client sends its next image (a png) when it has the answer (json with run lengths) to the last.
The network has random weights and takes all but a thousandth of the pixels for background. The last columns are the
median and the 95th percentile of latencies over all rounds.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import httpx
import numpy as np
import torch
from PIL import Image

from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.inference.decision import ArgmaxDecision
from rareseg.inference.judge import Judge
from rareseg.inference.predictor import Predictor
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.strategies.heads import build_head

CLASSES = ["background", "crack", "cavity", "trail", "blob"]

_BACKGROUND = 0.999
"""Share of the pixels that the network takes for background, as one for rare classes does."""


def main() -> None:
    """Print a row for each number of clients and each way."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--requests", type=int, default=96, help="in a round, of all clients together")
    parser.add_argument("--size", type=int, default=256, help="rows and columns of an image")
    parser.add_argument("--channels", type=int, default=16, help="first maps of the U-Net")
    parser.add_argument("--repeats", type=int, default=3, help="rounds of each way, in turn")
    options = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(
        f"{device}, {os.cpu_count()} cores, torch {torch.__version__}, {torch.get_num_threads()} threads of torch"
    )
    print(f"U-Net of {options.channels} first maps, {options.size} x {options.size} pixels, 3 bands\n")
    print("| clients | batch | images/s | ratio | images in a pass | median ms | 95 % ms |")
    print("|---|---|---|---|---|---|---|")
    images = [_png(seed, options.size) for seed in range(16)]
    with _served(1, options.channels, device) as plain, _served(8, options.channels, device) as batched:
        servers = {1: plain, 8: batched}
        for address in servers.values():
            _round(address, images, clients=2, requests=8)
        for clients in options.clients:
            found: dict[int, list[_Round]] = {batch: [] for batch in servers}
            for _ in range(options.repeats):
                for batch, address in servers.items():
                    found[batch].append(_round(address, images, clients=clients, requests=options.requests))
            usual = statistics.median(one.rate for one in found[1])
            for batch, rounds in found.items():
                rate = statistics.median(one.rate for one in rounds)
                latencies = np.concatenate([one.latencies for one in rounds])
                together = np.mean(np.concatenate([one.batches for one in rounds]))
                half, late = np.percentile(latencies, [50, 95]) * 1000
                figures = f"{rate:.1f} | {rate / usual:.2f} | {together:.1f} | {half:.0f} | {late:.0f}"
                print(f"| {clients} | {batch} | {figures} |")


class _Round:
    def __init__(self, seconds: float, latencies: list[float], batches: list[int]) -> None:
        self.rate = len(latencies) / seconds
        self.latencies, self.batches = latencies, batches


def _round(address: str, images: list[bytes], *, clients: int, requests: int) -> _Round:
    """Let clients ask at once, each one request after the other."""
    left = iter(range(requests))
    lock = threading.Lock()
    latencies: list[float] = []
    batches: list[int] = []

    def ask() -> None:
        with httpx.Client(timeout=120) as client:
            while True:
                with lock:
                    number = next(left, None)
                if number is None:
                    return
                started = time.perf_counter()
                answer = client.post(f"{address}/predict", content=images[number % len(images)])
                answer.raise_for_status()
                latency, batch = time.perf_counter() - started, json.loads(answer.content)["batch"]
                with lock:
                    latencies.append(latency)
                    batches.append(batch)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(latencies) == requests, "a request failed"
    return _Round(time.perf_counter() - started, latencies, batches)


def _png(seed: int, size: int) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, format="PNG")
    return file.getvalue()


@contextmanager
def _served(batch: int, channels: int, device: str) -> Iterator[str]:
    """The address of a server in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, batch, channels, device))
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, batch: int, channels: int, device: str) -> None:
    from rareseg.serve.make_app import make_app
    from rareseg.serve.run_server import open_socket, run_server
    from rareseg.serve.serve_options import ServeOptions
    from rareseg.serve.service import Service

    torch.manual_seed(0)
    core = build_model({"name": "unet", "base_channels": channels}, in_channels=3, num_classes=len(CLASSES))
    network = Network(core, mean=[127.5] * 3, std=[74.0] * 3).eval()
    with torch.no_grad():
        logits = network(torch.randint(0, 256, (1, 3, 256, 256), dtype=torch.uint8))[0]
        core.head.bias[0] += torch.quantile(logits[1:].amax(dim=0) - logits[0], _BACKGROUND)
    judge = Judge(
        Predictor(TorchEngine(network, device=device)), build_head({"name": "softmax"}), ArgmaxDecision()
    )
    segmenter = Segmenter(judge, ClassTable.from_names(CLASSES), ImageReading())
    service = Service(segmenter, ServeOptions(batch=batch), name="benchmark")
    server = open_socket("127.0.0.1", 0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the log of requests
    run_server(make_app(service), server, grace=10, started=lambda: pipe.send(server.getsockname()[1]))


if __name__ == "__main__":
    main()
