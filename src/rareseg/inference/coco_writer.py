"""The format ``coco``: every predicted region as an annotation with run lengths, as tools of COCO take them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from rareseg.data.coco_counts import compress_runs
from rareseg.inference.label_writer import WRITERS, PredictedImage, WriterOptions
from rareseg.inference.region_format import RegionFormat
from rareseg.inference.region_sink import region_figures
from rareseg.metrics.region_stream import Regions

__all__ = ["COCO"]


def _annotations(regions: Regions, image: PredictedImage, options: WriterOptions) -> Iterator[str]:
    assert regions.runs is not None, "the stream keeps runs"
    height, width = image.size
    yield f"{height} {width}"
    figures = region_figures(regions, options.class_table, None)
    for runs, row in zip(regions.runs, figures, strict=True):
        annotation = {
            "category_id": row["value"],
            "segmentation": {"size": [height, width], "counts": compress_runs(runs, height * width)},
            "area": row["area"],
            "bbox": [row["left"], row["top"], row["width"], row["height"]],
            "iscrowd": 0,
            "score": row["mean_score"],
        }
        yield json.dumps(annotation)


def _write(file: TextIO, entries: Iterable[tuple[str, Iterable[str]]], options: WriterOptions) -> None:
    pairs = zip(options.class_table.values[1:], options.class_table.names[1:], strict=True)
    categories = [{"id": value, "name": name} for value, name in pairs]
    # Where images fail, the ids of the others stay what they are.
    numbers = {image: number for number, image in enumerate(options.images, start=1)}
    images: list[dict[str, Any]] = []
    number = 0
    file.write('{"annotations": [')
    for image, entry in entries:
        lines = iter(entry)
        height, width = map(int, next(lines).split())
        images.append({"id": numbers[image], "file_name": image, "height": height, "width": width})
        for annotation in lines:
            number += 1
            before = "\n" if number == 1 else ",\n"
            file.write(f'{before}{{"id": {number}, "image_id": {numbers[image]}, {annotation[1:]}')
    rest = json.dumps(categories, ensure_ascii=False)
    file.write(f'\n],\n"categories": {rest},\n"images": {json.dumps(images, ensure_ascii=False)}}}\n')


COCO = RegionFormat("coco.json", _annotations, _write, keep_runs=True)
"""Images, categories and annotations in one JSON file.

Each 8-connected region is an annotation with compressed run lengths, ``area``, ``bbox`` (left, top, width, height) and
``score``, the mean probability of its pixels. Categories have the values of the classes as ids; the background is none.
The dataset format of the same name reads such files.
"""
WRITERS.register("coco")(COCO)
