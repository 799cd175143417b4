"""What heads promise: how answers are joined, what is trained, and that it is what training alone would give."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from rareseg.config.dataset import load_dataset_settings
from rareseg.config.recipe import RecipeSettings
from rareseg.config.study import BudgetSettings, RecordSettings
from rareseg.data.open_dataset import open_dataset
from rareseg.data.splits import make_splits
from rareseg.data.store import open_store
from rareseg.errors import ConfigError, OptionError, UnknownNameError
from rareseg.losses.terms import build_loss
from rareseg.models.network import Network
from rareseg.models.one_vs_rest import OneVsRest
from rareseg.models.shared_encoder import SharedEncoder
from rareseg.models.unet import UNet
from rareseg.sampling.class_locations import ClassLocations
from rareseg.strategies.build_core import build_core
from rareseg.strategies.heads import HEADS, build_head
from rareseg.strategies.join_classes import join_classes
from rareseg.strategies.strategy import Strategy
from rareseg.training.lay_out import TrainingData, lay_out
from rareseg.training.patch_data import PatchData
from rareseg.training.train import train

NAMES = ("background", "square", "line")
MODEL = {"name": "unet", "base_channels": 2, "depth": 2}
SETTINGS = [
    *({"name": name} for name in HEADS),
    *({"name": name, "gate": {"base_channels": 2, "depth": 2}} for name in HEADS),
    {"name": "one_vs_rest", "shared_encoder": True},
    {"name": "one_vs_rest", "budget": "shared"},
]


@pytest.fixture
def data(tiny_dataset: Path) -> TrainingData:
    settings = load_dataset_settings(tiny_dataset)
    source = open_dataset(settings)
    split = make_splits(source, settings.split).train
    return TrainingData(open_store(source, split.regions), ClassLocations.build(source, split), NAMES)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_head_gives_logits_of_every_class_and_trains_every_parameter_once(
    settings: dict[str, object],
) -> None:
    core, head = build_core(settings, MODEL, 3, NAMES), build_head(settings)
    outputs = core(torch.zeros(2, 3, 8, 8))
    assert outputs.shape[1] == core.num_classes
    assert head.class_logits(outputs).shape == (2, 3, 8, 8)
    trained = [p for part in head.parts(NAMES) for p in core.get_submodule(part.module).parameters()]
    assert len(trained) == len(set(trained))
    assert set(trained) == set(core.parameters())


@pytest.mark.parametrize("settings", [s for s in SETTINGS if "gate" not in s], ids=str)
def test_a_gate_leaves_the_start_of_the_segmenter_alone(settings: dict[str, object]) -> None:
    torch.manual_seed(3)
    plain = build_core(settings, MODEL, 3, NAMES)
    torch.manual_seed(3)
    gated = build_core({**settings, "gate": {}}, MODEL, 3, NAMES)
    twin = gated.get_submodule("segmenter").state_dict()
    assert all(torch.equal(value, twin[key]) for key, value in plain.state_dict().items())


def test_answers_are_joined_by_the_rule() -> None:
    odds = torch.tensor([[0.5, 0.9], [3.0, 0.9], [3.0, 4.0], [0.2, 1.5]])
    joined = join_classes(odds.log().T[None, :, None, :])
    assert joined.argmax(dim=1).flatten().tolist() == [0, 1, 2, 2]
    expected = torch.cat([torch.ones(4, 1), odds], dim=1) / (1 + odds.sum(dim=1, keepdim=True))
    torch.testing.assert_close(joined.softmax(dim=1)[0, :, 0].T, expected)


def test_one_class_has_the_probability_of_its_sigmoid() -> None:
    logits = torch.linspace(-5, 5, 7).view(1, 1, 1, 7)
    torch.testing.assert_close(join_classes(logits).softmax(dim=1)[:, 1:], logits.sigmoid())


def test_members_share_nothing_but_the_image() -> None:
    members = [UNet(1, 1, base_channels=2, depth=2) for _ in range(2)]
    model, image = OneVsRest(members), torch.randn(1, 1, 8, 8)
    outputs = model.eval()(image)
    for number, member in enumerate(members):
        torch.testing.assert_close(outputs[:, [number]], member(image))


def test_the_whole_depends_on_the_whole_image_if_a_member_does() -> None:
    local, whole = UNet(1, 1, base_channels=2, depth=2), UNet(1, 1, base_channels=2, depth=3, norm="group")
    assert OneVsRest([local, local]).receptive_radius == local.receptive_radius
    mixed = OneVsRest([local, whole])
    assert (mixed.stride, mixed.receptive_radius) == (8, None)


def test_a_shared_encoder_is_that_of_the_first_member() -> None:
    torch.manual_seed(0)
    members = [UNet(1, 1, base_channels=2, depth=2) for _ in range(3)]
    alone = sum(p.numel() for p in members[0].parameters())
    encoder = sum(p.numel() for name in UNet.ENCODER for p in getattr(members[0], name).parameters())
    model = SharedEncoder(members).eval()
    assert sum(p.numel() for p in model.parameters()) == 3 * alone - 2 * encoder
    image = torch.randn(1, 1, 8, 8)
    outputs = model(image)
    torch.testing.assert_close(outputs[:, :1], members[0](image))
    torch.testing.assert_close(outputs[:, 2:], members[2].decode(members[0].encode(image)))


def test_a_model_without_an_encoder_cannot_be_shared() -> None:
    with pytest.raises(
        OptionError, match="needs a model that separates encoder and decoder, but Conv2d does not"
    ):
        SharedEncoder([nn.Conv2d(1, 1, 1), nn.Conv2d(1, 1, 1)])


def test_binary_models_learn_as_they_would_alone(data: TrainingData, tmp_path: Path) -> None:
    """A plain loop over each model and the same patches gives the same weights."""
    recipe = RecipeSettings(
        head={
            "name": "one_vs_rest",
            "gate": {"base_channels": 2, "depth": 1, "sampling": {"name": "uniform"}},
        },
        model=MODEL,
        loss=[{"name": "focal", "weights": "iscf"}],
        clip_gradient=0.5,
        # Adam would blow up rounding errors in biases that batch norm takes out again.
        optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.0, "weight_decay": 1e-3},
    )
    strategy, budget = (
        Strategy.from_recipe("binary", recipe),
        BudgetSettings(steps=4, batch_size=3, patch_size=32),
    )
    torch.manual_seed(0)
    network = Network(build_core(strategy.head, MODEL, 1, NAMES), mean=[120.0], std=[30.0])
    alone = Network(build_core(strategy.head, MODEL, 1, NAMES), mean=[120.0], std=[30.0])
    alone.load_state_dict(network.state_dict())
    train(
        strategy,
        network,
        data,
        tmp_path,
        seed=0,
        budget=budget,
        record=RecordSettings(validate_every=4),
        device="cpu",
        precision="float32",
        validate=lambda _: 0.0,
        on_step=lambda _: None,
        stop_requested=lambda: False,
    )
    parts = lay_out(strategy, data, seed=0, budget=budget)
    batches = PatchData(data.store, [part.feed for part in parts], fill=network.mean)
    for number, class_index in enumerate((1, 2)):
        member = alone.core.get_submodule(f"segmenter.members.{number}").train()
        optimizer = torch.optim.SGD(member.parameters(), lr=0.1, weight_decay=1e-3)
        loss = build_loss(
            recipe.loss,
            class_pixels=data.class_pixels.tolist(),
            class_names=NAMES,
            activation="sigmoid",
            positive_classes=(class_index,),
        )
        for step in range(4):
            batch = batches[step]["parts"][number]
            optimizer.zero_grad()
            image = (batch["images"].float() - 120) / 30
            loss(member(image), batch["masks"].long()).total.backward()
            nn.utils.clip_grad_norm_(member.parameters(), 0.5)
            optimizer.step()
        trained = network.core.get_submodule(f"segmenter.members.{number}")
        for key, value in member.state_dict().items():
            torch.testing.assert_close(trained.state_dict()[key], value, rtol=1e-4, atol=1e-5)


def test_shared_steps_divide_the_budget() -> None:
    assert build_head({"name": "one_vs_rest", "budget": "shared"}).steps(1000, num_classes=5) == 250
    assert build_head({"name": "one_vs_rest"}).steps(1000, num_classes=5) == 1000


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"name": "sofmax"}, UnknownNameError, "Did you mean 'softmax'"),
        ({"name": "sigmoid", "shared_encoder": True}, ConfigError, "shared_encoder"),
        ({"name": "one_vs_rest", "shared_encoder": True, "budget": "shared"}, OptionError, "leave one out"),
        ({"name": "softmax", "gate": {"beta": 0}}, ConfigError, "beta"),
    ],
)
def test_mistakes_are_named(settings: dict[str, object], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        build_head(settings)
