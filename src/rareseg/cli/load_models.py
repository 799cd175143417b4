"""What a user names as models: runs, strategies and bundles, as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rareseg.cli.load_model import load_model

if TYPE_CHECKING:
    from rareseg.device import PrecisionWish
    from rareseg.inference.segmenter import Segmenter

__all__ = ["load_models", "warn_of_views"]


def load_models(
    paths: Sequence[Path],
    *,
    steps: Sequence[int] | None = None,
    tta: str = "none",
    device: str = "auto",
    precision: PrecisionWish | None = None,
    whole_megapixels: float | None = None,
    backend: str = "auto",
    decision: str = "own",
) -> Segmenter:
    """The mean of several models and views, see `join_segmenters`; one model in one view as it is.

    Args:
        paths: Runs, bundles, or folders of strategies, which stand for all their seeds.
        steps: Kept checkpoints of every run, each a member; by default the last.
        tta: Test-time augmentation, see `SYMMETRIES`.
        device: See `load_model`, as are the others.
        precision: See there.
        whole_megapixels: See there.
        backend: See there.
        decision: See there; that of the first model holds for all.

    Raises:
        RaresegError: See `load_model` and `join_segmenters`.
    """
    from rareseg.inference.join_segmenters import join_segmenters
    from rareseg.study.load_ensemble import find_members

    members = [
        load_model(
            path,
            device=device,
            precision=precision,
            step=step,
            whole_megapixels=whole_megapixels,
            backend=backend,
            decision=decision,
        )
        for path, step in find_members(paths, steps=steps)
    ]
    return join_segmenters(members, tta=tta)


def warn_of_views(paths: Sequence[Path], tta: str) -> None:
    """Say on standard error if views of the image are asked for that training never showed."""
    from rareseg.study.load_ensemble import views_not_trained

    unseen = views_not_trained(paths, tta)
    if unseen:
        moves = "flips" if tta == "flips" else "flips and quarter turns"
        typer.echo(
            f"warning: '{unseen[0]}' was trained without {moves}, so --tta {tta} shows it what it never saw and may do "
            "harm; see augmentation in study.yaml.",
            err=True,
        )
