"""What a server counts about itself, as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

__all__ = ["Telemetry"]

_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_IMAGES = (1, 2, 4, 8, 16, 32)


class Telemetry:
    """Counters of one server; each server has a registry of its own.

    Args:
        waiting: Gives the number of images that wait.

    Example:
        >>> telemetry = Telemetry(lambda: 2)
        >>> telemetry.answered("/predict", 200, 0.3)
        >>> text = telemetry.text().decode()
        >>> 'rareseg_requests_total{path="/predict",status="200"} 1.0' in text, "rareseg_queue_length 2.0" in text
        (True, True)
    """

    content_type = CONTENT_TYPE_LATEST

    def __init__(self, waiting: Callable[[], int]) -> None:
        registry = self._registry = CollectorRegistry()
        self._requests = Counter(
            "rareseg_requests", "Answered requests.", ["path", "status"], registry=registry
        )
        self._seconds = Histogram(
            "rareseg_request_seconds",
            "From the first byte of a request to the last of its answer, of successful predictions.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._pixels = Counter(
            "rareseg_megapixels", "Megapixels of images that were judged.", registry=registry
        )
        self._batches = Histogram(
            "rareseg_batch_images",
            "Images in one pass of the network.",
            buckets=_IMAGES,
            registry=registry,
        )
        queue = Gauge("rareseg_queue_length", "Images that wait for the network.", registry=registry)
        queue.set_function(lambda: float(waiting()))

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request got its answer."""
        self._requests.labels(path, str(status)).inc()
        if path == "/predict" and status == 200:
            self._seconds.observe(seconds)

    def judged(self, megapixels: float) -> None:
        """An image was judged."""
        self._pixels.inc(megapixels)

    def passed(self, images: int) -> None:
        """Images went through the network together."""
        self._batches.observe(images)

    def text(self) -> bytes:
        """All figures in Prometheus's text format."""
        return generate_latest(self._registry)
