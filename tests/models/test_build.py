from __future__ import annotations

import pytest

from rareseg.errors import ConfigError, UnknownNameError
from rareseg.models.build import build_model


def test_options_reach_the_model() -> None:
    settings = {"name": "unet", "base_channels": 2, "depth": 3, "momentum": 0.2, "eps": 0.01}
    model = build_model(settings, in_channels=1, num_classes=7)
    assert (model.stride, model.in_channels, model.num_classes) == (8, 1, 7)
    assert (model.bottom.norm1.momentum, model.bottom.norm1.eps) == (0.2, 0.01)
    assert model.head.in_channels == 2
    assert settings == {"name": "unet", "base_channels": 2, "depth": 3, "momentum": 0.2, "eps": 0.01}


def test_a_name_alone_is_the_baseline() -> None:
    assert build_model("unet", in_channels=3, num_classes=5).stride == 16


def test_mistakes() -> None:
    with pytest.raises(UnknownNameError, match=r"no model named 'unett'\. Did you mean 'unet'"):
        build_model("unett", in_channels=1, num_classes=2)
    with pytest.raises(ConfigError, match=r"'model unet': there is no key 'dept'\. Did you mean 'depth'"):
        build_model({"name": "unet", "dept": 3}, in_channels=1, num_classes=2)
    with pytest.raises(ConfigError, match="base_channels: Input should be greater than or equal to 1"):
        build_model({"name": "unet", "base_channels": 0}, in_channels=1, num_classes=2)
    with pytest.raises(ConfigError, match="Expected a model with a name"):
        build_model({"depth": 3}, in_channels=1, num_classes=2)
    with pytest.raises(ConfigError, match="Expected num_classes of at least 1, but got 0"):
        build_model("unet", in_channels=1, num_classes=0)
