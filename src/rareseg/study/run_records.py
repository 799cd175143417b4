"""What a finished run leaves besides weights and counts: exposure, cost, provenance."""

from __future__ import annotations

import resource
import sys
from dataclasses import asdict
from typing import Any

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
    write_json(folder.file("exposure.json"), _exposure(outcome), kind="exposure")
    write_json(folder.file("cost.json"), _cost(context, network, outcome), kind="cost")
    provenance = collect_provenance(device=context.device)
    data = read_json(folder.path.parent.parent / "data.json", kind="data")
    write_json(
        folder.file("provenance.json"),
        {**provenance, "seed": seed, "data": data["digest"]},
        kind="provenance",
    )


def _exposure(outcome: TrainOutcome) -> dict[str, Any]:
    """What all parts together saw, and each of them where there are several."""
    first, *others = outcome.exposures.values()
    total = first.copy()
    for counter in others:
        total.merge(counter)
    keys = ("num_patches", "pixels", "patches_with")
    parts = {name: counter.to_dict() for name, counter in outcome.exposures.items()}
    plans = [
        {"part": part.part.name, "plan": plan.describe(), **plan.report()}
        for part in outcome.parts
        for _, plan in part.plans
    ]
    return {
        **total.to_dict(planned=outcome.planned),
        "plans": plans,
        "parts": {name: {key: seen[key] for key in keys} for name, seen in parts.items()} if others else {},
    }


def _cost(context: RunContext, network: Network, outcome: TrainOutcome) -> dict[str, Any]:
    """Cost of training, part by part, and of the network that is shipped."""
    budget, bands = context.settings.budget, context.source.num_bands
    layers = cost_table(network.core, (1, bands, *budget.patch_size))
    parts = []
    for part in outcome.parts:
        module = network.core.get_submodule(part.part.module)
        patches = outcome.exposures[part.part.name].num_patches
        sizes = [(share, plan.patch_size) for share, plan in part.plans]
        area = sum(share * height * width for share, (height, width) in sizes)
        shown = cost_table(module, (1, bands, *sizes[0][1]))
        parts.append(
            {
                "name": part.part.name,
                "patches": patches,
                "megapixels": patches * area / 1e6,
                "parameters": sum(p.numel() for p in module.parameters()),
                "macs_per_patch": sum(layer.macs for layer in shown),
            }
        )
    return {
        "parameters": sum(p.numel() for p in network.parameters()),
        "macs_per_patch": sum(layer.macs for layer in layers),
        "activation_bytes": sum(layer.activation_bytes for layer in layers) * budget.batch_size,
        "train_seconds": outcome.seconds,
        "steps": outcome.step,
        "patches": sum(part["patches"] for part in parts),
        "megapixels": sum(part["megapixels"] for part in parts),
        "peak_memory_bytes": _peak_memory(context.device),
        "parts": parts,
        "layers": [asdict(layer) for layer in layers],
    }


def _peak_memory(device: str) -> int:
    """Most memory that this process (or its GPU) held at once, in bytes."""
    if device.startswith("cuda"):
        return int(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
