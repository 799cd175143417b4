"""The Lightning module: one optimizer step on one batch, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from rareseg.config.study import OptimizerSettings, ScheduleSettings
from rareseg.losses.terms import Loss
from rareseg.models.network import Network
from rareseg.sampling.seeds import derive_seed
from rareseg.strategies.strategy import Phase
from rareseg.training.augmentation import AugmentationSettings, augment
from rareseg.training.optimizers import build_optimizer
from rareseg.training.schedule import schedule_factor

__all__ = ["SegmentationTask"]


class SegmentationTask(lightning.LightningModule):
    """Trains a `Network` through its phases; step numbers are absolute, so a resumed run counts on.

    Args:
        network: What is trained.
        phases: Losses and learning rates by step.
        losses: One loss a phase.
        optimizer: Optimizer settings.
        schedule: Learning-rate schedule.
        augmentation: Changes of the batch.
        seed: Seed of the run; step ``s`` uses a seed derived from it and ``s`` alone.
    """

    def __init__(
        self,
        network: Network,
        *,
        phases: Sequence[Phase],
        losses: Sequence[Loss],
        optimizer: OptimizerSettings,
        schedule: ScheduleSettings,
        augmentation: AugmentationSettings,
        seed: int,
    ) -> None:
        super().__init__()
        self.network = network
        self.losses = nn.ModuleList(losses)
        self._phases = tuple(phases)
        self._optimizer_settings = optimizer
        self._schedule = schedule
        self._augmentation = augmentation
        self._seed = seed
        self._restored: torch.optim.Optimizer | None = None

    @property
    def steps(self) -> int:
        """Optimizer steps of the whole run."""
        return self._phases[-1].end

    def phase_at(self, step: int) -> int:
        """Number of the phase that step belongs to."""
        return next(number for number, phase in enumerate(self._phases) if step < phase.end)

    def learning_rate(self, step: int) -> float:
        """Learning rate of a step."""
        return self._phases[self.phase_at(step)].lr * schedule_factor(step, self.steps, self._schedule)

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
        moved = dict(batch)
        moved["host_masks"] = batch["masks"]
        for key in ("images", "masks"):
            moved[key] = batch[key].to(device, non_blocking=True)
        return moved

    def on_train_batch_start(self, batch: dict[str, Any], batch_idx: int) -> None:
        """Set the learning rate and the random state of this step."""
        step = batch["step"]
        torch.manual_seed(derive_seed(self._seed, "step", str(step)))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.learning_rate(step)

    def training_step(self, batch: dict[str, Any], batch_idx: int) -> dict[str, Tensor]:
        """Loss of one batch; its terms travel along for the log."""
        step = batch["step"]
        images, masks = augment(
            batch["images"].float(),
            batch["masks"],
            self._augmentation,
            seed=derive_seed(self._seed, "augment", str(step)),
        )
        logits = self.network(images.contiguous(memory_format=torch.channels_last))
        value = self.losses[self.phase_at(step)](logits, masks.long())
        return {"loss": value.total, **{f"term/{name}": term.detach() for name, term in value.terms.items()}}
