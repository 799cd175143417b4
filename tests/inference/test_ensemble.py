"""Ensembles: means worked out by hand, flips and turns undone exactly, tiles equal to the whole image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import Tensor

from rareseg.config.dataset import ClassSettings
from rareseg.data.image_reading import ImageReading, OpenImage
from rareseg.data.labels import ClassTable
from rareseg.errors import OptionError, UnknownNameError
from rareseg.inference.decision import ArgmaxDecision
from rareseg.inference.ensemble_engine import EnsembleEngine, Member
from rareseg.inference.ensemble_head import EnsembleHead
from rareseg.inference.gate import GateScorer, ImageGate
from rareseg.inference.join_segmenters import join_segmenters
from rareseg.inference.judge import Judge
from rareseg.inference.predictor import Predictor
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.symmetries import SYMMETRIES, symmetries
from rareseg.inference.torch_engine import TorchEngine
from rareseg.inference.uncertainty import predict_with_uncertainty
from rareseg.models.build import build_model
from rareseg.models.network import Network
from rareseg.strategies.heads import build_head

SOFTMAX = build_head({"name": "softmax"})


@dataclass
class FixedEngine:
    """Says the same of every pixel, whatever the image."""

    logits: tuple[float, ...]
    gate_logit: float = 0.0
    in_channels: int = 1
    stride: int = 1
    receptive_radius: int | None = 0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def run(self, batch: Tensor, *, part: str | None = None) -> Tensor:
        if part is not None:
            return torch.full((len(batch),), self.gate_logit)
        return torch.tensor(self.logits).view(1, -1, 1, 1).expand(len(batch), -1, *batch.shape[-2:])


def _network(seed: int, *, depth: int = 2, name: str = "unet") -> Network:
    torch.manual_seed(seed)
    core = build_model({"name": name, "base_channels": 4, "depth": depth}, in_channels=2, num_classes=3)
    network = Network(core, mean=[100.0] * 2, std=[30.0 + seed] * 2)
    network.train()
    with torch.no_grad():
        for _ in range(3):
            network(torch.randint(0, 255, (2, 2, 64, 64), dtype=torch.uint8))
    return network.eval()


def _engine(*members: FixedEngine | TorchEngine, tta: str = "none") -> EnsembleEngine:
    return EnsembleEngine([Member(member, SOFTMAX) for member in members], symmetries(tta))


def _log_odds(*chances: float) -> tuple[float, ...]:
    return tuple(math.log(chance) for chance in chances)


@pytest.mark.parametrize("name", SYMMETRIES)
def test_symmetries_are_distinct_undone_exactly_and_what_numpy_makes_of_them(name: str) -> None:
    image = torch.arange(24).reshape(1, 2, 3, 4)
    seen = set()
    for symmetry in symmetries(name):
        moved = symmetry.apply(image)
        expected = image.numpy()
        expected = np.swapaxes(expected, -1, -2) if symmetry.exchange else expected
        expected = np.flip(expected, -2) if symmetry.flip_rows else expected
        expected = np.flip(expected, -1) if symmetry.flip_cols else expected
        assert np.array_equal(moved.numpy(), expected)
        assert torch.equal(symmetry.undo(moved), image)
        seen.add((tuple(moved.shape), tuple(moved.flatten().tolist())))
    assert len(seen) == {"none": 1, "flips": 4, "turns": 8}[name]


def test_turns_hold_the_quarter_turns() -> None:
    image = torch.arange(12).reshape(3, 4)
    moved = [symmetry.apply(image) for symmetry in symmetries("turns")]
    for turns in range(4):
        assert any(
            torch.equal(torch.rot90(image, turns), one) for one in moved if one.shape[0] == (3, 4)[turns % 2]
        )


def test_an_unknown_augmentation_lists_the_known() -> None:
    with pytest.raises(UnknownNameError, match=r"no test-time augmentation named 'turn'.*flips, none, turns"):
        symmetries("turn")


def test_mean_and_disagreement_by_hand() -> None:
    engine = _engine(FixedEngine(_log_odds(0.9, 0.1)), FixedEngine(_log_odds(0.3, 0.7)))
    outputs = engine.run(torch.zeros(1, 1, 2, 3))
    assert outputs.shape == (1, 3, 2, 3)
    np.testing.assert_allclose(outputs[0, :2, 0, 0].exp(), [0.6, 0.4], rtol=1e-6)
    # H(0.6) = 0.97095 bit, H(0.1) = 0.46900 bit, H(0.3) = 0.88129 bit.
    np.testing.assert_allclose(outputs[0, 2], 0.97095 - (0.46900 + 0.88129) / 2, atol=1e-5)


def test_disagreement_is_zero_where_all_are_equally_unsure_and_one_where_each_is_sure_of_another_class() -> (
    None
):
    same = _engine(*[FixedEngine(_log_odds(0.4, 0.3, 0.3))] * 3).run(torch.zeros(1, 1, 1, 1))
    assert same[0, 3].abs().item() < 1e-6
    sure = [FixedEngine(tuple(200.0 * (index == own) for index in range(3))) for own in range(3)]
    apart = _engine(*sure).run(torch.zeros(1, 1, 1, 1))
    np.testing.assert_allclose(apart[0, 3], 1.0, rtol=1e-6)
    two = _engine(*sure[:2]).run(torch.zeros(1, 1, 1, 1))
    np.testing.assert_allclose(two[0, 3], math.log(2) / math.log(3), rtol=1e-6)


def test_probabilities_too_small_for_float32_still_rank() -> None:
    outputs = _engine(*[FixedEngine((0.0, -300.0, -400.0))] * 2).run(torch.zeros(1, 1, 1, 1))
    assert outputs.isfinite().all()
    np.testing.assert_allclose(outputs[0, :3, 0, 0], [0.0, -300.0, -400.0], rtol=1e-6)


def test_heads_of_different_kinds_are_joined_by_their_probabilities() -> None:
    sigmoid = Member(FixedEngine((0.0,)), build_head({"name": "sigmoid"}))
    engine = EnsembleEngine([Member(FixedEngine(_log_odds(0.9, 0.1)), SOFTMAX), sigmoid], symmetries("none"))
    np.testing.assert_allclose(engine.run(torch.zeros(1, 1, 1, 1))[0, :2, 0, 0].exp(), [0.7, 0.3], rtol=1e-6)


def test_gates_are_joined_by_the_mean_of_their_probabilities() -> None:
    members = [
        FixedEngine((0.0, 0.0), gate_logit=logit) for logit in (math.log(0.8 / 0.2), math.log(0.1 / 0.9))
    ]
    logit = _engine(*members, tta="turns").run(torch.zeros(2, 1, 4, 8), part="gate")
    np.testing.assert_allclose(torch.sigmoid(logit), [0.45, 0.45], rtol=1e-6)


def test_geometry_is_that_of_the_widest_member() -> None:
    engine = _engine(
        FixedEngine((0.0,), stride=4, receptive_radius=30), FixedEngine((0.0,), stride=6, receptive_radius=7)
    )
    assert (engine.stride, engine.receptive_radius, engine.num_passes) == (12, 30, 2)
    assert _engine(FixedEngine((0.0,)), FixedEngine((0.0,), receptive_radius=None)).receptive_radius is None
    with pytest.raises(OptionError, match="images of one kind, but these take 1 and 3 bands"):
        _engine(FixedEngine((0.0,)), FixedEngine((0.0,), in_channels=3))
    with pytest.raises(OptionError, match="same classes apart, but these have 2 and 3"):
        _engine(FixedEngine((0.0, 1.0)), FixedEngine((0.0, 1.0, 2.0))).run(torch.zeros(1, 1, 1, 1))


@pytest.mark.parametrize("tta", ["none", "flips", "turns"])
@pytest.mark.parametrize("size", [(96, 160), (93, 147)])
def test_tiles_equal_the_whole_image(tta: str, size: tuple[int, int]) -> None:
    """Members of other strides and reach; the whole image is padded and averaged here by plain numpy."""
    networks = [_network(0), _network(1, depth=3)]
    engine = _engine(*(TorchEngine(network) for network in networks), tta=tta)
    image = np.random.default_rng(1).integers(0, 255, (2, *size), dtype=np.uint8)
    height, width = (-(-length // engine.stride) * engine.stride for length in size)
    padded = np.pad(image, ((0, 0), (0, height - size[0]), (0, width - size[1])), mode="symmetric")
    chances = []
    for flips in {"none": [0], "flips": [0, 1, 2, 3], "turns": range(8)}[tta]:
        moved = np.rot90(padded if flips < 4 else padded.swapaxes(1, 2), flips % 4, (1, 2))
        if tta == "flips":
            moved = padded[:, :: -1 if flips & 1 else 1, :: -1 if flips & 2 else 1]
        for network in networks:
            with torch.inference_mode():
                own = network(torch.from_numpy(moved.copy())[None])[0].softmax(0).numpy()
            if tta == "flips":
                own = own[:, :: -1 if flips & 1 else 1, :: -1 if flips & 2 else 1]
            else:
                own = np.rot90(own, -(flips % 4), (1, 2))
                own = own if flips < 4 else own.swapaxes(1, 2)
            chances.append(own[:, : size[0], : size[1]].astype(np.float64))
    mean = np.mean(chances, axis=0)
    entropies = [-(chance * np.log(chance)).sum(0) for chance in [mean, *chances]]
    disagreement = (entropies[0] - np.mean(entropies[1:], axis=0)) / np.log(3)

    predictor, reads = Predictor(engine, tile=32), []
    tiled = np.full((4, *size), np.nan, np.float32)
    for window, outputs in predictor.iterate(lambda w: reads.append(w) or image[:, *w.slices], *size):
        tiled[:, *window.slices] = outputs.numpy()
    assert len(reads) > 4
    np.testing.assert_allclose(np.exp(tiled[:3]), mean, atol=2e-5)
    np.testing.assert_allclose(tiled[3], disagreement, atol=2e-5)
    assert np.array_equal(tiled[:3].argmax(0), mean.argmax(0))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32"])
def test_every_number_type_that_images_have_can_be_moved(dtype: str) -> None:
    engine = _engine(TorchEngine(_network(0)), tta="turns")
    image = np.random.default_rng(1).integers(0, 255, (1, 2, 32, 48)).astype(dtype)
    plain = engine.run(torch.from_numpy(image.astype(np.float32)))
    assert torch.equal(engine.run(torch.from_numpy(image)), plain)


def test_members_that_depend_on_the_whole_image_get_it() -> None:
    engine = _engine(TorchEngine(_network(0)), TorchEngine(_network(0, name="se_unet")), tta="turns")
    image = np.random.default_rng(1).integers(0, 255, (2, 40, 72), dtype=np.uint8)
    ((window, _),) = Predictor(engine, tile=16).iterate(lambda w: image[:, *w.slices], 40, 72)
    assert (window.height, window.width) == (40, 72)


def _segmenter(
    engine: FixedEngine | TorchEngine, *names: str, gate: float | None = None, **reading: int
) -> Segmenter:
    classes = ClassTable.from_classes(
        tuple(ClassSettings(name=name) for name in names or ("background", "hole"))
    )
    predictor = Predictor(engine)
    found = None if gate is None else ImageGate(GateScorer(predictor, "gate", (4, 8)), gate)
    judge = Judge(predictor, SOFTMAX, ArgmaxDecision(), found)
    return Segmenter(judge, classes, ImageReading(**reading), name=f"run {names}{gate}")


def _image(height: int, width: int, factor: int = 1) -> OpenImage:
    def read(window: object) -> np.ndarray:
        return np.zeros((1, window.height, window.width), np.uint8)

    return OpenImage((height, width), factor, read, lambda window: None)


def test_a_single_view_of_a_single_run_stays_as_it_is() -> None:
    segmenter = _segmenter(FixedEngine((0.0, 1.0)))
    assert join_segmenters([segmenter]) is segmenter
    with pytest.raises(
        OptionError, match="is one network that sees the image once; add members, or flips or turns"
    ):
        predict_with_uncertainty(segmenter, _image(3, 4))


def test_joined_segmenters_predict_with_uncertainty() -> None:
    sure, unsure = FixedEngine(_log_odds(0.1, 0.9)), FixedEngine(_log_odds(0.7, 0.3))
    joined = join_segmenters([_segmenter(sure), _segmenter(unsure)])
    prediction, doubt = predict_with_uncertainty(joined, _image(3, 4))
    assert (prediction.labels == 1).all()
    assert (doubt.shape, doubt.dtype) == ((3, 4), np.float32)
    np.testing.assert_allclose(doubt, 0.97095 - (0.46900 + 0.88129) / 2, atol=1e-5)
    assert np.array_equal(joined.predict(_image(3, 4)).labels, prediction.labels)


def test_uncertainty_of_enlarged_images_and_of_missing_data() -> None:
    joined = join_segmenters(
        [_segmenter(FixedEngine((0.0, 9.0)), factor=2), _segmenter(FixedEngine((9.0, 0.0)), factor=2)]
    )
    missing = np.array([[False, True, False]])
    image = replace(_image(1, 3, factor=2), invalid=lambda window: missing)
    prediction, doubt = predict_with_uncertainty(joined, image)
    assert prediction.labels[0, 1] == 255
    assert np.array_equal(np.isnan(doubt), missing)
    assert (doubt[~missing] > 0.9).all()


def test_a_joined_gate_compares_mean_probability_with_mean_threshold() -> None:
    def joined(*thresholds: float) -> Segmenter:
        # Probabilities of the gates: 0.8 and 0.2.
        engines = [
            FixedEngine((0.0, 1.0), gate_logit=math.log(4)),
            FixedEngine((1.0, 1.1), gate_logit=-math.log(4)),
        ]
        return join_segmenters(
            [_segmenter(*pair[:1], gate=pair[1]) for pair in zip(engines, thresholds, strict=True)]
        )

    assert joined(0.5, 0.4).predict(_image(5, 9)).labels.all()
    skipped, doubt = predict_with_uncertainty(joined(0.5, 0.6), _image(5, 9))
    assert not skipped.labels.any()
    assert not doubt.any()


def test_segmenters_that_do_not_fit_are_refused() -> None:
    plain = _segmenter(FixedEngine((0.0, 1.0)))
    with pytest.raises(OptionError, match=r"has background, hole and .* has background, scratch"):
        join_segmenters([plain, _segmenter(FixedEngine((0.0, 1.0)), "background", "scratch")])
    with pytest.raises(OptionError, match="read images alike"):
        join_segmenters([plain, _segmenter(FixedEngine((0.0, 1.0)), factor=2)])
    with pytest.raises(OptionError, match=r"image gate or none has, but here 'run \(\)0.5' has one"):
        join_segmenters([plain, _segmenter(FixedEngine((0.0, 1.0)), gate=0.5)])
    with pytest.raises(OptionError, match="needs at least one member"):
        join_segmenters([])


def test_an_ensemble_of_one_network_and_its_flips_has_its_head() -> None:
    joined = join_segmenters([_segmenter(TorchEngine(_network(0)))], tta="flips")
    assert isinstance(joined.judge.head, EnsembleHead)
    assert joined.name.endswith("with flips")
