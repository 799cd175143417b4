"""ONNX files run by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from rareseg.errors import MissingExtraError, UnreadableFileError
from rareseg.inference.graph_engine import RunGraph

__all__ = ["open_onnx_graph"]


def open_onnx_graph(path: Path) -> RunGraph:
    """A graph with one input and one output, on as many threads as torch uses.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        UnreadableFileError: The file is damaged.
    """
    try:
        import onnxruntime
    except ImportError:
        raise MissingExtraError("onnxruntime", extra="onnx", purpose="Running ONNX files") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no base of its own errors
        first = str(error).splitlines()[0]
        raise UnreadableFileError(
            f"'{path}' cannot be opened as ONNX ({first}); export the run again."
        ) from None
    name = session.get_inputs()[0].name

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        outputs: NDArray[np.float32] = session.run(None, {name: pixels})[0]
        return outputs

    return run
