"""``bundle.yaml``: what an exported segmenter is, and what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from rareseg.artefacts import read_yaml
from rareseg.config.dataset import ClassSettings
from rareseg.config.load import Settings, parse_settings
from rareseg.config.recipe import Component
from rareseg.errors import ArtefactError

__all__ = [
    "BundleGateSettings",
    "BundleReadingSettings",
    "BundleSettings",
    "FileSettings",
    "ParitySettings",
    "load_bundle_settings",
]

_FORMATS = ("safetensors", "onnx", "openvino")
_VERSION = 1
_KIND = f"bundle/{_VERSION}"


class FileSettings(Settings):
    """A file of the bundle."""

    file: str = Field(pattern=r"^\w[\w.-]*$")
    """Name inside the bundle."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """Digest of its bytes, checked when it is loaded."""


class BundleReadingSettings(Settings):
    """How image files become the arrays that the network takes."""

    format: str = "folder"
    """Of the dataset; raster is read through rasterio."""
    bands: tuple[int, ...] | None = None
    """Channels that are used, in this order; null for all."""
    nodata: float | None = None
    """Value of pixels without data, instead of the files' own."""
    resample: int = Field(default=1, ge=1)
    """By how much images are enlarged."""


class BundleGateSettings(Settings):
    """How the image gate decides."""

    threshold: FiniteFloat
    """Images with a lower score are background throughout."""
    patch_size: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    """Rows and columns of the patches that the gate is asked about."""


class ParitySettings(Settings):
    """What an exported form gave beside the network that was trained, on the same patches."""

    patches: int
    """Number of patches."""
    pixels: int
    """Pixels in them."""
    source: str
    """Where they came from."""
    largest_difference: float
    """Largest difference of an output, or of a gate's score."""
    largest_output: float
    """Largest absolute output."""
    other_labels: int
    """Pixels with another label; all of them ties within that difference."""


class BundleSettings(Settings):
    """Everything that a bundle holds beside its weights."""

    artefact: Literal["bundle/1"]
    name: str
    """Study, strategy and seed."""
    classes: tuple[ClassSettings, ...] = Field(min_length=2)
    """Names, values and colours, the background first."""
    reading: BundleReadingSettings = BundleReadingSettings()
    mean: tuple[FiniteFloat, ...] = Field(min_length=1)
    """Mean of each band over the training images, in the file's own numbers."""
    std: tuple[Annotated[FiniteFloat, Field(ge=0)], ...] = Field(min_length=1)
    """Standard deviation of each band."""
    model: Component
    """The recipe's model."""
    head: Component
    """The recipe's head."""
    decision: Component
    """How probabilities become labels, as the key `decision` of a recipe takes it."""
    gate: BundleGateSettings | None = None
    outputs: int = Field(ge=1)
    """Channels that the network gives; the head makes class logits of them."""
    stride: int = Field(ge=1)
    """Heights and widths that the network takes are multiples of it."""
    receptive_radius: int | None = Field(ge=0)
    """How far an output pixel sees, in pixels; null: everywhere."""
    tile: int = Field(ge=16)
    """Rows and columns of a tile without its halo."""
    halo: int = Field(ge=0)
    """Pixels around a tile that make its result that of the whole image."""
    whole_megapixels: FiniteFloat = Field(gt=0)
    """Largest image in one piece, for models that depend on the whole image."""
    weights: dict[str, dict[str, FileSettings]] = Field(min_length=1)
    """For each format the files: `network`, for OpenVINO also `network_weights`, and with a gate `gate`."""
    parity: dict[str, ParitySettings] = {}
    """For each format, how near it is to the network that was trained."""
    quality: dict[str, Any] = {}
    """How the run was judged; see the report for more."""
    provenance: dict[str, Any] = {}
    """Versions, machine, study, strategy, seed, step and the data's digest."""

    @model_validator(mode="after")
    def _parts_belong_together(self) -> Self:
        if len(self.mean) != len(self.std):
            raise ValueError(
                f"'mean' has {len(self.mean)} numbers, but 'std' has {len(self.std)}; give one a band"
            )
        for key in ("model", "head", "decision"):
            if not isinstance(getattr(self, key).get("name"), str):
                raise ValueError(f"'{key}' has no name; add it: {{name: ...}}")
        gated = self.head.get("gate") is not None
        if gated != (self.gate is not None):
            raise ValueError(
                "'gate' is missing, but the head has one"
                if gated
                else "'gate' is given, but the head has none"
            )
        for form, files in self.weights.items():
            if form not in _FORMATS:
                raise ValueError(f"'weights' names the format '{form}'; known: {', '.join(_FORMATS)}")
            parts = ["network", "gate"] if gated and form != "safetensors" else ["network"]
            needed = {*parts, *(f"{part}_weights" for part in parts if form == "openvino")}
            if set(files) != needed:
                raise ValueError(
                    f"'weights.{form}' should name the files {', '.join(sorted(needed))}, but names "
                    f"{', '.join(sorted(files)) or 'none'}"
                )
        return self


def load_bundle_settings(folder: Path) -> BundleSettings:
    """Read and check the ``bundle.yaml`` of a bundle.

    Raises:
        ArtefactError: The folder holds none, or one of another version.
        ConfigError: It is not YAML, or a key is unknown or wrong.
    """
    path = Path(folder) / "bundle.yaml"
    if not path.is_file():
        raise ArtefactError(
            f"'{folder}' is not a bundle (it has no bundle.yaml). Make one: rareseg export RUN --out BUNDLE"
        )
    value = read_yaml(path)
    kind, _, version = str(value.get("artefact")).partition("/")
    if kind == "bundle" and version.isdecimal() and int(version) > _VERSION:
        raise ArtefactError(
            f"'{path}' is of version {version}, but this rareseg reads version {_VERSION}; update rareseg: "
            "pip install --upgrade rareseg"
        )
    if value.get("artefact") != _KIND:
        raise ArtefactError(
            f"'{path}' should be a {_KIND} file, but is {value.get('artefact')}; export the run again with "
            "this version."
        )
    return parse_settings(BundleSettings, value, where=str(path))
