"""``rareseg predict``: label maps of new images."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rareseg.cli.load_models import load_models, warn_of_views
from rareseg.cli.options import Device, Quiet
from rareseg.errors import DataError, OptionError

if TYPE_CHECKING:
    from rareseg.inference.predict_job import JobReport

__all__ = ["predict"]


def predict(
    model_folder: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A bundle, or a run, RUNS/<strategy>/seed-<n>; or RUNS/<strategy> for the mean of all its seeds.",
        ),
    ],
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT", help="An image, a folder of images, a quoted glob, or an .npz of tiles."
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Folder of the files, or file of the table; with several formats a folder."
        ),
    ],
    form: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            help="png, tif, overlay, uncertainty: a file per image; rle_csv, flat_csv, coco, regions_csv, "
            "regions_geojson: one file. Several: --format png,regions_csv, or the option twice.",
            show_default="png",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            help="Column names of the table, such as ImageId_ClassId,EncodedPixels.",
            show_default="those of the format",
        ),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", help="Array of an .npz to predict.", show_default="the only one that fits"),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(
            "--step",
            help="Kept checkpoint to use; several, as 224,320, for their mean.",
            show_default="the last",
        ),
    ] = None,
    ensemble: Annotated[
        list[Path] | None,
        typer.Option(
            "--ensemble", help="A model besides MODEL to take the mean with; may be given several times."
        ),
    ] = None,
    tta: Annotated[
        str,
        typer.Option(
            "--tta", help="Mean over the image's flips (4 passes) or turns (8, with the flips), or none."
        ),
    ] = "none",
    whole_megapixels: Annotated[
        float | None,
        typer.Option(
            "--whole-megapixels",
            help="Largest image in one piece, for models that depend on the whole image.",
            show_default="that of the study",
        ),
    ] = None,
    tile: Annotated[
        int | None,
        typer.Option(
            "--tile",
            help="Rows and columns that are judged at once; memory grows with its square.",
            show_default="1024, more for networks that see far",
        ),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            "--precision",
            help="float32, bfloat16 or auto (what is fastest here).",
            show_default="that of the study",
        ),
    ] = None,
    backend: Annotated[
        str,
        typer.Option("--backend", help="For bundles: auto, torch, onnxruntime or openvino."),
    ] = "auto",
    decision: Annotated[
        str,
        typer.Option(
            "--decision",
            help="Of runs: own, as the run was judged; argmax; tuned, what `rareseg tune` chose last; or a decision "
            "file. A bundle has its own.",
        ),
    ] = "own",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Predict images anew that are done already.")
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Write the label map of every image, as files with the classes' colours, as a table, or region by region.

    Images of any size are judged in tiles, strip by strip, in memory that does not grow with their height. The same
    command goes on where a kill came, and skips images that are done. A line warns of images whose pixels do not lie
    where those of training did.
    """
    from rareseg.cli.predict_inputs import find_files, make_inputs
    from rareseg.cli.predict_progress import PredictProgress
    from rareseg.device import parse_precision
    from rareseg.inference.job_state import JobState
    from rareseg.inference.label_writer import WriterOptions
    from rareseg.inference.predict_job import job_identity, run_predict_job
    from rareseg.inference.uncertainty import check_can_disagree
    from rareseg.inference.writers import needs_folder, open_writers

    formats = [name.strip() for given in form or ["png"] for name in given.split(",")]
    headings = None if columns is None else tuple(name.strip() for name in columns.split(","))
    files = find_files(source, key=key)
    number_format = None if precision is None else parse_precision(precision)
    members = [model_folder, *(ensemble or ())]
    model = load_models(
        members,
        steps=read_steps(step),
        tta=tta,
        device=device,
        precision=number_format,
        backend=backend,
        whole_megapixels=whole_megapixels,
        decision=decision,
    )
    warn_of_views(members, tta)
    if "uncertainty" in formats:
        check_can_disagree(model)
    if tile is not None:
        model = model.with_tile(tile)
    inputs = make_inputs(model, source, files, key=key)
    engine = model.judge.predictor.engine
    is_folder = needs_folder(formats)
    options = WriterOptions(
        out,
        tuple(item.name for item in inputs),
        model.class_table,
        columns=headings,
        mean=engine.mean,
        std=engine.std,
        scratch=JobState.scratch_of(out, is_folder=is_folder),
    )
    writers = open_writers(formats, options)
    job = job_identity(model, formats, headings)
    pixels = sum(item.num_pixels for item in inputs)
    with (
        JobState.owned(out, is_folder=is_folder, job=job, overwrite=overwrite) as state,
        PredictProgress(num_images=len(inputs), num_pixels=pixels, quiet=quiet) as progress,
    ):
        progress.note(f"Model: {model.name}")
        if state.changed:
            progress.note("The model, the formats or the options have changed since: all is predicted anew.")
        report = run_predict_job(model, inputs, writers, state, progress)
    _say(report, out, {name: str(path) for name, path in files.items()})


def read_steps(text: str | None) -> list[int] | None:
    """The kept checkpoints that ``--step`` names.

    Raises:
        OptionError: It names none, or something that is no number, or one twice.

    Example:
        >>> read_steps("224,320")
        [224, 320]
    """
    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(name.isdecimal() for name in names) or len({int(name) for name in names}) < len(names):
        raise OptionError(
            f"--step expects kept checkpoints, each once, such as 320 or 224,320, but got '{text}'; see the files "
            "step-*.safetensors of the run."
        )
    return [int(name) for name in names]


def _say(report: JobReport, out: Path, files: dict[str, str]) -> None:
    """What became of the images.

    Raises:
        DataError: Some could not be used.
    """
    total = report.num_done + report.num_kept
    line = f"{total} label maps in {out}"
    if report.num_kept:
        line += f", {report.num_kept} of them done before"
    if report.num_done:
        speed = report.megapixels / max(report.seconds, 1e-9)
        line += f" ({report.megapixels:.4g} megapixels in {report.seconds:.1f} s, {speed:.2f} a second)"
    typer.echo(line)
    if report.approximate:
        typer.echo(
            f"{len(report.approximate)} of them are approximations: the model depends on the whole image, but these "
            "were too large to go in one piece and went in overlapping tiles. With memory enough, give "
            "--whole-megapixels."
        )
    if report.misfits:
        name, misfit = next(iter(report.misfits.items()))
        others = f" Nor do {len(report.misfits) - 1} of the other images." if len(report.misfits) > 1 else ""
        typer.echo(
            f"warning: '{files.get(name, name)}' does not look like the training images: {misfit}.{others}",
            err=True,
        )
    if report.failed:
        first = next(iter(report.failed.values()))
        raise DataError(
            f"{len(report.failed)} of {total + len(report.failed)} images could not be used, the others are done. "
            f"First: {first}"
        )
