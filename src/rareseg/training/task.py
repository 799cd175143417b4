"""The Lightning module: one optimizer step, in which every part of the network learns from a batch of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from rareseg.config.recipe import OptimizerSettings, ScheduleSettings
from rareseg.losses.term_shares import TermShare, term_shares
from rareseg.losses.terms import Loss
from rareseg.models.network import Network
from rareseg.sampling.seeds import derive_seed
from rareseg.strategies.head import Part
from rareseg.training.activated_outputs import looks_activated
from rareseg.training.augmentation import augment
from rareseg.training.lay_out import LaidOutPart
from rareseg.training.moving_average import MovingAverage
from rareseg.training.optimizers import build_optimizer
from rareseg.training.schedule import schedule_factor
from rareseg.training.score_history import ScoreHistory

__all__ = ["SegmentationTask"]


class SegmentationTask(lightning.LightningModule):
    """Trains a `Network` through its phases; step numbers are absolute, so a resumed run counts on.

    The parts of a network share no parameters, so that one optimizer step over all of them does to each what
    training it alone would do. Each has its own backward pass, one after the other, and its own gradient norm.

    Args:
        network: What is trained.
        parts: The models in it, with phases, losses and augmentation.
        steps: Optimizer steps of the whole run.
        optimizer: Optimizer settings.
        schedule: Learning-rate schedule.
        clip: Largest norm of the gradient of a part.
        ema: Decay of the moving average; None for none.
        history: Validation scores, shared with what validates.
        logs: Whether the terms of the loss are told apart at the step that ends with this number.
        note: Told once, after the first step, of a part whose outputs look activated already.
        seed: Seed of the run; step ``s`` uses a seed derived from it and ``s`` alone.
    """

    def __init__(
        self,
        network: Network,
        *,
        parts: Sequence[LaidOutPart],
        steps: int,
        optimizer: OptimizerSettings,
        schedule: ScheduleSettings,
        clip: float | None,
        ema: float | None,
        history: ScoreHistory,
        logs: Callable[[int], bool],
        note: Callable[[str], None],
        seed: int,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.network = network
        self.losses = nn.ModuleList(nn.ModuleList(part.losses) for part in parts)
        self.parts = tuple(parts)
        self.steps = steps
        self.history = history
        self._optimizer_settings = optimizer
        self._schedule = schedule
        self._clip = clip
        self._logs = logs
        self._seed = seed
        self._note = note
        self._looked_at: set[int] = set()
        self._restored: torch.optim.Optimizer | None = None
        # Kept out of the module tree: the average is no parameter of the task.
        self._average = [] if ema is None else [MovingAverage(network, decay=ema)]
        self.shares: dict[str, dict[str, TermShare]] = {}

    @property
    def average(self) -> MovingAverage | None:
        """The moving average of the weights, where the recipe asks for one."""
        return self._average[0] if self._average else None

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step."""
        phases = self.parts[0].phases
        rate = phases[_phase_at(phases, step)].lr
        return rate * schedule_factor(step, self.steps, self._schedule, self.history)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's optimizer over the network's parameters, or the one that a checkpoint restored."""
        if self._restored is not None:
            return self._restored
        return build_optimizer(self.network.parameters(), self._optimizer_settings)

    def resume_optimizer_from(self, optimizer: torch.optim.Optimizer) -> None:
        """Go on with an optimizer whose state was loaded from a checkpoint."""
        self._restored = optimizer

    def transfer_batch_to_device(
        self, batch: dict[str, Any], device: torch.device, dataloader_idx: int
    ) -> Any:
        """Move pixels and masks; the bookkeeping of which patches they are stays on the host."""
        parts = []
        for part in batch["parts"]:
            moved = {**part, "host_masks": part["masks"]}
            for key in ("images", "masks"):
                moved[key] = part[key].to(device, non_blocking=True)
            parts.append(moved)
        return {**batch, "parts": parts}

    def on_train_batch_start(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Set the learning rate and the random state of this step."""
        step = batch["step"]
        torch.manual_seed(derive_seed(self._seed, "step", str(step)))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.learning_rate(step)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """One backward pass a part, then one optimizer step; gives the loss of each part."""
        step = batch["step"]
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        optimizer.zero_grad()
        self.shares = {}
        values = [self._learn(number, patches, step) for number, patches in enumerate(batch["parts"])]
        optimizer.step()
        if self.average is not None:
            self.average.update()
        losses = torch.stack(values)
        return {"loss": losses.mean(), "losses": losses}

    def _learn(self, number: int, patches: dict[str, Any], step: int) -> Tensor:
        """Gradients of one part from its own batch; its loss."""
        part = self.parts[number]
        images, masks = augment(
            patches["images"].float(),
            patches["masks"],
            part.augmentation,
            seed=derive_seed(self._seed, "augment", str(step)),
        )
        if part.augmentation.resamples:
            # Zoomed and moved patches hold other pixels than those that were fetched.
            patches["host_masks"] = masks.cpu()
        outputs = self.network.forward_part(
            images.contiguous(memory_format=torch.channels_last), part.part.module
        )
        if number not in self._looked_at:
            self._looked_at.add(number)
            self._look_at(part.part, outputs)
        loss = self.losses[number][_phase_at(part.phases, step)]  # type: ignore[index]  # a ModuleList of lists
        target = masks.long()
        value = loss(outputs, target)
        self.manual_backward(value.total)
        if isinstance(loss, Loss) and len(loss.terms) > 1 and self._logs(step + 1):
            self.shares[part.part.name] = term_shares(loss, outputs, target)
        if self._clip is not None:
            module = self.network.core.get_submodule(part.part.module)
            nn.utils.clip_grad_norm_(module.parameters(), self._clip)
        total: Tensor = value.total.detach()
        return total

    def _look_at(self, part: Part, outputs: Tensor) -> None:
        """Warn of outputs that are probabilities already; a gate is a model of this package's own."""
        if part.gate is not None or not looks_activated(outputs, part.activation):
            return
        sums = " and those of a pixel sum to 1" if part.activation == "softmax" else ""
        self._note(
            f"the outputs of the model of '{part.name}' look like probabilities: all lie in 0 to 1{sums}. Losses take "
            f"raw logits and apply the {part.activation} themselves, so it is applied twice; take it out of the model."
        )


def _phase_at(phases: Sequence[Any], step: int) -> int:
    """Number of the phase that a step belongs to."""
    return next(number for number, phase in enumerate(phases) if step < phase.end)
