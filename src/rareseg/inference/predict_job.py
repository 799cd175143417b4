"""Predict many images, large and small, in bounded memory, past broken files, and on from where a kill came."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rareseg import __version__
from rareseg.data.image_reading import OpenImage
from rareseg.errors import ArtefactError, DataError
from rareseg.inference.job_state import JobState
from rareseg.inference.label_strip import LabelStrip
from rareseg.inference.label_writer import LabelWriter, PredictedImage
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.strip_run import StripRun

__all__ = ["JobInput", "JobReport", "JobWatcher", "job_identity", "run_predict_job"]


@dataclass(frozen=True)
class JobInput:
    """An image to predict.

    Args:
        name: One of the names that the writers know.
        open: Gives its pixels.
        num_pixels: By its header; 0 where that cannot be read. For progress.
        identity: What changes when the image does, such as size and time of its file.
        file: Its file; None for a tile of a stack.
    """

    name: str
    open: Callable[[], OpenImage]
    num_pixels: int
    identity: Mapping[str, Any]
    file: Path | None = None


@dataclass
class JobReport:
    """What became of a job.

    Attributes:
        num_done: Images that were predicted now.
        num_kept: Images that were done before.
        failed: Images that could not be used, and why.
        approximate: Images of which tiles are not exact.
        misfits: What is odd about pixels of images.
        megapixels: Predicted now.
        seconds: That took.
    """

    num_done: int = 0
    num_kept: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    approximate: list[str] = field(default_factory=list)
    misfits: dict[str, str] = field(default_factory=dict)
    megapixels: float = 0.0
    seconds: float = 0.0


class JobWatcher:
    """Is told how a job gets on; this one takes note of nothing."""

    def note(self, text: str) -> None:
        """A line worth keeping."""

    def moved(self, pixels: int, *, now: bool, images: int = 0) -> None:
        """So many pixels more are done, and images.

        Args:
            pixels: Since the last call.
            now: Whether they were predicted now, or before.
            images: Images since the last call.
        """


def job_identity(model: Segmenter, formats: Sequence[str], columns: Sequence[str] | None) -> dict[str, Any]:
    """All that results depend on besides the images."""
    table, predictor = model.class_table, model.judge.predictor
    return {
        "rareseg": __version__,
        "model": model.digest or model.name,
        "tile": predictor.tile,
        "whole_pixels": predictor.whole_pixels,
        "reading": model.reading.to_config(),
        "classes": [list(row) for row in zip(table.names, table.values, table.colors, strict=True)],
        "formats": list(formats),
        "columns": None if columns is None else list(columns),
    }


def run_predict_job(
    model: Segmenter,
    inputs: Sequence[JobInput],
    writers: Mapping[str, LabelWriter],
    state: JobState,
    watcher: JobWatcher | None = None,
) -> JobReport:
    """Predict images and write their label maps.

    An image of more rows than a tile goes to disk strip by strip, see `StripRun` for the memory that it takes, and from
    there to the writers; a kill loses one strip of it. An image that cannot be read is noted, and the others are done.

    Args:
        model: What predicts.
        inputs: The images.
        writers: By the names of their formats, from `open_writers`.
        state: What was done before, and where to note what is.
        watcher: Is told how it gets on.

    Returns:
        What became of them. Those that failed are not in the results.

    Raises:
        ArtefactError: The disk is full.
    """
    watcher = watcher or JobWatcher()
    report = JobReport()
    noted, earlier = _kept(inputs, writers, state)
    kept = noted | earlier
    started = time.perf_counter()
    for item in inputs:
        if item.name in kept:
            report.num_kept += 1
            watcher.moved(item.num_pixels, now=False, images=1)
        else:
            try:
                _predict(model, item, writers, state, watcher, report)
            except DataError as error:
                report.failed[item.name] = str(error)
                state.drop_log()
                watcher.note(f"left out: {error}")
                continue
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise ArtefactError(
                    f"The disk is full ({error}); make room for the results, and give the same command again to go on."
                ) from None
        record = state.record(item.name)
        if not record["exact"]:
            report.approximate.append(item.name)
        if record["misfit"] is not None:
            report.misfits[item.name] = record["misfit"]
    names = [item.name for item in inputs]
    if len(earlier) < len(inputs):
        for form, writer in writers.items():
            writer.close(state.entries(form, names) if writer.is_table else ())
    report.seconds = time.perf_counter() - started
    state.close(names, report.failed, model=model.name)
    return report


def _kept(
    inputs: Sequence[JobInput], writers: Mapping[str, LabelWriter], state: JobState
) -> tuple[set[str], set[str]]:
    """Images that need not be predicted: those of which notes are there, and those that an earlier work did.

    The latter keeps tables only as a whole, since what they say of each image is not noted any more.
    """
    alone = [writer for writer in writers.values() if not writer.is_table]
    noted = {
        item.name
        for item in inputs
        if state.is_done(item.name, item.identity) and all(writer.has(item.name) for writer in alone)
    }
    earlier = {
        item.name
        for item in inputs
        if state.was_done(item.name, item.identity)
        and all(writer.has(item.name) for writer in writers.values())
    }
    return noted, earlier if len(alone) == len(writers) or len(earlier) == len(inputs) else set()


def _predict(
    model: Segmenter,
    item: JobInput,
    writers: Mapping[str, LabelWriter],
    state: JobState,
    watcher: JobWatcher,
    report: JobReport,
) -> None:
    """One image from its file to its results."""
    image = item.open()
    height, width = image.size
    scores = any(writer.needs_scores for writer in writers.values())
    with ExitStack() as stack:
        predicted = PredictedImage(item.name, image.size, image, item.file)
        sinks = {form: stack.enter_context(writer.open(predicted)) for form, writer in writers.items()}
        strips: Iterable[LabelStrip]
        if image.factor * height <= model.judge.predictor.tile:
            run = model.strips(image, scores=scores)
            strips = _watched(run, width, watcher, report)
        else:
            log = stack.enter_context(state.log(item.name, item.identity))
            if log.is_foreign:
                watcher.note(
                    f"'{item.name}' is begun afresh: the image, the model or the options have changed."
                )
            run = model.strips(image, scores=scores, after=log.state)
            first = 0 if log.state is None else log.state["row"]
            watcher.moved(first * width, now=False)
            if first < height:
                for strip in _watched(run, width, watcher, report):
                    log.append(strip, run.state)
            strips = log.strips()
        for strip in strips:
            for sink in sinks.values():
                sink.add(strip)
        found = {form: sink.entry() for form, sink in sinks.items()}
        entries = {form: lines for form, lines in found.items() if lines is not None}
    misfit = run.misfit
    record = {
        "num_pixels": height * width,
        "exact": run.exact,
        "misfit": None if misfit is None else str(misfit),
    }
    state.finish(item.name, item.identity, record, entries)
    report.num_done += 1
    watcher.moved(0, now=True, images=1)


def _watched(run: StripRun, width: int, watcher: JobWatcher, report: JobReport) -> Iterator[LabelStrip]:
    """The strips of a run, counted as they come."""
    for strip in run:
        yield strip
        pixels = len(strip.labels) * width
        report.megapixels += pixels / 1e6
        watcher.moved(pixels, now=True)
