"""``rareseg export``: a run as a bundle that stands alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rareseg.cli.options import Quiet, Root
from rareseg.errors import OptionError, RaresegError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rareseg.inference.blueprint import Blueprint

__all__ = ["export"]


def export(
    run: Annotated[Path, typer.Argument(help="Folder of a run: RUNS/<strategy>/seed-<n>.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the bundle.")],
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="safetensors, onnx or openvino; may be repeated, a bundle can hold several.",
            show_default="safetensors",
        ),
    ] = None,
    decision: Annotated[
        str | None,
        typer.Option(
            "--decision",
            help="tuned, own (as the run was judged), argmax, or a decision file.",
            show_default="tuned where the run was tuned, else own",
        ),
    ] = None,
    step: Annotated[
        int | None, typer.Option("--step", help="Kept checkpoint to use.", show_default="the last")
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            "--tile",
            min=16,
            help="Rows and columns of a tile; memory grows with its square, speed a little.",
            show_default="1024, more for networks that see far",
        ),
    ] = None,
    check: Annotated[
        Path | None,
        typer.Option(
            "--check",
            help="Folder of images to compare the forms on.",
            show_default="images that judged the run",
        ),
    ] = None,
    root: Root = None,
    quiet: Quiet = False,
) -> None:
    """Write a bundle: weights, classes, bands, normalisation, decision, measured quality, and where it came from.

    Every form is compared with the trained network on patches of the images that judged the run, or, where these are
    not at hand, on noise; the largest difference is printed. A bundle needs neither the study nor its data.
    """
    from dataclasses import replace

    from rareseg.artefacts import read_json, read_yaml
    from rareseg.export.measured_quality import measured_quality
    from rareseg.export.write_bundle import FORMATS, write_bundle
    from rareseg.models.weights_file import load_weights
    from rareseg.study.load_run import read_blueprint, weights_of
    from rareseg.study.read_decision import read_decision

    if check is not None and root is not None:
        raise OptionError(
            "--root is for the run's own images, but --check names others; leave one of them out."
        )
    weights = weights_of(run, step=step)
    blueprint = replace(read_blueprint(run), tile=tile)
    wish = decision or ("tuned" if (run / "decision.json").exists() else "own")
    settings, threshold = read_decision(run, wish)
    gate = blueprint.gate
    if gate is not None and threshold is not None:
        gate = replace(gate, threshold=threshold)
    blueprint = replace(blueprint, decision=settings, gate=gate)
    network = blueprint.build_network()
    load_weights(weights, network)
    network.eval()
    config, chosen = read_yaml(run / "config.yaml"), int(weights.stem.removeprefix("step-"))
    patches, where = _patches(run, check, root, blueprint)
    own = wish == "own" or (dict(settings) == dict(config["strategy"]["decision"]) and threshold is None)
    found = write_bundle(
        out,
        blueprint,
        network,
        name=f"{config['study']}, {config['strategy']['name']}, seed {config['seed']}",
        formats=form or [FORMATS[0]],
        patches=patches,
        patches_from=where,
        quality=measured_quality(
            run,
            step=chosen,
            decision=None if own else run / "decision.json" if wish == "tuned" else Path(wish),
        ),
        provenance={
            **_provenance(config, chosen, read_json(run / "provenance.json", kind="provenance")),
            "decision": wish,
        },
        progress=(lambda text: None) if quiet else typer.echo,
    )
    for name, parity in found.items():
        ties = (
            ""
            if not parity.other_labels
            else f", all of them ties within {2 * parity.largest_difference:.1g}"
        )
        typer.echo(
            f"{name}: largest difference {parity.largest_difference:.2g} of {parity.largest_output:.3g}, "
            f"{parity.other_labels} of {parity.pixels} pixels with another label{ties} "
            f"({len(patches)} patches, {where})"
        )
    size = sum(file.stat().st_size for file in out.iterdir()) / 1e6
    typer.echo(f"{out}: {size:.1f} MB, decision: {wish} ({settings['name']})")
    if not quiet:
        typer.echo(f"Next: rareseg predict {out} IMAGES --out labels")


def _patches(
    run: Path, check: Path | None, root: Path | None, blueprint: Blueprint
) -> tuple[list[NDArray[np.generic]], str]:
    """Real patches where the data are at hand; with a root that is wrong, its error."""
    import numpy as np

    from rareseg.export.folder_patches import folder_patches
    from rareseg.study.real_patches import real_patches

    if check is not None:
        return folder_patches(check, blueprint.reading), f"from '{check}'"
    try:
        return real_patches(run, root=root), "from the images that judged the run"
    except RaresegError as error:
        if root is not None:
            raise OptionError(f"--root does not lead to the data of the run: {error}") from None
    rng = np.random.default_rng(0)
    mean, std = (np.array(values)[:, None, None] for values in (blueprint.mean, blueprint.std))
    noise = [(mean + std * rng.standard_normal((len(mean), 256, 256))).astype(np.float32) for _ in range(4)]
    return list(noise), "noise, since the data are not at hand; name them with --root, or others with --check"


def _provenance(config: dict[str, Any], step: int, recorded: dict[str, Any]) -> dict[str, Any]:
    from rareseg.provenance import collect_provenance

    now = collect_provenance()
    kept = {key: value for key, value in recorded.items() if key not in ("artefact", "command")}
    return {
        "study": config["study"],
        "strategy": config["strategy"]["name"],
        "seed": config["seed"],
        "step": step,
        "trained": kept,
        "exported": {key: now[key] for key in ("versions", "python", "platform", "code")},
    }
