from __future__ import annotations

import numpy as np
import pytest

from rareseg.sampling.plan import Corners
from rareseg.sampling.redraw import Redraw


class Fallback:
    """Says 'nothing else' with its own number as the column."""

    num_uniforms = 1

    def __call__(self, u, index=None):
        return corners(np.full(len(u), -1), u[:, 0], index)


def corners(row, col, index):
    return Corners(
        np.zeros(len(row), np.int64) if index is None else index,
        np.asarray(row, np.int64),
        (np.asarray(col) * 1000).astype(np.int64),
    )


def draw(u, index):
    """Row from a fresh number; the column tells the shared ones, before and after it."""
    return corners(np.floor(u[:, 1] * 10), u[:, 0] + u[:, 2] / 10, index)


@pytest.mark.parametrize("num", [1, 7, 40, 2000])
def test_the_first_draw_that_will_do_is_taken_whatever_comes_with_it(num):
    """However many patches are asked for at once, the outcome is the one of a plain loop."""
    redraw = Redraw(
        draw, num=3, kept=1, fresh=1, condition=lambda c: c.row == 3, fallback=Fallback(), attempts=5
    )
    assert redraw.num_uniforms == 2 + 1 + 5
    u = np.random.default_rng(0).random((num, 8))
    index = np.arange(num) + 100
    expected = []
    for number, numbers in zip(index.tolist(), u, strict=True):
        first, after, spare, *fresh = numbers
        shared = int((first + after / 10) * 1000)
        good = [value for value in fresh if int(value * 10) == 3]
        expected.append((number, 3, shared) if good else (number, -1, int(spare * 1000)))
    assert np.stack(redraw(u, index)).T.tolist() == [list(item) for item in expected]
    assert (np.stack(redraw(u, index)) == np.stack(redraw(np.hstack([u, u]), index))).all()


def test_each_attempt_has_numbers_of_its_own():
    redraw = Redraw(
        lambda u, index: corners(u[:, 0] * 10, u[:, 1], index),
        num=2,
        condition=lambda c: c.row == 3,
        fallback=Fallback(),
        attempts=3,
    )
    u = np.array([[0.9, 0.1, 0.11, 0.3, 0.22, 0.35, 0.33], [0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]])
    assert np.stack(redraw(u)).T.tolist() == [[0, 3, 220], [0, -1, 900]]


def test_a_draw_without_fresh_numbers_is_made_once():
    calls = []

    def fixed(u, index):
        calls.append(len(u))
        return corners(np.zeros(len(u)), u[:, 0], index)

    redraw = Redraw(fixed, num=1, kept=1, condition=lambda c: c.row > 0, fallback=Fallback(), attempts=9)
    assert redraw.num_uniforms == 2
    assert redraw(np.array([[0.5, 0.25]])).col.tolist() == [250]
    assert calls == [1]
