"""The baseline is what section 3.2 of the foil thesis describes, and its receptive field is what it says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from measured_reach import measured_reach
from rareseg.errors import ConfigError
from rareseg.models.build import build_model
from rareseg.models.unet import UNet


def test_the_layers_of_section_3_2() -> None:
    model = UNet(3, 5)
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert sorted(m.out_channels for m in convolutions) == sorted([32, 64, 128, 256] * 4 + [512, 512, 5])
    assert all(m.kernel_size == (3, 3) and m.padding == (1, 1) and m.stride == (1, 1) for m in convolutions)
    ups = [m for m in model.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels) for m in ups] == [(64, 32), (128, 64), (256, 128), (512, 256)]
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == len(convolutions) - 1  # after each convolution but the last
    assert all(m.momentum == 0.1 and m.eps == 1e-3 for m in norms)
    assert sum(isinstance(m, nn.ReLU) for m in model.modules()) == len(norms)


def test_number_of_parameters() -> None:
    """3 x 3 convolutions with bias, 2 x 2 transposed ones, and two numbers a channel of batch norm."""

    def convolution(incoming: int, out: int) -> int:
        return 9 * incoming * out + out

    total = convolution(3, 32) + convolution(32, 32) + convolution(32, 5)
    for width in (32, 64, 128, 256):
        total += convolution(width, 2 * width) + convolution(2 * width, 2 * width)  # downwards
        total += 4 * 2 * width * width + width  # transposed
        total += convolution(2 * width, width) + convolution(width, width)  # upwards
    total += 2 * 2 * (2 * (32 + 64 + 128 + 256) + 512)
    assert sum(p.numel() for p in UNet(3, 5).parameters()) == total == 7_767_397


def test_weights_start_as_in_the_paper() -> None:
    torch.manual_seed(0)
    model = UNet(3, 5)
    for layer, inputs in (
        (model.bottom.conv2, 9 * 512),
        (model.decoder[3].conv1, 9 * 512),
        (model.up[3], 512),
    ):
        assert float(layer.weight.detach().std()) == pytest.approx((2 / inputs) ** 0.5, rel=0.02)
        assert not layer.bias.any()


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_receptive_radius_is_reached_and_never_passed(depth: int) -> None:
    model = UNet(1, 1, base_channels=1, depth=depth)
    assert measured_reach(model) == model.receptive_radius


def test_an_image_without_contrast_gives_finite_logits_while_training() -> None:
    assert UNet(1, 2, base_channels=2, depth=1).train()(torch.zeros(2, 1, 4, 4)).isfinite().all()


def test_the_two_level_network_of_the_mars_report() -> None:
    """Two blocks down, a bottleneck and two up; in its other form group norm and dropout in each."""
    form = {"name": "unet", "depth": 2, "norm": "group", "dropout": 0.3}
    model = build_model(form, in_channels=1, num_classes=5)
    blocks = [*model.encoder, model.bottom, *model.decoder]
    assert len(model.encoder) == len(model.decoder) == 2
    for block in blocks:
        kinds = [type(layer) for layer in block]
        assert kinds == [nn.Conv2d, nn.GroupNorm, nn.ReLU] * 2 + [nn.Dropout]
        assert block.dropout.p == 0.3
    assert model.receptive_radius is None


def test_forms_without_dropout_have_the_same_keys_of_weights() -> None:
    plain = UNet(1, 2, base_channels=4, depth=2)
    assert list(UNet(1, 2, base_channels=4, depth=2, dropout=0.5).state_dict()) == list(plain.state_dict())
    keys = [key for key in plain.state_dict() if "running" not in key and "batches" not in key]
    assert list(UNet(1, 2, base_channels=4, depth=2, norm="group").state_dict()) == keys


def test_dropout_only_while_training() -> None:
    torch.manual_seed(0)
    model = UNet(1, 2, base_channels=4, depth=2, dropout=0.5)
    image = torch.randn(2, 1, 8, 8)
    assert not torch.equal(model(image), model(image))
    model.eval()
    assert torch.equal(model(image), model(image))


def test_momentum_of_group_norm_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="'momentum' is of batch norm, but 'norm' is 'group'; leave one of them out"
    ):
        build_model({"name": "unet", "norm": "group", "momentum": 0.2}, in_channels=1, num_classes=2)
