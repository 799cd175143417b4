"""What a client gets to know of an image."""

from __future__ import annotations

import base64
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from rareseg import __version__
from rareseg.data.indexed_png import write_indexed_png
from rareseg.data.labels import ClassTable
from rareseg.inference.label_strip import SCORE_SCALE, LabelStrip
from rareseg.inference.label_writer import PredictedImage, WriterOptions
from rareseg.inference.predict_together import ScoredPrediction
from rareseg.inference.region_sink import place_of, region_figures
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.writers import open_writers
from rareseg.metrics.column_runs import ColumnRunCollector, ColumnRuns
from rareseg.metrics.region_stream import RegionStream
from rareseg.serve.judge_queue import Judged
from rareseg.serve.upload import Upload
from rareseg.types import IGNORE_INDEX

__all__ = ["Answer", "ClassMask", "FoundRegion", "class_masks", "label_png", "make_answer", "overlay_png"]

Masks = Literal["rle", "png", "none"]


class ClassInfo(BaseModel):
    """A class of the model."""

    index: int
    """Its number in label maps; 0 is the background."""
    name: str
    value: int
    """Its value in the masks of the dataset."""
    color: str


class FoundRegion(BaseModel):
    """An 8-connected region of one class; rows and columns count from 0 in the corner at the top left."""

    class_name: str
    class_index: int
    area: int
    """Pixels."""
    centroid: tuple[float, float]
    """Row and column; the centre of the first pixel is 0, 0."""
    box: tuple[int, int, int, int]
    """Row, column, height and width."""
    mean_score: float
    """Mean probability of its class over its pixels."""
    max_score: float
    mean_disagreement: float | None = None
    """Of an ensemble, from 0 to 1; null for a single network."""
    x: float | None = None
    """Centroid in the coordinates of a georeferenced tif; null for others."""
    y: float | None = None
    area_m2: float | None = None


class ClassMask(BaseModel):
    """The pixels of one class as COCO's uncompressed run lengths."""

    class_name: str
    """``ignored`` for pixels without data."""
    size: tuple[int, int]
    """Height and width."""
    counts: list[int]
    """Down the columns, from the left: pixels that are not of the class, then that are, and so on in turn."""


class Seconds(BaseModel):
    """Where the time went."""

    waited: float
    """In the queue."""
    judged: float
    """In the network, with all images of the same pass."""


class Answer(BaseModel):
    """What the model says of an image."""

    model: str
    rareseg: str
    """Version."""
    height: int
    width: int
    exact: bool
    """Whether the labels are those of the image in one piece; overlapping tiles may differ."""
    warning: str | None
    """What is odd about the pixels, set beside those of training."""
    classes: list[ClassInfo]
    regions: list[FoundRegion]
    masks: list[ClassMask] | None = None
    """With ``masks=rle``: of every class but the background that is there."""
    label_png: str | None = None
    """With ``masks=png``: the label map as an indexed png, in base64."""
    overlay_png: str | None = None
    """With ``overlay=true``: the image with its regions in colour as a png, in base64."""
    batch: int
    """Images that went through the network together with this one."""
    seconds: Seconds


def make_answer(
    segmenter: Segmenter,
    upload: Upload,
    judged: Judged,
    *,
    model: str,
    masks: Masks = "rle",
    overlay: bool = False,
) -> Answer:
    """Everything about an image in one object.

    Args:
        segmenter: What judged it.
        upload: The image.
        judged: What it said.
        model: The model's name.
        masks: How label maps are given.
        overlay: Whether there is a picture for people.
    """
    found, table = judged.prediction, segmenter.class_table
    height, width = found.labels.shape
    classes = [
        ClassInfo(index=index, name=name, value=table.values[index], color=_hex(table.colors[index]))
        for index, name in enumerate(table.names)
    ]
    misfit = (
        None if found.misfit is None else f"The image does not look like the training images: {found.misfit}"
    )
    return Answer(
        model=model,
        rareseg=__version__,
        height=height,
        width=width,
        exact=found.exact,
        warning=misfit,
        classes=classes,
        regions=_regions(found, table, PredictedImage("image", (height, width), file=upload.path)),
        masks=class_masks(found.labels, table) if masks == "rle" else None,
        label_png=_base64(label_png(found.labels, table, upload)) if masks == "png" else None,
        overlay_png=_base64(overlay_png(found.labels, segmenter, upload)) if overlay else None,
        batch=judged.batch,
        seconds=Seconds(waited=round(judged.waited, 4), judged=round(judged.seconds, 4)),
    )


def class_masks(labels: NDArray[np.uint8], table: ClassTable) -> list[ClassMask]:
    """Run lengths of every class but the background that is there, and of ignored pixels.

    Example:
        >>> table = ClassTable.from_names(["background", "crack"])
        >>> (mask,) = class_masks(np.array([[0, 1], [1, 1]], np.uint8), table)
        >>> mask.counts
        [1, 3]
    """
    ignored = (labels == IGNORE_INDEX).astype(np.uint8)
    names = [*table.names[1:], "ignored"]
    runs = [*_runs(labels, table.num_classes), *_runs(ignored, 2)]
    return [
        ClassMask(class_name=name, size=labels.shape, counts=_counts(own, labels.size))
        for name, own in zip(names, runs, strict=True)
        if len(own.starts)
    ]


def label_png(labels: NDArray[np.uint8], table: ClassTable, upload: Upload) -> bytes:
    """The label map as an indexed png, made in the upload's folder."""
    path = upload.folder / "labels.png"
    write_indexed_png(path, labels, table.palette())
    return path.read_bytes()


def overlay_png(labels: NDArray[np.uint8], segmenter: Segmenter, upload: Upload) -> bytes:
    """The image with its regions in colour, of 4096 rows and columns at most."""
    engine, folder = segmenter.judge.predictor.engine, upload.folder / "overlay"
    options = WriterOptions(folder, ("image",), segmenter.class_table, mean=engine.mean, std=engine.std)
    image = PredictedImage("image", upload.image.size, opened=upload.image)
    with open_writers(["overlay"], options)["overlay"].open(image) as sink:
        sink.add(LabelStrip(0, labels))
    return (folder / "image.png").read_bytes()


def _regions(found: ScoredPrediction, table: ClassTable, image: PredictedImage) -> list[FoundRegion]:
    stream = RegionStream(image.size)
    stream.add(found.labels, found.scores)
    figures = region_figures(stream.close(), table, place_of(image))
    doubts: list[float | None] = [None] * len(figures)
    if found.doubts is not None:
        again = RegionStream(image.size)
        again.add(found.labels, found.doubts)
        regions = again.close()
        doubts = np.round(regions.sum_scores / regions.area / SCORE_SCALE, 6).tolist()
    return [
        FoundRegion(
            class_name=row["class"],
            class_index=table.names.index(row["class"]),
            area=row["area"],
            centroid=(row["row"], row["col"]),
            box=(row["top"], row["left"], row["height"], row["width"]),
            mean_score=row["mean_score"],
            max_score=row["max_score"],
            mean_disagreement=doubt,
            x=row["x"],
            y=row["y"],
            area_m2=row["area_m2"],
        )
        for row, doubt in zip(figures, doubts, strict=True)
    ]


def _runs(labels: NDArray[np.uint8], num_classes: int) -> list[ColumnRuns]:
    collector = ColumnRunCollector((labels.shape[0], labels.shape[1]))
    collector.add(labels)
    return collector.close(num_classes=num_classes)


def _counts(runs: ColumnRuns, num_pixels: int) -> list[int]:
    bounds = np.stack([runs.starts, runs.starts + runs.lengths], axis=1).reshape(-1)
    counts: list[int] = np.diff(bounds, prepend=0, append=num_pixels).tolist()
    return counts[:-1] if counts[-1] == 0 else counts


def _hex(color: tuple[int, int, int]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
