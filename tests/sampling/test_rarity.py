from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from rareseg.sampling.uniforms import uniforms

PIXELS = {"background": 2721, "crack": 119, "cavity": 8}


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0])
def test_chances_follow_the_power_of_the_inverse_frequency(temperature, make_plan, masks):
    """With patches of one pixel the class drawn is the class seen."""
    plan = make_plan({"name": "rarity", "temperature": temperature}, (1, 1))
    odds = np.array([(1 / pixels) ** temperature for pixels in PIXELS.values()])
    expected = odds / odds.sum()
    assert plan.planned_patches == pytest.approx(dict(zip(PIXELS, expected.tolist(), strict=True)))
    corners = plan.draw(uniforms(4, np.arange(20_000), 4))
    seen = [masks[number][row, col] for number, row, col in zip(*corners, strict=True)]
    assert stats.chisquare(np.bincount(seen, minlength=3), 20_000 * expected).pvalue > 1e-3


def test_temperature_0_draws_the_named_classes_alike(make_plan):
    plan = make_plan({"name": "rarity", "temperature": 0, "classes": ["crack", "rarest"]})
    assert plan.planned_patches == {"crack": 0.5, "cavity": 0.5}
    assert plan.describe() == "rarity: 16 x 16 patches, temperature 0: crack 50%, cavity 50%"
