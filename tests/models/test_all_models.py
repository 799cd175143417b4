"""What every registered model promises, tested over the registry."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rareseg.errors import ConfigError
from rareseg.models.build import MODELS, build_model
from rareseg.models.network import Network
from rareseg.models.weights_file import load_weights, save_weights

# Options that make a model small enough to test; a model without an entry is built with its defaults.
SMALL: dict[str, dict[str, Any]] = {
    "unet": {"base_channels": 4, "depth": 2},
    "efficientnet_lite_unet": {"depth": 2, "decoder_channels": [8, 4]},
    "smp": {"architecture": "DeepLabV3Plus", "encoder": "resnet18"},
}


def mark(name: str) -> Any:
    """The model ``smp`` is tested where its library is, see scripts/test-encoders."""
    missing = name == "smp" and find_spec("segmentation_models_pytorch") is None
    skip = pytest.mark.skipif(
        missing, reason="the extra encoders is not installed; run scripts/test-encoders"
    )
    return pytest.param(name, marks=[pytest.mark.encoders, skip] if name == "smp" else [])


@pytest.fixture(params=[mark(name) for name in MODELS])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"name": request.param, **SMALL.get(request.param, {})}


def build(settings: dict[str, Any], *, bands: int = 3, num_classes: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return build_model(settings, in_channels=bands, num_classes=num_classes)


def wrap(settings: dict[str, Any], *, bands: int = 3) -> Network:
    return Network(build(settings, bands=bands), mean=[100.0] * bands, std=[25.0] * bands).eval()


def raw_image(*shape: int) -> torch.Tensor:
    return torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def test_logits_have_the_size_of_the_image(settings: dict[str, Any]) -> None:
    model = build(settings).eval()
    height, width = 2 * model.stride, 3 * model.stride
    assert model(torch.zeros(2, 3, height, width)).shape == (2, 4, height, width)
    assert (model.in_channels, model.num_classes) == (3, 4)


@pytest.mark.parametrize("bands", [1, 2, 3, 4, 5])
def test_any_number_of_bands_and_any_size(settings: dict[str, Any], bands: int) -> None:
    network = wrap(settings, bands=bands)
    for height, width in ((1, 1), (3, 50), (17, 33), (2 * network.stride, network.stride)):
        logits = network(raw_image(1, bands, height, width))
        assert logits.shape == (1, 4, height, width)
        assert logits.isfinite().all()


def test_every_parameter_gets_a_gradient(settings: dict[str, Any]) -> None:
    model = build(settings).train()
    size = 4 * model.stride
    image = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(2))
    # A weighted sum, since a plain one has no gradient through the norms.
    (
        model(image) * torch.randn(2, 4, size, size, generator=torch.Generator().manual_seed(3))
    ).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_images_of_a_batch_do_not_see_each_other(settings: dict[str, Any]) -> None:
    network = wrap(settings)
    batch = raw_image(3, 3, 20, 24)
    alone = torch.cat([network(image[None]) for image in batch])
    torch.testing.assert_close(network(batch), alone, rtol=1e-4, atol=1e-4)


def test_same_seed_same_weights(settings: dict[str, Any]) -> None:
    first, second = build(settings).state_dict(), build(settings).state_dict()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def test_saved_and_loaded_it_answers_the_same(settings: dict[str, Any], tmp_path: Path) -> None:
    network = wrap(settings)
    save_weights(tmp_path / "w.safetensors", network)
    torch.manual_seed(99)
    other = Network(build_model(settings, in_channels=3, num_classes=4), mean=[0.0] * 3, std=[1.0] * 3).eval()
    load_weights(tmp_path / "w.safetensors", other)
    image = raw_image(1, 3, 19, 40)
    assert torch.equal(network(image), other(image))


def test_bfloat16_autocast_is_near_float32(settings: dict[str, Any]) -> None:
    network = wrap(settings)
    image = raw_image(1, 3, 32, 48)
    with torch.no_grad():
        wide = network(image)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            narrow = network(image)
    assert narrow.dtype == torch.bfloat16
    assert float((narrow.float() - wide).abs().mean() / wide.std()) < 0.02


def test_channels_last_answers_the_same(settings: dict[str, Any]) -> None:
    network = wrap(settings)
    image = raw_image(2, 3, 33, 48)
    expected = network(image)
    network.to(memory_format=torch.channels_last)
    out = network(image.to(memory_format=torch.channels_last))
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-4)


def test_no_pixel_beyond_the_receptive_radius_matters(settings: dict[str, Any]) -> None:
    """Everything outside the square that an output pixel may read is changed, at every phase."""
    model = build(settings).double().eval()
    stride, radius = model.stride, model.receptive_radius
    if radius is None:
        pytest.skip("depends on the whole image")
    size = (2 * radius // stride + 4) * stride
    image = torch.randn(1, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    with torch.no_grad():
        before = model(image)
        for phase in range(stride):
            centre = size // 2 // stride * stride + phase
            near = slice(centre - radius, centre + radius + 1)
            changed = torch.full_like(image, 9.0)
            changed[..., near, near] = image[..., near, near]
            after = model(changed)
            torch.testing.assert_close(
                after[..., centre, centre], before[..., centre, centre], rtol=0, atol=1e-12
            )


def test_shifting_by_the_stride_shifts_the_answer(settings: dict[str, Any]) -> None:
    model = build(settings).double().eval()
    stride, radius = model.stride, model.receptive_radius
    if radius is None:
        pytest.skip("depends on the whole image")
    margin = -(-radius // stride) * stride
    size = 2 * margin + 3 * stride
    image = torch.randn(1, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    inner = slice(margin, margin + stride)
    moved = slice(margin + stride, margin + 2 * stride)
    with torch.no_grad():
        whole = model(image)[..., moved, moved]
        cut = model(image[..., stride:, stride:])[..., inner, inner]
    torch.testing.assert_close(cut, whole, rtol=0, atol=1e-12)


def test_it_can_be_exported(settings: dict[str, Any]) -> None:
    network = wrap(settings)
    image = raw_image(1, 3, 20, 24).float()
    exported = torch.export.export(network, (image,)).module()
    torch.testing.assert_close(exported(image), network(image), rtol=1e-4, atol=1e-4)


def test_unknown_options_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="there is no key 'dropuot'"):
        build({**settings, "dropuot": 0.5})
