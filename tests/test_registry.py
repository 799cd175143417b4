from __future__ import annotations

import pytest

from rareseg.errors import MissingExtraError, UnknownNameError
from rareseg.registry import Registry


def test_an_unknown_name_lists_the_options_and_the_nearest() -> None:
    losses: Registry[int] = Registry("loss")
    losses.register("focal")(1)
    losses.register("dice")(2)
    with pytest.raises(
        UnknownNameError, match=r"There is no loss named 'focl'\. Did you mean 'focal'\? Known: dice, focal\."
    ):
        losses["focl"]
    assert list(losses) == ["dice", "focal"]
    assert "dice" in losses


def test_a_name_is_registered_once() -> None:
    losses: Registry[int] = Registry("loss")
    losses.register("focal")(1)
    with pytest.raises(ValueError, match="loss 'focal' is registered twice"):
        losses.register("focal")(2)


def test_a_missing_extra_prints_its_install_line() -> None:
    with pytest.raises(MissingExtraError, match=r"pip install 'rareseg\[fast\]'"):
        raise MissingExtraError("numba", extra="fast", purpose="Counting")


def test_thousands_of_names_are_not_all_listed() -> None:
    error = UnknownNameError("sample", "im0x", [f"im{number:04d}" for number in range(5000)])
    assert str(error).endswith("im0079 and 4920 more.")
    assert len(str(error)) < 1000
