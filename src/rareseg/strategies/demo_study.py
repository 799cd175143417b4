"""The small study that ``rareseg demo`` runs on synthetic foils."""

from __future__ import annotations

from typing import Any

__all__ = ["demo_study"]


def demo_study(*, quick: bool = False) -> dict[str, Any]:
    """``study.yaml`` of the demo: baseline, Focal Loss with ISCF weights, and oversampled cavities.

    Args:
        quick: A budget for a first look (under three minutes on two cores) instead of one that separates the
            strategies (under ten).
    """
    return {
        "name": "demo-quick" if quick else "demo",
        "dataset": "data/dataset.yaml",
        "seeds": [0] if quick else [0, 1, 2],
        "budget": {"steps": 100 if quick else 300, "batch_size": 8, "patch_size": 128},
        "record": {"validate_every": 20 if quick else 100, "validate_megapixels": 0.5},
        "base": {"model": {"name": "unet", "base_channels": 16}},
        "strategies": {
            "baseline": {"note": "plain cross-entropy, uniform patches"},
            "focal_iscf": {
                "loss": {"name": "focal", "gamma": 2.0, "weights": "iscf"},
                "note": "Focal Loss with inverse square root class frequency weights",
            },
            "oversampled_cavity": {
                "sampling": {"name": "oversample", "shares": {"cavity": 1.0}},
                "note": "every patch holds a cavity",
            },
        },
    }
