"""A run or a bundle, whichever a path names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rareseg.errors import ArtefactError, OptionError

if TYPE_CHECKING:
    from rareseg.device import PrecisionWish
    from rareseg.inference.segmenter import Segmenter

__all__ = ["load_model"]


def load_model(
    path: Path,
    *,
    device: str = "auto",
    precision: PrecisionWish | None = None,
    step: int | None = None,
    backend: str = "auto",
    whole_megapixels: float | None = None,
    decision: str = "own",
) -> Segmenter:
    """Open a bundle, or the folder of a run.

    Args:
        path: Either.
        device: Torch device.
        precision: See `load_bundle` and `load_run`.
        step: Kept checkpoint of a run.
        backend: Program that runs a bundle.
        whole_megapixels: Largest image in one piece, for models that depend on the whole image.
        decision: Of a run, see `load_run`.

    Raises:
        ArtefactError: It is neither.
        OptionError: An option is of the other kind.
    """
    from rareseg.export.load_bundle import load_bundle
    from rareseg.study.load_run import load_run

    path = Path(path)
    if (path / "bundle.yaml").is_file():
        if step is not None:
            raise OptionError(
                f"--step chooses a checkpoint of a run, but '{path}' is a bundle; leave it out."
            )
        if decision != "own":
            raise OptionError(
                f"--decision chooses one of a run's, but '{path}' is a bundle and has its own; leave it out, or export "
                f"the run with --decision {decision}."
            )
        return load_bundle(
            path, device=device, precision=precision, backend=backend, whole_megapixels=whole_megapixels
        )
    if backend not in ("auto", "torch"):
        raise OptionError(
            f"--backend {backend} is for bundles, but '{path}' is none; make one: rareseg export {path} --out BUNDLE "
            "--format onnx"
        )
    if not path.is_dir():
        raise ArtefactError(
            f"'{path}' is neither a run nor a bundle; give RUNS/<strategy>/seed-<n> or a bundle."
        )
    return load_run(
        path,
        device=device,
        precision=precision,
        step=step,
        whole_megapixels=whole_megapixels,
        decision=decision,
    )
