"""Pictures of judged pixels."""

from __future__ import annotations

import numpy as np

from rareseg.study.previews import preview_pixels


def test_missing_pixels_are_black_and_leave_the_stretch_alone() -> None:
    image = np.linspace(1000, 1100, 6400, dtype=np.float32).reshape(1, 80, 80)
    clear = preview_pixels(image)
    image[0, 40:, :] = np.nan
    image[0, 0, 0] = np.inf
    image[0, 39, 79] = 1100
    shown = preview_pixels(image)
    assert (shown[40:] == 0).all()
    assert shown[20, 0] > 1.5 * clear[20, 0]
    assert shown[0, 0] == 255


def test_an_image_without_any_data_is_black() -> None:
    assert not preview_pixels(np.full((3, 8, 8), np.nan, np.float32)).any()
