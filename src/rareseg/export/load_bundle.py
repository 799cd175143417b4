"""A bundle as something that predicts, with no code of the study and no pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from rareseg.config.bundle import BundleSettings, FileSettings, load_bundle_settings
from rareseg.data.image_reading import ImageReading
from rareseg.data.labels import ClassTable
from rareseg.device import Precision, PrecisionWish, resolve_device, resolve_precision
from rareseg.errors import ArtefactError, OptionError
from rareseg.export.backends import fastest, possible_backends
from rareseg.inference.blueprint import Blueprint, GateRule
from rareseg.inference.engine import Engine
from rareseg.inference.graph_engine import GraphEngine, RunGraph
from rareseg.inference.onnx_graph import open_onnx_graph
from rareseg.inference.openvino_graph import open_openvino_graph
from rareseg.inference.segmenter import Segmenter
from rareseg.inference.torch_engine import TorchEngine
from rareseg.models.fold_norms import fold_norms
from rareseg.models.weights_file import load_weights
from rareseg.provenance import digest_of_files

__all__ = ["blueprint_of", "load_bundle", "open_engine"]


def load_bundle(
    folder: Path,
    *,
    device: str = "auto",
    precision: PrecisionWish | None = None,
    backend: str = "auto",
    tile: int | None = None,
    whole_megapixels: float | None = None,
) -> Segmenter:
    """Open what ``rareseg export`` wrote.

    Args:
        folder: The bundle.
        device: Torch device; backends other than torch run on the CPU.
        precision: ``bfloat16`` is for torch alone and changes some labels; float32 by default, in which all backends
            give the same label maps.
        backend: ``torch``, ``onnxruntime``, ``openvino``, or ``auto``: on a GPU torch, else the fastest of those that
            the bundle has weights for and that are installed, found by a few timed tiles.
        tile: Rows and columns of a tile without its halo, instead of the bundle's.
        whole_megapixels: Largest image in one piece, for models that depend on the whole image.

    Raises:
        ArtefactError: The folder is no bundle, of another version, or damaged.
        ConfigError: ``bundle.yaml`` has an unknown or wrong key.
        OptionError: An option cannot take effect.
        MissingExtraError: The backend is not installed.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from PIL import Image
        >>> from rareseg.export.write_bundle import write_bundle
        >>> plan = Blueprint(
        ...     ClassTable.from_names(["background", "crack"]), ImageReading(), mean=(120.0,), std=(30.0,),
        ...     model={"name": "unet", "base_channels": 4, "depth": 2}, head={"name": "softmax"},
        ...     decision={"name": "argmax"},
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_bundle(
        ...         Path(folder) / "bundle", plan, plan.build_network().eval(), name="untrained",
        ...         formats=["safetensors"], patches=[np.zeros((1, 32, 32), np.uint8)], patches_from="zeros",
        ...         quality={}, provenance={},
        ...     )
        ...     Image.new("L", (40, 30)).save(Path(folder) / "a.png")
        ...     load_bundle(Path(folder) / "bundle", device="cpu").label_map(Path(folder) / "a.png").shape
        (30, 40)
    """
    folder = Path(folder)
    settings = load_bundle_settings(folder)
    where = resolve_device(device)
    on_gpu = where.split(":")[0] != "cpu"
    blueprint = blueprint_of(settings)
    if tile is not None:
        blueprint = replace(blueprint, tile=tile)
    if whole_megapixels is not None:
        if settings.receptive_radius is not None:
            raise OptionError(
                "--whole-megapixels is for models that depend on the whole image, but this bundle's model is exact in "
                "tiles of any image; leave it out."
            )
        if whole_megapixels <= 0:
            raise OptionError(
                f"Expected whole_megapixels above 0, but got {whole_megapixels:g}; give a larger number."
            )
        blueprint = replace(blueprint, whole_megapixels=whole_megapixels)
    if backend == "auto" and "safetensors" in settings.weights and (on_gpu or precision == "bfloat16"):
        backend = "torch"
    if backend != "torch" and device not in ("auto", "cpu"):
        raise OptionError(
            f"--device {device} is for the backend torch; name it, or leave the device out to run on the CPU."
        )
    if backend != "torch" and precision == "bfloat16":
        raise OptionError(
            "--precision bfloat16 is for the backend torch, which runs bundles with safetensors; leave it out."
        )
    number_format = resolve_precision(precision or "float32", device=where)
    engines: dict[str, Callable[[], Engine]] = {
        name: partial(open_engine, folder, settings, name, form, device=where, precision=number_format)
        for name, form in possible_backends(set(settings.weights), backend).items()
    }
    chosen, engine = fastest(engines, tile=settings.tile if tile is None else tile)
    # All backends give the same label maps, so that a job may go on with another one.
    digest = digest_of_files(number_format, [folder / "bundle.yaml"])
    return blueprint.segmenter(engine, name=f"{folder} by {chosen}", digest=digest)


def blueprint_of(settings: BundleSettings) -> Blueprint:
    """What ``bundle.yaml`` says of network, classes, reading, decision and gate."""
    reading, gate = settings.reading, settings.gate
    return Blueprint(
        class_table=ClassTable.from_classes(settings.classes),
        reading=ImageReading(
            format=reading.format, bands=reading.bands, nodata=reading.nodata, factor=reading.resample
        ),
        model=settings.model,
        head=settings.head,
        decision=settings.decision,
        mean=settings.mean,
        std=settings.std,
        gate=None if gate is None else GateRule(gate.threshold, gate.patch_size),
        whole_megapixels=settings.whole_megapixels,
        tile=settings.tile,
    )


def open_engine(
    folder: Path,
    settings: BundleSettings,
    backend: str,
    form: str,
    *,
    device: str = "cpu",
    precision: Precision = "float32",
) -> Engine:
    """The weights of a bundle in one program.

    Args:
        folder: The bundle.
        settings: Its ``bundle.yaml``.
        backend: A name in `BACKENDS`.
        form: The format that it takes.
        device: For torch.
        precision: For torch.

    Raises:
        ArtefactError: A file is missing or is not the one that was exported.
        MissingExtraError: The backend is not installed.
    """
    files = {name: _checked(folder, file) for name, file in settings.weights[form].items()}
    if backend == "torch":
        network = blueprint_of(settings).build_network()
        load_weights(files["network"], network)
        return TorchEngine(fold_norms(network), device=device, precision=precision)
    open_graph: Callable[[Path], RunGraph] = (
        open_onnx_graph if backend == "onnxruntime" else open_openvino_graph
    )
    return GraphEngine(
        graph=open_graph(files["network"]),
        in_channels=len(settings.mean),
        stride=settings.stride,
        receptive_radius=settings.receptive_radius,
        mean=settings.mean,
        # A band that is constant in training is not divided by its deviation of 0, see `Network`.
        std=[value or 1.0 for value in settings.std],
        parts={"gate": open_graph(files["gate"])} if "gate" in files else {},
    )


def _checked(folder: Path, file: FileSettings) -> Path:
    path = folder / file.file
    if not path.is_file():
        raise ArtefactError(f"The bundle lacks '{path}', which its bundle.yaml names; copy the whole folder.")
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != file.sha256:
        raise ArtefactError(
            f"'{path}' is not the file that was exported (its sha256 is {digest[:12]}…, not {file.sha256[:12]}…); "
            "copy the bundle again or export the run again."
        )
    return path
