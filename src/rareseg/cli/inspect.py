"""``rareseg inspect``: what a dataset holds, and what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rareseg.cli.options import Quiet, Root
from rareseg.errors import ConfigError, OptionError

if TYPE_CHECKING:
    from rareseg.config.dataset import DatasetSettings
    from rareseg.study.progress import Progress

__all__ = ["inspect"]


def inspect(
    dataset: Annotated[Path, typer.Argument(help="dataset.yaml, or the folder that holds one.")],
    init: Annotated[
        bool, typer.Option("--init", help="Look at a folder, or an .npz, and write its dataset.yaml.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the fingerprint as one JSON object.")
    ] = False,
    outliers: Annotated[
        bool,
        typer.Option(
            "--outliers", help="Also train a small autoencoder and list the images that it cannot draw."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for fingerprint.json and inspection.html.", show_default="inspection/<name>"
        ),
    ] = None,
    root: Root = None,
    quiet: Quiet = False,
) -> None:
    """Count classes, regions and shares, find duplicates and leaks, and write a page about them."""
    if init:
        if outliers:
            raise OptionError(
                "--init only writes dataset.yaml, so --outliers cannot take effect; drop one of them."
            )
        _write_guess(dataset)
        return
    from rareseg.cli.balance_text import balance_text
    from rareseg.config.dataset import load_dataset_settings
    from rareseg.study.inspect_dataset import inspect_dataset
    from rareseg.study.progress import Progress, RichProgress

    settings = load_dataset_settings(dataset, root=root)
    progress = Progress() if quiet or as_json else RichProgress()
    folder = out or (None if as_json else Path("inspection") / settings.name)
    fingerprint = inspect_dataset(settings, folder, outliers=outliers, progress=progress)
    if as_json:
        typer.echo(json.dumps(fingerprint, ensure_ascii=False, allow_nan=False))
        return
    assert folder is not None
    page = _write_page(settings, fingerprint, folder / "inspection.html", progress)
    typer.echo(balance_text(fingerprint["splits"]))
    for warning in fingerprint["warnings"]:
        typer.echo(f"warning: {warning['text']}")
    typer.echo(f"Page: {page}")


def _write_page(
    settings: DatasetSettings, fingerprint: dict[str, Any], path: Path, progress: Progress
) -> Path:
    from rareseg.data.open_dataset import open_dataset
    from rareseg.inspection.previews import make_previews, preview_samples
    from rareseg.report.inspection_page import write_inspection_page

    with progress.task("pictures") as update:
        previews = make_previews(open_dataset(settings), preview_samples(fingerprint), progress=update)
    write_inspection_page(fingerprint, path, thumbnails=previews)
    return path


def _write_guess(folder: Path) -> None:
    from rareseg.artefacts import write_yaml
    from rareseg.config.dataset import load_dataset_settings
    from rareseg.data.guess import guess_dataset

    if not folder.is_dir() and not (folder.is_file() and folder.suffix.lower() in (".npz", ".npy")):
        raise ConfigError(
            f"'{folder}' is not a folder; --init takes the folder that holds images and masks, or an .npz of tiles."
        )
    path = (folder if folder.is_dir() else folder.parent) / "dataset.yaml"
    if path.exists():
        raise ConfigError(f"'{path}' exists already; delete it to have it guessed anew.")
    write_yaml(path, guess_dataset(folder))
    settings = load_dataset_settings(path)
    typer.echo(
        f"Wrote {path} with the classes {', '.join(settings.class_names)}. Check it, then: rareseg inspect {path}"
    )
