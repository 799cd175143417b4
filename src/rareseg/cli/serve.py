"""``rareseg serve``: label maps over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rareseg.cli.options import Device, Quiet
from rareseg.errors import MissingExtraError

__all__ = ["serve"]


def serve(
    model: Annotated[
        Path,
        typer.Argument(
            help="Folder of a run: RUNS/<strategy>/seed-<n>; or RUNS/<strategy> for all its seeds."
        ),
    ],
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8000,
    max_megapixels: Annotated[
        float, typer.Option("--max-megapixels", help="Largest image, by its header.")
    ] = 50.0,
    max_megabytes: Annotated[float, typer.Option("--max-megabytes", help="Largest request.")] = 64.0,
    timeout: Annotated[
        float, typer.Option("--timeout", help="Seconds for an image to come, and again to be judged.")
    ] = 60.0,
    batch: Annotated[
        int, typer.Option("--batch", help="Images of one size in a pass of the network, at most.")
    ] = 8,
    batch_wait: Annotated[
        float, typer.Option("--batch-wait", help="Seconds that an image waits for others to go with.")
    ] = 0.005,
    queue: Annotated[int, typer.Option("--queue", help="Requests on their way; others get 503.")] = 32,
    tta: Annotated[
        str, typer.Option("--tta", help="Mean over the image's flips (4 passes) or turns (8), or none.")
    ] = "none",
    backend: Annotated[
        str,
        typer.Option(
            "--backend",
            help="Program that runs a bundle: torch, onnx, openvino, or auto for the fastest here.",
        ),
    ] = "auto",
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Answer images over HTTP with label maps and regions: POST /predict, or the page at /.

    It listens on this machine only, has no passwords and no encryption; docs/serving.md shows how to put it behind a
    server that has. SIGTERM and Ctrl-C end it when requests on their way are answered.
    """
    _require_extra()
    from rareseg.cli.load_models import load_models, warn_of_views
    from rareseg.serve.make_app import make_app
    from rareseg.serve.run_server import is_loopback, open_socket, run_server
    from rareseg.serve.serve_options import ServeOptions
    from rareseg.serve.service import Service

    options = ServeOptions(
        max_megapixels=max_megapixels,
        max_megabytes=max_megabytes,
        timeout=timeout,
        batch=batch,
        batch_wait=batch_wait,
        queue=queue,
    )
    server = open_socket(host, port)
    try:
        segmenter = load_models([model], tta=tta, device=device, backend=backend)
        warn_of_views([model], tta)
        is_bundle = (model / "bundle.yaml").is_file()
        name = "/".join(model.resolve().parts[-1 if is_bundle else -2 :])
        service = Service(segmenter, options, name=name)
    except BaseException:
        server.close()
        raise
    if not is_loopback(host):
        typer.echo(
            f"warning: whoever reaches {host} can send images, since there are no passwords and no encryption; "
            "see docs/serving.md for how to put a server in front.",
            err=True,
        )
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{server.getsockname()[1]}"

    def say() -> None:
        if not quiet:
            typer.echo(f"serving {name} at {address} (Ctrl-C ends it)")

    run_server(make_app(service), server, grace=timeout, started=say)


def _require_extra() -> None:
    """Say what to install where the server's libraries are missing."""
    for package in ("starlette", "uvicorn", "python_multipart", "prometheus_client"):
        try:
            __import__(package)
        except ImportError:
            raise MissingExtraError(package, extra="serve", purpose="Serving over HTTP") from None
