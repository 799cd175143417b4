from __future__ import annotations

import pytest

from rareseg.errors import OptionError, UnknownNameError
from rareseg.training.class_choice import choose_classes

NAMES = ("soil", "sand", "rock", "big rock")


@pytest.mark.parametrize(
    ("names", "pixels", "expected"),
    [
        (["rock", "sand", "rock"], None, (1, 2)),
        (["rare"], None, (1, 2, 3)),
        (["rare"], [20, 500, 0, 3], (0, 3)),
        (["rarest"], [20, 500, 0, 3], (3,)),
        (["rarest", "sand"], [20, 500, 0, 3], (1, 3)),
        ([], [1, 2, 3, 4], ()),
    ],
)
def test_what_names_mean(names: list[str], pixels: list[int] | None, expected: tuple[int, ...]) -> None:
    assert choose_classes(names, class_names=NAMES, class_pixels=pixels) == expected


def test_a_class_may_be_called_rare() -> None:
    assert choose_classes(["rare"], class_names=["common", "rare", "other"], class_pixels=[5, 3, 1]) == (1,)


def test_mistakes() -> None:
    with pytest.raises(UnknownNameError, match=r"no class named 'big_rock'\. Did you mean 'big rock'"):
        choose_classes(["big_rock"], class_names=NAMES, class_pixels=None)
    with pytest.raises(OptionError, match=r"its training pixels are needed, but none came"):
        choose_classes(["rarest"], class_names=NAMES, class_pixels=None)
