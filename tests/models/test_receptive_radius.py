from __future__ import annotations

from rareseg.models.receptive_radius import receptive_radius


def test_the_worst_phase_counts() -> None:
    """Pooled by three, a neighbour to the left alone, and scaled up again: the last of three sees five back."""
    assert receptive_radius(lambda first, last: (3 * (first // 3 - 1), 3 * (last // 3) + 2), stride=3) == 5


def test_a_point_sees_itself() -> None:
    assert receptive_radius(lambda first, last: (first, last), stride=4) == 0
