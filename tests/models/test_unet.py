"""The baseline is what section 3.2 of the foil thesis describes, and its receptive field is what it says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

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
    """With positive weights and mean pooling every pixel that can matter has a gradient above 0."""
    model = UNet(1, 1, base_channels=1, depth=depth).double().eval()
    for parameter in model.parameters():
        nn.init.constant_(parameter, 1.0)
    model.pool = nn.AvgPool2d(2)
    stride, radius = model.stride, model.receptive_radius
    blocks = 2 * (radius // stride + 2)
    reach = []
    for phase in range(stride):
        image = torch.ones(1, 1, blocks * stride, stride, dtype=torch.float64, requires_grad=True)
        row = blocks // 2 * stride + phase
        model(image)[0, 0, row].sum().backward()
        touched = image.grad[0, 0].sum(dim=1).nonzero().flatten()
        reach += [row - int(touched.min()), int(touched.max()) - row]
    assert max(reach) == radius


def test_an_image_without_contrast_gives_finite_logits_while_training() -> None:
    assert UNet(1, 2, base_channels=2, depth=1).train()(torch.zeros(2, 1, 4, 4)).isfinite().all()
