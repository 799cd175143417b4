"""One thread that judges images, together where they fit together, and a queue in front of it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from rareseg.data.image_reading import OpenImage
from rareseg.errors import RaresegError
from rareseg.inference.predict_together import ScoredPrediction, largest_batch, predict_together
from rareseg.inference.segmenter import Segmenter
from rareseg.serve.refusal import Refusal

__all__ = ["JudgeQueue", "Judged"]


@dataclass(frozen=True)
class Judged:
    """A prediction with what it took.

    Attributes:
        prediction: Labels and scores.
        batch: Images that went through the network together with this one, itself included.
        waited: Seconds in the queue.
        seconds: Seconds of the pass.
    """

    prediction: ScoredPrediction
    batch: int
    waited: float
    seconds: float


@dataclass(eq=False)
class _Job:
    image: OpenImage
    kind: tuple[object, ...]
    """Jobs of one kind may go together."""
    most: int
    came: float = field(default_factory=time.monotonic)
    future: Future[Judged] = field(default_factory=Future)


class JudgeQueue:
    """Judges images one batch after the other, in the order in which they came.

    An image waits at most ``batch_wait`` seconds for others of its size; while the network is at work, those that come
    in gather anyway. Images go with the first of their kind, past others that came in between. Labels are those that
    each would get alone. A job that is cancelled before its turn is left out.

    Args:
        segmenter: What judges.
        batch: Images in one pass, at most, see also `largest_batch`.
        batch_wait: Seconds.
        on_batch: Is told how many images went together.

    Example:
        >>> import numpy as np
        >>> from rareseg.data.image_reading import ImageReading
        >>> from rareseg.data.labels import ClassTable
        >>> from rareseg.inference.decision import ArgmaxDecision
        >>> from rareseg.inference.judge import Judge
        >>> from rareseg.inference.predictor import Predictor
        >>> from rareseg.inference.torch_engine import TorchEngine
        >>> from rareseg.models.build import build_model
        >>> from rareseg.models.network import Network
        >>> from rareseg.strategies.heads import build_head
        >>> core = build_model({"name": "unet", "base_channels": 4, "depth": 2}, in_channels=1, num_classes=2)
        >>> engine = TorchEngine(Network(core, mean=[100.0], std=[20.0]))
        >>> judge = Judge(Predictor(engine), build_head({"name": "softmax"}), ArgmaxDecision())
        >>> table = ClassTable.from_names(["background", "crack"])
        >>> queue = JudgeQueue(Segmenter(judge, table, ImageReading()))
        >>> pixels = np.zeros((1, 20, 30), np.uint8)
        >>> image = OpenImage((20, 30), 1, lambda window: pixels[:, *window.slices], lambda window: None)
        >>> judged = queue.submit(image, bands=1, dtype="uint8").result()
        >>> judged.prediction.labels.shape, judged.batch
        ((20, 30), 1)
        >>> queue.close()
    """

    def __init__(
        self,
        segmenter: Segmenter,
        *,
        batch: int = 8,
        batch_wait: float = 0.005,
        on_batch: Callable[[int], None] | None = None,
    ) -> None:
        self._segmenter = segmenter
        self._batch, self._wait = batch, batch_wait
        self._on_batch = on_batch or (lambda number: None)
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._work, name="rareseg-judge", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Images that wait."""
        return len(self._jobs)

    @property
    def is_alive(self) -> bool:
        """Whether it judges and takes more."""
        return self._thread.is_alive() and not self._closing

    def submit(self, image: OpenImage, *, bands: int, dtype: str) -> Future[Judged]:
        """Put an image into the queue.

        Args:
            image: From the segmenter's ``reading``; its file must stay until the future is done.
            bands: Its bands.
            dtype: Its number type.

        Raises:
            Refusal: The queue is closed (503).
        """
        most = min(self._batch, largest_batch(self._segmenter, image.size, image.factor))
        job = _Job(image, (image.size, image.factor, bands, dtype), most)
        with self._changed:
            if self._closing:
                raise Refusal(503, "The server is stopping; ask another one, or again later.", retry_after=5)
            self._jobs.append(job)
            self._changed.notify()
        return job.future

    def close(self) -> None:
        """Take no more, and return when all that wait are judged."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while jobs := self._next():
            running = [job for job in jobs if job.future.set_running_or_notify_cancel()]
            if running:
                self._judge(running)

    def _next(self) -> list[_Job]:
        """The jobs of the next pass; empty when all is done and the queue closed."""
        with self._changed:
            while not self._jobs and not self._closing:
                self._changed.wait()
            if not self._jobs:
                return []
            first = self._jobs[0]
            until = time.monotonic() + self._wait
            while len(self._like(first)) < first.most and not self._closing:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            taken = self._like(first)[: first.most]
            for job in taken:
                self._jobs.remove(job)
            return taken

    def _like(self, first: _Job) -> list[_Job]:
        return [job for job in self._jobs if job.kind == first.kind]

    def _judge(self, jobs: list[_Job]) -> None:
        started = time.monotonic()
        try:
            found = predict_together(self._segmenter, [job.image for job in jobs])
        except Exception as error:  # whatever it is, it must reach those who wait, and the thread goes on
            if len(jobs) > 1 and isinstance(error, RaresegError):
                # One of them is damaged; the others shall not suffer for it.
                for job in jobs:
                    self._judge([job])
                return
            for job in jobs:
                job.future.set_exception(error)
            return
        seconds = time.monotonic() - started
        self._on_batch(len(jobs))
        for job, prediction in zip(jobs, found, strict=True):
            job.future.set_result(Judged(prediction, len(jobs), started - job.came, seconds))
