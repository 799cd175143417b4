"""Strips put together are the label map of the whole image, bit for bit, wherever they begin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from inference.make_segmenter import make_segmenter
from rareseg.data.image_reading import OpenImage
from rareseg.data.resampling import enlarge, majority, source_window
from rareseg.errors import OptionError
from rareseg.inference.decision import ArgmaxDecision
from rareseg.inference.label_strip import SCORE_SCALE
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.small_regions import remove_small_regions
from rareseg.types import Window

SIZES = [(150, 97), (33, 130), (31, 20), (200, 64)]


def open_array(pixels: np.ndarray, *, factor: int = 1, has_holes: bool = False) -> OpenImage:
    """An image in memory, enlarged as files are; NaN marks pixels without data where asked."""
    height, width = pixels.shape[1:]

    def read(window: Window) -> np.ndarray:
        box = source_window(window, factor, height, width) if factor > 1 else window
        part = pixels[:, *box.slices]
        return enlarge(part, window, factor, height, width) if factor > 1 else part

    def invalid(window: Window) -> np.ndarray | None:
        found = np.isnan(pixels[:, *window.slices]).any(axis=0) if has_holes else np.zeros(1, bool)
        return found if found.any() else None

    return OpenImage(size=(height, width), factor=factor, read=read, invalid=invalid)


def make_image(size: tuple[int, int], *, bands: int = 1, seed: int = 0) -> np.ndarray:
    """Noise of several scales, so that regions are small and large."""
    rng = np.random.default_rng(seed)
    coarse = rng.normal(0, 40, (bands, size[0] // 8 + 1, size[1] // 8 + 1)).repeat(8, 1).repeat(8, 2)
    noise = rng.normal(110, 20, (bands, *size))
    return (coarse[:, : size[0], : size[1]] + noise).clip(0, 255).astype(np.uint8)


def whole_map(segmenter: Segmenter, image: OpenImage) -> tuple[np.ndarray, np.ndarray]:
    """Label map and probabilities by the plain way: everything at once."""
    height, width = (image.factor * length for length in image.size)
    pixels = image.read(Window(0, 0, height, width))
    judge = segmenter.judge
    logits = judge.head.class_logits(judge.predictor.engine.run(torch.from_numpy(pixels)[None]))
    labels = remove_small_regions(
        logits[0].argmax(0).numpy().astype(np.uint8), judge.decision.smallest_regions
    )
    chances = logits[0].softmax(0).numpy()
    scores = np.take_along_axis(chances, labels[None].astype(int), 0)[0] * (labels > 0)
    if image.factor > 1:
        fine = labels
        labels = majority(fine, image.factor, segmenter.class_table.num_classes)
        means = np.zeros(image.size)
        for row, col in np.argwhere(labels > 0):
            block = (slice(2 * row, 2 * row + 2), slice(2 * col, 2 * col + 2))
            means[row, col] = scores[block][fine[block] == labels[row, col]].mean()
        scores = means
    invalid = image.invalid(Window(0, 0, *image.size))
    if invalid is not None:
        labels, scores = np.where(invalid, 255, labels), np.where(invalid, 0, scores)
    return labels, scores


def check(segmenter: Segmenter, image: OpenImage) -> None:
    """All rows, in order and once, equal the plain way, also when another process goes on at any strip."""
    expected, chances = whole_map(segmenter, image)
    run = segmenter.strips(image, scores=True)
    states, strips = [], []
    for strip in run:
        strips.append(strip)
        states.append(run.state)
    assert [strip.row for strip in strips] == [0, *(strip.end for strip in strips[:-1])]
    labels = np.concatenate([strip.labels for strip in strips])
    np.testing.assert_array_equal(labels, expected)
    assert len(set(np.unique(labels)) - {255}) == 3, "the test shows all classes"
    scores = np.concatenate([strip.scores for strip in strips])
    np.testing.assert_allclose(scores / SCORE_SCALE, chances, atol=2e-5)
    np.testing.assert_array_equal(segmenter.predict(image).labels, labels)
    for number, state in enumerate(states[:-1]):
        rest = list(segmenter.strips(image, scores=True, after=state))
        assert rest[0].row == strips[number + 1].row
        np.testing.assert_array_equal(np.concatenate([strip.labels for strip in rest]), labels[rest[0].row :])
        np.testing.assert_array_equal(np.concatenate([strip.scores for strip in rest]), scores[rest[0].row :])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
def test_strips_are_the_whole_image(size: tuple[int, int], head: str) -> None:
    check(make_segmenter(head=head), open_array(make_image(size)))


@pytest.mark.parametrize("smallest", [(0, 6, 12), (0, 0, 40), (0, 90, 2)])
@pytest.mark.parametrize("size", [(150, 97), (200, 64)])
def test_small_regions_go_as_in_the_whole_image(smallest: tuple[int, ...], size: tuple[int, int]) -> None:
    check(make_segmenter(smallest=smallest), open_array(make_image(size, seed=1)))


def test_holes_are_ignored_and_do_not_cut_regions() -> None:
    pixels = make_image((150, 97), bands=2).astype(np.float32)
    pixels[:, 20:70, 30:50] = np.nan
    pixels[0, 120, :] = np.nan
    check(make_segmenter(bands=2, smallest=(0, 8, 8)), open_array(pixels, has_holes=True))


@pytest.mark.parametrize("tile", [28, 32])
def test_enlarged_images_give_labels_in_pixels_of_the_file(tile: int) -> None:
    pixels = make_image((75, 60)).astype(np.float32)
    pixels[:, 30:33, 8:20] = np.nan
    image = open_array(pixels, factor=2, has_holes=True)
    check(make_segmenter(smallest=(0, 9, 9), tile=tile), image)


def test_a_model_that_needs_the_whole_image_gives_one_strip() -> None:
    segmenter = make_segmenter(model="se_unet")
    (strip,) = segmenter.strips(open_array(make_image((90, 70))))
    np.testing.assert_array_equal(strip.labels, whole_map(segmenter, open_array(make_image((90, 70))))[0])


def test_tiles_of_another_size_give_the_same_labels() -> None:
    image = open_array(make_image((150, 97)))
    segmenter = make_segmenter()
    other = segmenter.with_tile(64)
    assert [strip.row for strip in other.strips(image)] == [0, 64, 128]
    np.testing.assert_array_equal(other.predict(image).labels, segmenter.predict(image).labels)
    with pytest.raises(OptionError, match="at least 1 row and column, but has 0"):
        segmenter.with_tile(0)


def test_the_tally_goes_on_where_it_stood() -> None:
    """Pixels divided by 255 are noticed, although the second process sees the last rows only."""
    segmenter, image = make_segmenter(), open_array(make_image((150, 97)).astype(np.float32) / 255)
    run = segmenter.strips(image)
    for _ in run:
        if run.state["row"] == 128:
            break
    rest = segmenter.strips(image, after=run.state)
    seen = rest.state["pixels"]["number"][0]
    assert seen > 128 * 97
    for _ in rest:
        pass
    assert rest.state["pixels"]["number"][0] > seen
    assert "divided by 255" in str(rest.misfit)


def test_scores_are_told_after_the_temperature_and_labels_do_not_depend_on_it() -> None:
    plain = make_segmenter()
    hot = replace(plain, judge=replace(plain.judge, decision=ArgmaxDecision(temperature=2.5)))
    pixels = np.random.default_rng(3).integers(0, 255, (1, 40, 56), dtype=np.uint8)
    batch = torch.from_numpy(pixels)[None]
    logits = plain.judge.head.class_logits(plain.judge.predictor.engine.run(batch))[0].numpy()
    shares = np.exp(logits / 2.5) / np.exp(logits / 2.5).sum(axis=0)
    strips = list(hot.judge.strips(lambda window: pixels[:, *window.slices], 40, 56, scores=True))
    labels = np.concatenate([strip.labels for strip in strips])
    scores = np.concatenate([strip.scores for strip in strips if strip.scores is not None])
    np.testing.assert_array_equal(labels, logits.argmax(axis=0))
    found = labels > 0
    assert found.sum() > 100
    expected = np.take_along_axis(shares, labels[None].astype(int), axis=0)[0]
    np.testing.assert_allclose(scores[found] / SCORE_SCALE, expected[found], atol=1e-4)
