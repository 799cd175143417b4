"""The queue: who goes with whom, and what happens to those that are cancelled or broken."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from inference.make_segmenter import make_segmenter
from rareseg.data.image_reading import OpenImage
from rareseg.errors import UnreadableFileError
from rareseg.inference.segmenter import Segmenter
from rareseg.serve.judge_queue import JudgeQueue
from rareseg.serve.refusal import Refusal
from rareseg.types import Window


class HeldEngine:
    """An engine that waits until it is let go, and notes the sizes of its batches."""

    def __init__(self, inner: object) -> None:
        self._inner = inner
        self.free, self.entered = threading.Event(), threading.Event()
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def run(self, batch: torch.Tensor, *, part: str | None = None) -> torch.Tensor:
        self.entered.set()
        assert self.free.wait(30)
        self.batches.append(len(batch))
        return self._inner.run(batch, part=part)


def _held() -> tuple[Segmenter, HeldEngine]:
    segmenter = make_segmenter(tile=96)
    engine = HeldEngine(segmenter.judge.predictor.engine)
    judge = replace(segmenter.judge, predictor=segmenter.judge.predictor.with_engine(engine))
    return replace(segmenter, judge=judge), engine


def _image(seed: int, size: tuple[int, int] = (40, 50)) -> OpenImage:
    pixels = np.random.default_rng(seed).integers(0, 255, (1, *size)).astype(np.uint8)
    return OpenImage(size, 1, lambda window: pixels[:, *window.slices], lambda window: None)


def test_images_that_gather_behind_a_busy_network_go_together() -> None:
    segmenter, engine = _held()
    seen: list[int] = []
    queue = JudgeQueue(segmenter, batch=3, batch_wait=0.0, on_batch=seen.append)
    first = queue.submit(_image(0), bands=1, dtype="uint8")
    assert engine.entered.wait(30)
    # One of another size comes in between; the fifth of the first size finds the batch full.
    others = [queue.submit(_image(seed), bands=1, dtype="uint8") for seed in (1, 2)]
    wide = queue.submit(_image(3, (40, 80)), bands=1, dtype="uint8")
    others += [queue.submit(_image(seed), bands=1, dtype="uint8") for seed in (4, 5)]
    assert len(queue) == 5
    engine.free.set()
    queue.close()
    assert engine.batches == seen == [1, 3, 1, 1]
    assert [job.result().batch for job in (first, *others, wide)] == [1, 3, 3, 3, 1, 1]
    plain = make_segmenter(tile=96)
    for seed, job in zip((1, 2, 4, 5), others, strict=True):
        assert np.array_equal(job.result().prediction.labels, plain.predict(_image(seed)).labels)


def test_an_image_waits_a_little_for_others() -> None:
    segmenter, engine = _held()
    engine.free.set()
    queue = JudgeQueue(segmenter, batch=2, batch_wait=30.0)
    jobs = [queue.submit(_image(seed), bands=1, dtype="uint8") for seed in range(2)]
    assert [job.result(20).batch for job in jobs] == [2, 2]
    queue.close()


def test_a_job_that_is_cancelled_before_its_turn_is_left_out() -> None:
    segmenter, engine = _held()
    queue = JudgeQueue(segmenter, batch=1, batch_wait=0.0)
    running = queue.submit(_image(0), bands=1, dtype="uint8")
    assert engine.entered.wait(30)
    waiting = queue.submit(_image(1), bands=1, dtype="uint8")
    assert waiting.cancel()
    assert not running.cancel()
    engine.free.set()
    queue.close()
    assert engine.batches == [1]
    assert running.result().batch == 1


def test_a_broken_image_does_not_spoil_the_others_of_its_batch() -> None:
    def broken(window: Window) -> np.ndarray:
        raise UnreadableFileError("the file ends in the middle")

    segmenter, engine = _held()
    queue = JudgeQueue(segmenter, batch=3, batch_wait=0.0)
    first = queue.submit(_image(0), bands=1, dtype="uint8")
    assert engine.entered.wait(30)
    good = queue.submit(_image(1), bands=1, dtype="uint8")
    bad = queue.submit(replace(_image(2), read=broken), bands=1, dtype="uint8")
    engine.free.set()
    queue.close()
    assert first.result().batch == good.result().batch == 1
    with pytest.raises(UnreadableFileError, match="ends in the middle"):
        bad.result()


def test_a_fault_reaches_all_that_wait_for_it_and_the_queue_goes_on() -> None:
    segmenter, engine = _held()
    engine.free.set()
    queue = JudgeQueue(segmenter, batch=1)
    wrong = queue.submit(replace(_image(0), read=lambda window: 1 / 0), bands=1, dtype="uint8")
    with pytest.raises(ZeroDivisionError):
        wrong.result(20)
    assert queue.is_alive
    assert queue.submit(_image(1), bands=1, dtype="uint8").result(20).prediction.labels.shape == (40, 50)
    queue.close()


def test_a_closed_queue_finishes_what_it_has_and_takes_no_more() -> None:
    segmenter, engine = _held()
    queue = JudgeQueue(segmenter, batch=1)
    jobs = [queue.submit(_image(seed), bands=1, dtype="uint8") for seed in range(3)]
    engine.free.set()
    queue.close()
    assert all(job.done() for job in jobs)
    assert not queue.is_alive
    with pytest.raises(Refusal, match="The server is stopping"):
        queue.submit(_image(9), bands=1, dtype="uint8")
