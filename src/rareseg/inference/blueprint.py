"""All that a segmenter is, apart from its weights: what a run's config.yaml and a bundle.yaml say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.inference.decision import build_decision
from rareseg.inference.engine import Engine
from rareseg.inference.gate import GateScorer, ImageGate
from rareseg.inference.judge import Judge
from rareseg.inference.predictor import Predictor
from rareseg.inference.segmenter import Segmenter
from rareseg.models.network import Network
from rareseg.strategies.build_core import build_core
from rareseg.strategies.heads import build_head

__all__ = ["Blueprint", "GateRule"]


@dataclass(frozen=True)
class GateRule:
    """How an image gate decides.

    Attributes:
        threshold: Images with a lower score are skipped.
        patch_size: Rows and columns of the patches that the gate is asked about.
    """

    threshold: float
    patch_size: tuple[int, int]


@dataclass(frozen=True)
class Blueprint:
    """What a network, its head and its decision are made from.

    Attributes:
        class_table: Names, values and colours of the classes.
        reading: How files become the arrays that the network takes.
        model: The recipe's model.
        head: The recipe's head.
        decision: The recipe's decision, or a tuned one.
        mean: Mean of each band of the training images.
        std: Standard deviation of each band.
        gate: Of a head with an image gate.
        whole_megapixels: Largest image in one piece, for models that depend on the whole image.
        tile: Rows and columns of a tile without its halo; None for what `Predictor` takes by default.
    """

    class_table: ClassTable
    reading: ImageReading
    model: Mapping[str, Any]
    head: Mapping[str, Any]
    decision: Mapping[str, Any]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    gate: GateRule | None = None
    whole_megapixels: float = 4.0
    tile: int | None = None

    def build_network(self, *, seed: int = 0) -> Network:
        """The network with random weights, for its own to be loaded into; it needs no one else's.

        Raises:
            ConfigError: A name or an option is wrong.
        """
        model = {key: value for key, value in self.model.items() if key != "encoder_weights"}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            core = build_core(self.head, model, len(self.mean), self.class_table.names)
        return Network(core, mean=self.mean, std=self.std)

    def segmenter(self, engine: Engine, *, name: str, digest: str = "") -> Segmenter:
        """What an engine that runs this network predicts with.

        Args:
            engine: Holds the weights.
            name: Where it came from, for messages.
            digest: Of all that label maps depend on, so that a job knows whether it may go on.
        """
        predictor = Predictor(engine, tile=self.tile, whole_megapixels=self.whole_megapixels)
        gate = None
        if self.gate is not None:
            gate = ImageGate(GateScorer(predictor, "gate", self.gate.patch_size), self.gate.threshold)
        decision = build_decision(self.decision, class_names=self.class_table.names)
        judge = Judge(predictor, build_head(self.head), decision, gate)
        return Segmenter(judge, self.class_table, self.reading, name=name, digest=digest)
