"""What a finished run leaves besides weights and counts: exposure, cost, provenance."""

from __future__ import annotations

import resource
import sys
from dataclasses import asdict

import torch

from rareseg.artefacts import read_json, write_json
from rareseg.models.cost import cost_table
from rareseg.models.network import Network
from rareseg.provenance import collect_provenance
from rareseg.study.run_context import RunContext
from rareseg.study.run_folder import RunFolder
from rareseg.training.train import TrainOutcome

__all__ = ["write_records"]


def write_records(
    context: RunContext, network: Network, outcome: TrainOutcome, folder: RunFolder, *, seed: int
) -> None:
    """Write ``exposure.json``, ``cost.json`` and ``provenance.json`` of a run.

    Args:
        context: The study.
        network: The trained network.
        outcome: How training ended.
        folder: Where to write.
        seed: Seed of the run.
    """
    budget = context.settings.budget
    exposure = {**outcome.exposure.to_dict(), "planned": outcome.planned}
    write_json(folder.file("exposure.json"), exposure, kind="exposure")
    layers = cost_table(network.core, (1, context.source.num_bands, *budget.patch_size))
    patches = budget.steps * budget.batch_size
    write_json(
        folder.file("cost.json"),
        {
            "parameters": sum(p.numel() for p in network.parameters()),
            "macs_per_patch": sum(layer.macs for layer in layers),
            "activation_bytes": sum(layer.activation_bytes for layer in layers) * budget.batch_size,
            "train_seconds": outcome.seconds,
            "steps": budget.steps,
            "patches": patches,
            "megapixels": patches * budget.patch_size[0] * budget.patch_size[1] / 1e6,
            "peak_memory_bytes": _peak_memory(context.device),
            "layers": [asdict(layer) for layer in layers],
        },
        kind="cost",
    )
    provenance = collect_provenance(device=context.device)
    data = read_json(folder.path.parent.parent / "data.json", kind="data")
    write_json(
        folder.file("provenance.json"),
        {**provenance, "seed": seed, "data": data["digest"]},
        kind="provenance",
    )


def _peak_memory(device: str) -> int:
    """Most memory that this process (or its GPU) held at once, in bytes."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
