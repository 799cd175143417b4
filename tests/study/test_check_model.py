from __future__ import annotations

from typing import Any

import pytest
import torch

from rareseg.errors import OptionError
from rareseg.models.build import build_model
from rareseg.study.check_model import check_model


def check(
    model: dict[str, Any],
    *,
    patch: tuple[int, int] = (64, 64),
    batch_size: int = 2,
    images: list[tuple[int, int]] | None = None,
) -> tuple[str, ...]:
    with torch.device("meta"):
        core = build_model(model, in_channels=1, num_classes=2)
    return check_model(
        core,
        patch_sizes=[(64, 64), patch],
        batch_size=batch_size,
        image_sizes=images or [],
        whole_megapixels=0.01,
    )


def test_sizes_that_suit_are_not_worth_a_word() -> None:
    assert check({"name": "unet"}, images=[(64, 64), (1000, 1000)]) == ()
    assert check({"name": "se_unet"}, images=[(100, 100)]) == ()
    assert check({"name": "one_conv"}, patch=(16, 16), batch_size=1, images=[(1, 1)]) == ()


def test_up_to_twice_the_pixels_are_allowed() -> None:
    assert check({"name": "unet", "depth": 5}, patch=(16, 64)) == ()
    with pytest.raises(OptionError, match="A patch of 16 x 63 pixels would be mirrored to 32 x 64") as caught:
        check({"name": "unet", "depth": 5}, patch=(16, 63))
    assert "stride is 32" in str(caught.value)
    assert "Give a larger patch_size, or the model a smaller depth" in str(caught.value)


@pytest.mark.parametrize("model", ["unet", "unetplusplus", "se_unet"])
def test_batch_norm_of_a_single_value_is_refused(model: str) -> None:
    with pytest.raises(OptionError, match="a single value at the bottom of the model, whose stride is 16"):
        check({"name": model}, patch=(16, 16), batch_size=1)
    assert check({"name": model}, patch=(16, 16), batch_size=2) == ()


def test_group_norm_takes_a_batch_of_one() -> None:
    assert check({"name": "unet", "norm": "group"}, patch=(16, 16), batch_size=1) == ()


def test_images_that_are_smaller_than_the_stride() -> None:
    (note,) = check({"name": "unet"}, images=[(16, 7), (16, 8), (500, 3)])
    assert note.startswith("2 of 3 judged images more than double when they are mirrored to multiples")
    assert "stride, 16" in note


def test_images_that_a_model_which_needs_them_whole_does_not_get_whole() -> None:
    (note,) = check({"name": "double_unet"}, images=[(100, 101), (100, 100), (16, 700)])
    assert note.startswith(
        "the model depends on the whole image, but 2 of 3 judged images have more than 0.01"
    )
