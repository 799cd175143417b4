"""What the plans of a run promise that training will see."""

from __future__ import annotations

from collections.abc import Sequence

from rareseg.training.lay_out import LaidOutPart

__all__ = ["planned_exposure"]


def planned_exposure(parts: Sequence[LaidOutPart]) -> dict[str, dict[str, float]]:
    """Expected shares over all parts, phases and patch sizes together, each weighted by its patches.

    Returns:
        ``pixels``: class to expected share of valid pixels, empty where a plan does not fix it;
        ``patches_with``: class to the smallest share of patches that hold it for certain.
    """
    pixels: dict[str, float] = {}
    patches: dict[str, float] = {}
    area = sum(
        share * plan.patch_size[0] * plan.patch_size[1] for part in parts for share, plan in part.plans
    )
    for part in parts:
        for share, plan in part.plans:
            weight = share * plan.patch_size[0] * plan.patch_size[1] / area
            for name, value in plan.planned.items():
                pixels[name] = pixels.get(name, 0.0) + weight * value
            for name, value in plan.planned_patches.items():
                patches[name] = patches.get(name, 0.0) + share / len(parts) * value
    if not all(plan.planned for part in parts for _, plan in part.plans):
        pixels = {}
    return {"pixels": pixels, "patches_with": patches}
