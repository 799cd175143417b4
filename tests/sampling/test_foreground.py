from __future__ import annotations

import numpy as np
import pytest

from rareseg.errors import OptionError
from rareseg.sampling.uniforms import uniforms


def test_patches_are_centred_on_classes_alike(make_plan, masks):
    """Odd patches small enough for their middle to stay on the pixel wherever it is not near a border."""
    plan = make_plan({"name": "foreground", "share": 1.0}, (3, 3))
    corners = plan.draw(uniforms(0, np.arange(6000), 5))
    middle = []
    for number, row, col in zip(*corners, strict=True):
        window = masks[number][row : row + 3, col : col + 3]
        middle.append(window[1, 1])
        assert np.isin(window, [1, 2]).any()
    # Two of the eight pixels of cavity lie in corners, where the patch is pushed and shows another class in
    # the middle: of the half that is for cavity 6 / 8 show it there.
    assert np.mean(np.array(middle) == 2) == pytest.approx(0.5 * 6 / 8, abs=0.035)


def test_the_share_and_the_rest(make_plan):
    plan = make_plan({"name": "foreground", "share": 0.4, "classes": ["cavity"]})
    u = uniforms(3, np.arange(2000), 5)
    rest = u[:, 0] >= 0.4
    uniform = make_plan("uniform").draw(u[rest][:, 2:5])
    assert all((a[rest] == b).all() for a, b in zip(plan.draw(u), uniform, strict=True))
    assert plan.planned_patches == {"cavity": 0.4}


def test_the_default_is_a_third_of_all_classes_with_pixels(make_plan):
    plan = make_plan("foreground")
    assert plan.planned_patches == {"crack": 0.165, "cavity": 0.165}
    assert plan.describe() == (
        "foreground: 16 x 16 patches, 33% centred on crack, cavity alike, the rest uniform"
    )
    with pytest.raises(OptionError, match="should name each class once, but 'cavity' is there twice"):
        make_plan({"name": "foreground", "classes": ["cavity", "rarest"]})
