"""OpenVINO's own format and ONNX files, run by OpenVINO."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.errors import MissingExtraError, UnreadableFileError
from rareseg.inference.graph_engine import RunGraph

__all__ = ["open_openvino_graph"]


def open_openvino_graph(path: Path) -> RunGraph:
    """A graph with one input and one output, in float32 on as many threads as torch uses.

    Args:
        path: An .xml with its .bin beside it, or an .onnx.

    Raises:
        MissingExtraError: openvino is not installed.
        UnreadableFileError: The file is damaged.
    """
    try:
        import openvino
    except ImportError:
        raise MissingExtraError("openvino", extra="openvino", purpose="Running OpenVINO's files") from None
    # Left alone it would compute in bfloat16 where the hardware can, and its labels would be its own.
    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    try:
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1]
        raise UnreadableFileError(
            f"'{path}' cannot be opened by OpenVINO ({first}); export the run again."
        ) from None

    # A request holds the buffers of one inference: shared by threads, each would get parts of the others' outputs.
    own = threading.local()

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        if not hasattr(own, "request"):
            own.request = compiled.create_infer_request()
        return np.array(own.request.infer([pixels])[0])

    return run
