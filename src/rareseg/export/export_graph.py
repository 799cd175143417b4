"""Graphs of a network as ONNX and OpenVINO files."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from rareseg.errors import MissingExtraError, OptionError
from rareseg.export.raw_network import RawNetwork
from rareseg.models.network import Network

__all__ = ["export_onnx", "export_openvino"]

_MOST = 4096
"""Largest height, width and batch that the exporter is told of, in strides; it bounds nothing at run time."""


def export_onnx(
    network: Network,
    path: Path,
    *,
    metadata: Mapping[str, Any],
    part: str | None = None,
    patch_size: tuple[int, int] | None = None,
) -> None:
    """Write ``network`` as an ONNX graph from ``pixels (b, c, h, w)`` to ``logits``, raw float32 pixels in.

    Batch, height and width are free, height and width in multiples of the stride.

    Args:
        network: In eval mode, on the CPU.
        path: File to write.
        metadata: Kept in the file as JSON by key, for programs that have nothing else.
        part: Write this module of the network instead, such as a gate; for one patch size.
        patch_size: Rows and columns of the patches of a part; the graph takes the next multiples of the stride.

    Raises:
        MissingExtraError: onnx or onnxscript is not installed.
        OptionError: The model has operations that ONNX does not know.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  (torch asks for it only after a while)
    except ImportError:
        raise MissingExtraError("onnx", extra="onnx", purpose="Writing ONNX files") from None
    raw = RawNetwork(network, part=part).eval()
    batch = torch.export.Dim("batch", min=1, max=_MOST)
    stride = network.stride
    if part is None:
        size = (6 * stride, 4 * stride)
        free: dict[int, Any] = {0: batch}
        for axis, name in ((2, "rows"), (3, "cols")):
            free[axis] = stride * torch.export.Dim(name, min=1, max=_MOST)
    else:
        assert patch_size is not None
        # Engines mirror patches up to this, as they do with images.
        rows, cols = (-(-side // stride) * stride for side in patch_size)
        size, free = (rows, cols), {0: batch}
    pixels = network.mean[None, :, None, None] + torch.zeros(2, network.in_channels, *size)
    log = logging.getLogger("torch.onnx")
    level = log.level
    try:
        with warnings.catch_warnings():
            # What torch's own parts warn each other of, and that torchvision is not installed.
            warnings.simplefilter("ignore")
            log.setLevel(logging.ERROR)
            program = torch.onnx.export(
                raw,
                (pixels,),
                dynamo=True,
                input_names=["pixels"],
                output_names=["logits"],
                dynamic_shapes=(free,),
                verbose=False,
                external_data=False,
            )
    except Exception as error:  # the exporter's own errors come in many kinds
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise OptionError(
            f"This model cannot be written as ONNX ({first}); leave that format out and use safetensors."
        ) from None
    finally:
        log.setLevel(level)
    assert program is not None
    model = program.model_proto
    for key, value in metadata.items():
        model.metadata_props.add(key=f"rareseg.{key}", value=json.dumps(value))
    onnx.save(model, str(path))


def export_openvino(onnx_file: Path, path: Path) -> None:
    """Write an ONNX file as OpenVINO's own format: ``path`` (.xml) and a .bin beside it, in float32.

    OpenVINO's runtime reads ONNX by itself; its converter, which reports its use over the network, is not asked.

    Raises:
        MissingExtraError: openvino is not installed.
    """
    try:
        import openvino
    except ImportError:
        raise MissingExtraError("openvino", extra="openvino", purpose="Writing OpenVINO's files") from None
    openvino.save_model(openvino.Core().read_model(str(onnx_file)), str(path), compress_to_fp16=False)
