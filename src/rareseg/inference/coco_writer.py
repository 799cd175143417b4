"""The format ``coco``: every predicted region as an annotation with run lengths, as tools of COCO take them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rareseg.artefacts import atomic_path
from rareseg.data.coco_counts import compress_runs
from rareseg.inference.label_writer import WRITERS, LabelSink, PredictedImage, WriterOptions
from rareseg.inference.region_sink import RegionSink, region_figures
from rareseg.metrics.region_stream import Regions, RegionStream

__all__ = ["CocoWriter"]


@WRITERS.register("coco")
class CocoWriter:
    """Writes images, categories and annotations in one JSON file.

    Each 8-connected region is an annotation with compressed run lengths, ``area``, ``bbox`` (left, top, width, height)
    and ``score``, the mean probability of its pixels. Categories have the values of the classes as ids; the background
    is none. The dataset format of the same name reads such files.

    Args:
        options: ``out`` is the file.
    """

    place = "coco.json"
    is_table = True
    takes_columns = False
    needs_scores = True

    def __init__(self, options: WriterOptions) -> None:
        self._out = options.out
        self._class_table = options.class_table
        self._ids = {image: number for number, image in enumerate(options.images, start=1)}

    def has(self, name: str) -> bool:
        """Whether the file is there."""
        return self._out.is_file()

    @contextmanager
    def open(self, image: PredictedImage) -> Iterator[LabelSink]:
        """A sink for one image."""
        height, width = image.size

        def annotations(regions: Regions) -> Iterator[str]:
            assert regions.runs is not None, "the stream keeps runs"
            yield f"{height} {width}"
            figures = region_figures(regions, self._class_table, None)
            for runs, row in zip(regions.runs, figures, strict=True):
                annotation = {
                    "image_id": self._ids[image.name],
                    "category_id": row["value"],
                    "segmentation": {"size": [height, width], "counts": compress_runs(runs, height * width)},
                    "area": row["area"],
                    "bbox": [row["left"], row["top"], row["width"], row["height"]],
                    "iscrowd": 0,
                    "score": row["mean_score"],
                }
                yield json.dumps(annotation)

        yield RegionSink(RegionStream(image.size, keep_runs=True), annotations)

    def close(self, entries: Iterable[tuple[str, Iterable[str]]]) -> None:
        """Write the file."""
        pairs = zip(self._class_table.values[1:], self._class_table.names[1:], strict=True)
        categories = [{"id": value, "name": name} for value, name in pairs]
        images: list[dict[str, Any]] = []
        number = 0
        with atomic_path(self._out) as temporary, temporary.open("w", encoding="utf-8") as file:
            file.write('{"annotations": [')
            for image, entry in entries:
                lines = iter(entry)
                height, width = map(int, next(lines).split())
                images.append({"id": self._ids[image], "file_name": image, "height": height, "width": width})
                for annotation in lines:
                    number += 1
                    before = "\n" if number == 1 else ",\n"
                    file.write(f'{before}{{"id": {number}, {annotation[1:]}')
            rest = json.dumps(categories, ensure_ascii=False)
            file.write(f'\n],\n"categories": {rest},\n"images": {json.dumps(images, ensure_ascii=False)}}}\n')
