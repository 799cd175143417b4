"""``README.txt`` of a bundle: what it is, and how to use its graph in a program that is not rareseg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["make_bundle_readme"]

_TOP = """A segmenter exported by rareseg: {name}

    pip install rareseg
    rareseg predict {folder} IMAGES --out labels

bundle.yaml says what it is: classes, bands, normalisation, decision, and how good it was when measured.
"""
_GRAPH = """
In other programs
-----------------

{file}: `pixels` (batch, {bands}, rows, columns), float32, in the numbers of the image files (the graph
normalises them); rows and columns in multiples of {stride}. `logits` (batch, {outputs}, rows, columns), float32.

{channels}

What a pixel sees: {sight}

The decision ({decision}) comes after that, see `decision` in bundle.yaml{regions}.
"""
_SOFTMAX = """Channels are the classes in the order of bundle.yaml: {names}. A softmax over them gives
probabilities; the largest is the likeliest class."""
_SIGMOID = """Channels are the classes behind the background, in the order of bundle.yaml: {names}. A sigmoid of each
gives the probability that the pixel is of this class. rareseg joins them: each channel is a logit beside a background
of 0, and a softmax over background and channels gives probabilities that sum to 1."""
_GATE = """
{file}: an image gate, asked first. It takes patches of {rows} x {columns} pixels; a sigmoid of its output is the
probability that the patch holds any class but the background. An image whose patches (half overlapping, the last of
each row and column flush with the border) all stay below {threshold:.6g} is background throughout.
"""


def make_bundle_readme(settings: Mapping[str, Any], *, folder: str, formats: Sequence[str]) -> str:
    """The text.

    Args:
        settings: All of ``bundle.yaml`` but weights and parity.
        folder: Name of the bundle.
        formats: Those that it holds, of `FORMATS`.

    Example:
        >>> settings = {
        ...     "name": "tiles, focal, seed 0", "classes": [{"name": "ground"}, {"name": "crack"}], "mean": [120.0],
        ...     "head": {"name": "softmax"}, "decision": {"name": "argmax"}, "gate": None, "outputs": 2, "stride": 16,
        ...     "receptive_radius": 108, "halo": 112,
        ... }
        >>> print(make_bundle_readme(settings, folder="bundle", formats=["safetensors"]).splitlines()[0])
        A segmenter exported by rareseg: tiles, focal, seed 0
        >>> "In other programs" in make_bundle_readme(settings, folder="bundle", formats=["onnx"])
        True
    """
    text = _TOP.format(name=settings["name"], folder=folder)
    endings = {"onnx": "onnx", "openvino": "xml"}
    graphs = [endings[form] for form in formats if form in endings]
    if not graphs:
        return text
    names = [one["name"] for one in settings["classes"]]
    is_softmax = settings["head"]["name"] == "softmax"
    channels = (_SOFTMAX if is_softmax else _SIGMOID).format(
        names=", ".join(names if is_softmax else names[1:])
    )
    radius = settings["receptive_radius"]
    sight = (
        "the whole image. Tiles give other results than the image in one piece."
        if radius is None
        else f"{radius} pixels around it. Tiles that begin on multiples of {settings['stride']} and are read with "
        f"{settings['halo']} pixels\naround them give exactly what the image in one piece gives, without any blending."
    )
    text += _GRAPH.format(
        file=" or ".join(f"model.{ending}" for ending in graphs),
        bands=len(settings["mean"]),
        stride=settings["stride"],
        outputs=settings["outputs"],
        channels=channels,
        sight=sight,
        decision=settings["decision"]["name"],
        regions=", and regions smaller than it says become background"
        if settings["decision"].get("smallest_region")
        else "",
    )
    if settings["gate"] is not None:
        rows, columns = settings["gate"]["patch_size"]
        text += _GATE.format(
            file=" or ".join(f"gate.{ending}" for ending in graphs),
            rows=rows,
            columns=columns,
            threshold=settings["gate"]["threshold"],
        )
    return text
