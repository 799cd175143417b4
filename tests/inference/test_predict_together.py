"""Images that share a pass of the network are judged as they are alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from inference.make_segmenter import make_segmenter
from rareseg.data.image_reading import OpenImage
from rareseg.data.resampling import enlarge, source_window
from rareseg.inference.engine import Engine
from rareseg.inference.gate import GateScorer, ImageGate
from rareseg.inference.join_segmenters import join_segmenters
from rareseg.inference.label_strip import SCORE_SCALE
from rareseg.inference.predict_together import largest_batch, predict_together
from rareseg.inference.segmenter import Segmenter
from rareseg.types import Window


def _image(
    seed: int, size: tuple[int, int], *, dtype: str = "uint8", factor: int = 1, most: int = 255
) -> OpenImage:
    pixels = np.random.default_rng(seed).integers(0, most, (1, *size)).astype(dtype)

    def read(window: Window) -> np.ndarray:
        if factor == 1:
            return pixels[:, *window.slices]
        return enlarge(pixels[:, *source_window(window, factor, *size).slices], window, factor, *size)

    return OpenImage(size, factor, read, lambda window: None)


def _models() -> dict[str, Segmenter]:
    plain = make_segmenter(tile=96, smallest=(0, 5, 5))
    return {
        "plain": plain,
        "sigmoid": make_segmenter(tile=96, head="sigmoid"),
        "whole image": make_segmenter(tile=96, model="se_unet"),
        "views": join_segmenters([plain], tta="turns"),
    }


@pytest.mark.parametrize("model", _models())
@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_together_is_as_alone(model: str, dtype: str) -> None:
    segmenter = _models()[model]
    images = [_image(seed, (45, 70), dtype=dtype) for seed in range(3)]
    together = predict_together(segmenter, images)
    for image, found in zip(images, together, strict=True):
        alone = segmenter.predict(image)
        assert np.array_equal(found.labels, alone.labels)
        assert len(np.unique(found.labels)) > 1
        (again,) = predict_together(segmenter, [image])
        assert np.array_equal(again.labels, found.labels)
        assert np.abs(again.scores.astype(int) - found.scores).max() <= 1
        assert (found.misfit, found.exact) == (alone.misfit, alone.exact)
        assert (found.scores[found.labels == 0] == 0).all()
        assert found.scores[found.labels > 0].min() > SCORE_SCALE // 4


def test_enlarged_images_go_together() -> None:
    segmenter = make_segmenter(tile=96, factor=2)
    images = [_image(seed, (20, 31), factor=2) for seed in range(2)]
    for image, found in zip(images, predict_together(segmenter, images), strict=True):
        assert found.labels.shape == (20, 31)
        assert np.array_equal(found.labels, segmenter.predict(image).labels)


def test_a_batch_has_at_most_the_pixels_of_a_tile_with_its_halo() -> None:
    segmenter = make_segmenter(tile=96)
    predictor = segmenter.judge.predictor
    side = predictor.tile + 2 * predictor.halo
    assert largest_batch(segmenter, (47, 30)) == side**2 // (48 * 32)
    assert largest_batch(segmenter, (24, 15), factor=2) == side**2 // (48 * 32)
    assert largest_batch(segmenter, (96, 96)) == side**2 // 96**2
    assert largest_batch(segmenter, (97, 10)) == 1


class _Gated:
    """Adds a gate, which opens for images with a bright pixel, and keeps the sizes of batches that were segmented."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        if part == "gate":
            return batch.double().amax(dim=(1, 2, 3)) - 200.0
        self.batches.append(len(batch))
        return self._engine.run(batch)


@pytest.mark.parametrize(
    ("bright", "batches"),
    [((True, False, True, True), [3]), ((False, True, False, False), [1]), ((False,) * 4, [])],
)
def test_a_gate_is_asked_first_and_what_it_lets_pass_goes_together(
    bright: tuple[bool, ...], batches: list[int]
) -> None:
    segmenter = make_segmenter(tile=96, smallest=(0, 5, 5))
    engine = _Gated(segmenter.judge.predictor.engine)
    predictor = segmenter.judge.predictor.with_engine(engine)
    gate = ImageGate(GateScorer(predictor, "gate", (32, 32)), 0.5)
    gated = replace(segmenter, judge=replace(segmenter.judge, predictor=predictor, gate=gate))
    assert largest_batch(gated, (45, 70)) == largest_batch(segmenter, (45, 70)) > 3
    images = [_image(seed, (45, 70), most=255 if lit else 150) for seed, lit in enumerate(bright)]
    together = predict_together(gated, images)
    assert engine.batches == batches
    for image, found, lit in zip(images, together, bright, strict=True):
        alone = gated.predict(image)
        assert np.array_equal(found.labels, alone.labels)
        assert (found.misfit, found.exact) == (alone.misfit, alone.exact)
        assert found.labels.any() == lit
