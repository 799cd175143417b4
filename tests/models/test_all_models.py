"""What every registered model promises, tested over the registry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rareseg.errors import ConfigError, OptionError
from rareseg.models.build import MODELS, build_model
from rareseg.models.cost import cost_table
from rareseg.models.network import Network
from rareseg.models.one_vs_rest import OneVsRest
from rareseg.models.shared_encoder import SharedEncoder
from rareseg.models.weights_file import load_weights, save_weights
from tiny import SMALL_MODELS, model_param

# Every model as it comes, and forms of them that have other layers.
FORMS: dict[str, dict[str, Any]] = {
    **{name: {"name": name} for name in MODELS},
    "unet of group norm and dropout": {"name": "unet", "norm": "group", "dropout": 0.2},
    "unetplusplus of plain blocks": {"name": "unetplusplus", "residual": False, "dropout": 0.0},
}


def small(form: str) -> dict[str, Any]:
    return {**SMALL_MODELS.get(FORMS[form]["name"], {}), **FORMS[form]}


def mark(form: str) -> object:
    return model_param(form, name=FORMS[form]["name"])


@pytest.fixture(params=[mark(form) for form in FORMS])
def settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    return small(request.param)


def build(settings: dict[str, Any], *, bands: int = 3, num_classes: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return build_model(settings, in_channels=bands, num_classes=num_classes)


GLOBAL = ("se_unet", "double_unet", "smp", "unet of group norm and dropout")
"""Forms in which an output pixel depends on the whole image."""


@pytest.mark.parametrize("form", [mark(form) for form in FORMS])
def test_forms_that_see_the_whole_image_are_known(form: str) -> None:
    assert (build(small(form)).receptive_radius is None) == (form in GLOBAL)


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


@pytest.mark.parametrize("form", [form for form in FORMS if form not in GLOBAL])
def test_no_pixel_beyond_the_receptive_radius_matters(form: str) -> None:
    """Everything outside the square that an output pixel may read is changed, at every phase."""
    model = build(small(form)).double().eval()
    stride, radius = model.stride, model.receptive_radius
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


@pytest.mark.parametrize("form", [mark(form) for form in GLOBAL])
def test_without_a_receptive_radius_the_furthest_pixels_matter(form: str) -> None:
    model = build(small(form)).double().eval()
    assert model.receptive_radius is None
    size = 32 * model.stride
    image = torch.randn(1, 3, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    image.requires_grad_()
    model(image)[0, :, 0, 0].sum().backward()
    assert image.grad[..., -1, -1].any()


@pytest.mark.parametrize("form", [form for form in FORMS if form not in GLOBAL])
def test_shifting_by_the_stride_shifts_the_answer(form: str) -> None:
    model = build(small(form)).double().eval()
    stride, radius = model.stride, model.receptive_radius
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


@pytest.mark.usefixtures("shapes_unchecked")
def test_it_can_be_compiled(settings: dict[str, Any]) -> None:
    """Traced in one piece, gradients included; what a compiler makes of it is torch's own business."""
    torch.compiler.reset()  # torch traces one call eight times at most, and all models share jaxtyping's
    network = wrap(settings)
    image = raw_image(1, 3, 16, 24)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    expected, answer = network(image), compiled(image)
    torch.testing.assert_close(answer, expected, rtol=1e-4, atol=1e-4)
    parameters = tuple(network.parameters())
    torch.testing.assert_close(
        torch.autograd.grad(answer.square().sum(), parameters),
        torch.autograd.grad(expected.square().sum(), parameters),
        rtol=1e-3,
        atol=1e-3,
    )


def test_its_costs_are_those_that_torch_counts(settings: dict[str, Any]) -> None:
    model = build(settings)
    height, width = 2 * model.stride, 3 * model.stride
    rows = cost_table(model, (2, 3, height, width))
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in model.parameters())
    assert rows[-1].activation_bytes == 2 * 4 * height * width * 4
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model.to("meta").eval()(torch.empty(1, 3, height, width, device="meta"))
    assert 2 * sum(row.macs for row in rows) == counter.get_total_flops()


def test_the_registry_knows_which_encoders_can_be_shared(settings: dict[str, Any]) -> None:
    members = [build(settings, num_classes=1) for _ in range(3)]
    if not MODELS[settings["name"]].shares_encoder:
        with pytest.raises(
            OptionError, match=r"choose one of the models .*se_unet, unet, unetplusplus, or leave"
        ):
            SharedEncoder(members)
        return
    with torch.no_grad():
        alone = OneVsRest(members).eval()(torch.ones(1, 3, 8, 8))
        shared = SharedEncoder(members)
        torch.testing.assert_close(shared.eval()(torch.ones(1, 3, 8, 8))[:, 0], alone[:, 0])
    assert shared.receptive_radius == members[0].receptive_radius
    model = shared.train()
    (model(torch.randn(2, 3, 16, 16)) * torch.randn(2, 3, 16, 16)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_unknown_options_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="there is no key 'dropuot'"):
        build({**settings, "dropuot": 0.5})
