"""Models of segmentation_models_pytorch: what the library gives is what comes out, and mistakes are named."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from rareseg.errors import ArtefactError, ConfigError, MissingExtraError, OptionError, UnknownNameError
from rareseg.models.build import build_model
from rareseg.models.cost import cost_table
from rareseg.models.library import smp_architecture
from rareseg.models.network import Network

needs_library = pytest.mark.skipif(
    find_spec("segmentation_models_pytorch") is None,
    reason="the extra encoders is not installed; run scripts/test-encoders",
)
# Smallest sizes whose multiples each takes, and options where the defaults are for another encoder.
VIT = {"encoder": "tu-vit_tiny_patch16_224", "encoder_options": {"dynamic_img_size": True}}
ARCHITECTURES: dict[str, tuple[int, dict[str, Any]]] = {
    "DPT": (32, VIT),
    "DeepLabV3": (8, {}),
    "DeepLabV3Plus": (16, {}),
    "FPN": (32, {}),
    "Linknet": (32, {}),
    "MAnet": (32, {}),
    "PAN": (128, {}),
    "PSPNet": (8, {}),
    "Segformer": (32, {"encoder": "mit_b0"}),
    "UPerNet": (32, {}),
    "Unet": (32, {}),
    "UnetPlusPlus": (32, {}),
}


def build(bands: int = 3, **options: Any) -> Any:
    torch.manual_seed(0)
    settings = {"name": "smp", "encoder": "resnet18", **options}
    return build_model(settings, in_channels=bands, num_classes=4)


@pytest.mark.encoders
@needs_library
def test_every_architecture_of_the_library_is_here() -> None:
    import segmentation_models_pytorch as smp

    assert {made.__name__ for made in smp.MODEL_ARCHITECTURES_MAPPING.values()} == set(ARCHITECTURES)


@pytest.mark.encoders
@needs_library
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_architecture_takes_any_bands_and_any_size(architecture: str) -> None:
    stride, options = ARCHITECTURES[architecture]
    with torch.device("meta"):  # as a study is checked
        model = build(2, architecture=architecture, **options)
    assert (model.stride, model.in_channels, model.num_classes) == (stride, 2, 4)
    network = Network(model, mean=[0.0, 0.0], std=[1.0, 1.0]).eval()
    with torch.no_grad():
        for height, width in ((1, 1), (40, 50)):
            logits = network(torch.zeros(2, 2, height, width))
            assert logits.shape == (2, 4, height, width)
            assert logits.isfinite().all()
    rows = cost_table(model, (1, 2, stride, 2 * stride))
    assert sum(row.macs for row in rows) > 0


@pytest.mark.encoders
@needs_library
@pytest.mark.parametrize("encoder", ["resnet34", "efficientnet-b3", "tu-mobilenetv3_small_050"])
def test_the_answer_is_that_of_the_library(encoder: str) -> None:
    import segmentation_models_pytorch as smp

    model = build(encoder=encoder, encoder_depth=4, options={"decoder_channels": [32, 16, 8, 4]}).eval()
    theirs = smp.Unet(encoder, 4, None, decoder_channels=(32, 16, 8, 4), classes=4).eval()
    theirs.load_state_dict(model.model.state_dict())
    pixels = torch.randn(1, 3, 32, 48, generator=torch.Generator().manual_seed(1))
    assert model.stride == 16
    with torch.no_grad():
        torch.testing.assert_close(model(pixels), theirs(pixels))


@pytest.mark.encoders
@needs_library
@pytest.mark.parametrize("encoder", ["resnet34", "efficientnet-b3"])
def test_one_step_of_training_lowers_the_loss(encoder: str) -> None:
    model = build(1, encoder=encoder).train()
    pixels = torch.randn(2, 1, 64, 64, generator=torch.Generator().manual_seed(2))
    target = (pixels[:, 0] > 1).long()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in range(2):
        torch.manual_seed(3)  # the same stochastic depth in both
        loss = nn.functional.cross_entropy(model(pixels), target)
        optimizer.zero_grad()
        loss.backward()
        first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
        assert first.weight.grad is not None
        assert first.weight.grad.any()
        optimizer.step()
        losses.append(loss.item())
    assert losses[1] < losses[0]


@pytest.mark.encoders
@needs_library
@pytest.mark.parametrize("name", ["resnet18.safetensors", "resnet18.pth"])
def test_weights_come_from_a_file(name: str, tmp_path: Path) -> None:
    state = {key: tensor.clone() for key, tensor in build().model.encoder.state_dict().items()}
    path = tmp_path / name
    if path.suffix == ".pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    torch.manual_seed(9)
    settings = {"name": "smp", "encoder": "resnet18", "encoder_weights": str(path)}
    filled = build_model(settings, in_channels=1, num_classes=2).model.encoder.state_dict()
    assert torch.equal(filled.pop("conv1.weight"), state.pop("conv1.weight").sum(dim=1, keepdim=True))
    assert all(torch.equal(filled[key], tensor) for key, tensor in state.items())
    with torch.device("meta"), pytest.raises(ArtefactError, match="those of another network"):
        build_model({**settings, "encoder": "resnet34"}, in_channels=1, num_classes=2)


@pytest.mark.encoders
@needs_library
@pytest.mark.parametrize("encoder", ["resnet18", "tu-resnet18"])
def test_a_download_that_fails_says_what_else_can_be_done(
    encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with (
        torch.device("meta"),
        pytest.raises(
            ConfigError, match=rf"'imagenet' of the encoder {encoder} cannot be downloaded .* give the file"
        ),
    ):
        build(encoder=encoder, encoder_weights="imagenet")


@pytest.mark.encoders
@needs_library
def test_unknown_names_list_what_there_is() -> None:
    for options, text in (
        (
            {"architecture": "Unett"},
            r"no architecture named 'Unett'\. Did you mean 'Unet'\? Known: DPT, DeepLab",
        ),
        ({"encoder": "resnet43"}, r"no encoder named 'resnet43'\. Did you mean 'resnet34'"),
        ({"encoder": "tu-resnet43"}, r"no encoder named 'tu-resnet43'\. Did you mean 'tu-resnet34'"),
        (
            {"encoder_weights": "imagnet"},
            r"weights of the encoder resnet18 named 'imagnet'\. Did you mean 'imagenet'",
        ),
        (
            {"options": {"decoder_chanels": [1]}},
            r"no option of Unet named 'decoder_chanels'\. Did you mean",
        ),
    ):
        with pytest.raises(UnknownNameError, match=text):
            build(**options)


@pytest.mark.encoders
@needs_library
def test_options_that_have_no_place() -> None:
    for options, text in (
        ({"options": {"activation": "softmax"}}, "'activation' cannot be among .* losses take logits"),
        ({"options": {"encoder_name": "resnet34"}}, "it is the key 'encoder'"),
        ({"encoder_options": {"img_size": 64}}, "'encoder_options' are for encoders of timm"),
    ):
        with pytest.raises(OptionError, match=text):
            build(**options)
    for options, text in (
        (
            {"options": {"decoder_channels": [1]}},
            "cannot make Unet with the encoder resnet18 of these options",
        ),
        (
            {"architecture": "FPN", "options": {"upsampling": 2}},
            r"answers an image of 32 x 64 pixels with 16 x 32\)",
        ),
        (
            {"architecture": "UnetPlusPlus", "encoder": "mit_b0"},
            "UnetPlusPlus is not support encoder_name=mit_b0",
        ),
    ):
        with pytest.raises(ConfigError, match=text):
            build(**options)


@pytest.mark.parametrize("package", ["segmentation_models_pytorch", "torchvision"])
def test_the_missing_extra_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smp_architecture, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(
        MissingExtraError, match=rf"'smp' needs the package '{package}'\. .*pip install 'rareseg\[encoders\]'"
    ):
        build()
