"""``dataset.yaml``: where images and masks are, what their values mean, and how they are split."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from rareseg.config.coco import CocoSettings
from rareseg.config.load import Settings, load_settings
from rareseg.config.normalise import NormaliseSettings
from rareseg.config.npz import NpzSettings, check_array_keys
from rareseg.config.raster import RasterSettings
from rareseg.config.resample import ResampleSettings
from rareseg.config.rle_csv import RleCsvSettings
from rareseg.errors import ConfigError
from rareseg.types import IGNORE_INDEX

__all__ = [
    "ClassSettings",
    "DatasetSettings",
    "GroupSettings",
    "MaskSettings",
    "SplitSettings",
    "load_dataset_settings",
]


def _parse_color(value: Any) -> Any:
    """``"#3366cc"`` or ``[51, 102, 204]`` to a triple."""
    if isinstance(value, str):
        digits = value.removeprefix("#")
        if len(digits) != 6 or any(c not in "0123456789abcdefABCDEF" for c in digits):
            raise ValueError("a colour is written '#rrggbb' or as three numbers from 0 to 255")
        return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))
    return value


Byte = Annotated[int, Field(ge=0, le=255)]
Color = Annotated[tuple[Byte, Byte, Byte], BeforeValidator(_parse_color)]


class ClassSettings(Settings):
    """One class. Its index everywhere inside rareseg is its position in the list, from 0."""

    name: str = Field(min_length=1)
    """Name as tables and charts show it."""
    value: int | None = Field(default=None, ge=0, le=65535)
    """Value in indexed masks; by default the position in the list."""
    color: Color | None = None
    """Colour in RGB masks and in pictures; by default one of a colour-blind-safe palette."""
    folder: str | None = None
    """For ``masks.kind: per_class``: the folder (below root) of this class's binary masks; background has none."""


class MaskSettings(Settings):
    """How masks are stored."""

    kind: Literal["indexed", "rgb", "binary", "per_class"] = "indexed"
    """indexed: one channel or palette, pixel = value. rgb: pixel = colour of the class.
    binary: grey, above the threshold is class 1. per_class: a binary mask for each class."""
    folder: str = "masks"
    """Folder below root (for per_class see ``classes[].folder``)."""
    suffix: str = ""
    """What the mask's name has after the image's stem, e.g. ``_mask`` for ``a.jpg`` and ``a_mask.png``."""
    column: str | None = None
    """Column of the samples table that names the mask files, instead of ``folder`` and ``suffix``; by default
    ``mask``, where there is such a column (for ``other_masks`` none)."""
    key: str | None = Field(default=None, min_length=1)
    """For ``format: npz``: the array that holds the masks."""
    threshold: int = Field(default=127, ge=0, le=65534)
    """binary and per_class: pixels above this value belong to the class."""
    ignore: int | Color | None = 255
    """Value (indexed, binary) or colour (rgb) of pixels that neither train nor count; null for none. In binary
    and per_class masks 255 is the usual foreground, so there it ignores nothing."""
    missing: Literal["error", "background"] = "error"
    """What an image without a mask file means."""


class GroupSettings(Settings):
    """Which images show the same physical object; a group never lies in two parts of a split."""

    column: str | None = None
    """Column of the samples table."""
    pattern: str | None = None
    """Regular expression searched in the file's stem; its first group (or the whole match) is the key."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.column is None) == (self.pattern is None):
            raise ValueError("give either 'column' or 'pattern'")
        return self


class SplitSettings(Settings):
    """How samples are divided into train, val and test."""

    kind: Literal["column", "lists", "group", "kfold", "region"] = "group"
    """column: a column of the samples table says. lists: files name the samples. group: drawn greedily,
    whole groups, rarest class first. kfold: the same in k parts, one is test and the next is val.
    region: each image is cut, its first part is val, the rest is train."""
    column: str = "split"
    """kind column: values train, val, test (others are left out)."""
    train: str | None = None
    val: str | None = None
    test: str | None = None
    """kind lists: CSV files (column sample_id) or text files (an id a line), below root."""
    fractions: tuple[float, float, float] = (0.7, 0.15, 0.15)
    """kind group: shares of train, val, test; test may be 0."""
    folds: int = Field(default=5, ge=3)
    fold: int = Field(default=0, ge=0)
    """kind kfold: number of parts, and which of them is the test part."""
    val_share: float = Field(default=0.33, gt=0, lt=1)
    axis: Literal["rows", "cols"] = "rows"
    """kind region: the first ``val_share`` of the rows (or columns) validates (section 3.1 of the foil thesis)."""
    seed: int = Field(default=0, ge=0)
    move: dict[str, Literal["train", "val", "test"]] = {}
    """Groups that go to a part by name, after the split is drawn or read; not for kind region."""

    @field_validator("move", mode="before", json_schema_input_type=dict[str, Literal["train", "val", "test"]])
    @classmethod
    def _keys_are_text(cls, move: Any) -> Any:
        """A key such as 7 is a number in YAML, but group keys are text."""
        if not isinstance(move, Mapping):
            return move
        return {str(group) if type(group) is int else group: part for group, part in move.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind == "region" and self.move:
            raise ValueError(
                "kind 'region' cuts every image into a training and a validation part, so 'move' cannot take "
                "effect; drop it or choose another kind"
            )
        if self.kind == "lists" and (self.train is None or self.val is None):
            raise ValueError("kind 'lists' needs the keys 'train' and 'val' (and 'test' if there is one)")
        if self.kind == "kfold" and self.fold >= self.folds:
            raise ValueError(f"'fold' counts from 0 and must be below 'folds' ({self.folds})")
        if min(self.fractions) < 0 or self.fractions[0] <= 0 or abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError("'fractions' must be three shares that sum to 1, the first above 0")
        return self


_SECTIONS: tuple[str, ...] = (
    "coco",
    "npz",
    "raster",
    "rle_csv",
)
"""Formats with keys of their own, which stand in a section of the format's name."""

_OPTIONAL_SECTIONS = ("raster",)
"""Those of them that do without their section."""

_WITHOUT_EFFECT: dict[str, tuple[str, ...]] = {
    "coco": ("masks",),
    "npz": ("images",),
    "rle_csv": ("masks", "other_masks"),
}
"""For each format the keys that it does not read."""

_OWN_COLUMNS = ("coco", "npz")
"""Formats whose files hold columns, so that they need no table for ``group`` and ``split``."""


class DatasetSettings(Settings):
    """The whole of ``dataset.yaml``; every key is described in ``docs/formats.md``.

    Example:
        >>> settings = DatasetSettings(name="foil", classes=[{"name": "background"}, {"name": "cavity"}])
        >>> settings.class_names
        ('background', 'cavity')
    """

    name: str = Field(min_length=1)
    root: str = "."
    """Folder of the data, relative to this file; the command line's ``--root`` overrides it."""
    format: Literal[
        "folder",
        "coco",
        "npz",
        "raster",
        "rle_csv",
    ] = "folder"
    coco: CocoSettings | None = None
    npz: NpzSettings | None = None
    rle_csv: RleCsvSettings | None = None
    images: str = "images"
    """Folder below root that holds the images (searched with its subfolders)."""
    masks: MaskSettings = MaskSettings()
    other_masks: dict[str, MaskSettings] = {}
    """Further labels of the same images, by name: another annotator's, or exact ones. They never train; runs are
    judged by them too. A text is short for ``{folder: text}``; keys that are left out are as in ``masks``."""
    classes: tuple[ClassSettings, ...] = Field(min_length=2, max_length=IGNORE_INDEX)
    bands: tuple[int, ...] | None = None
    """Which channels of the image to use, in this order, from 0; by default all."""
    normalise: NormaliseSettings | None = None
    """Ranges that bands are normalised by; by default mean and deviation of the training split."""
    resample: ResampleSettings | None = None
    """Enlarges images and masks; by default pixels are those of the files."""
    samples: str | None = None
    """CSV below root with the columns sample_id, image and optionally mask, split, group."""
    group: GroupSettings | None = None
    split: SplitSettings = SplitSettings()
    roi: str | None = None
    """CSV below root with the columns sample_id, row, col, height, width: the box to use of each image."""
    pixel_size: float | None = Field(default=None, gt=0)
    """Edge of a pixel in ``unit``, for region sizes in reports."""
    unit: str = "px"
    exclude: tuple[str, ...] = ()
    """Sample ids to leave out; the report names them."""
    raster: RasterSettings | None = None
    """Keys of the format raster, which does without."""

    @field_validator("classes")
    @classmethod
    def _unique(cls, classes: tuple[ClassSettings, ...]) -> tuple[ClassSettings, ...]:
        for key in ("name", "color"):
            seen: set[Any] = set()
            for item in classes:
                value = getattr(item, key)
                if value is not None and value in seen:
                    raise ValueError(f"two classes share the {key} {value!r}; give each its own")
                seen.add(value)
        values = [index if item.value is None else item.value for index, item in enumerate(classes)]
        if len(set(values)) < len(values):
            raise ValueError("two classes share a value; give each its own")
        return classes

    @field_validator("other_masks", mode="before", json_schema_input_type=dict[str, str | MaskSettings])
    @classmethod
    def _like_masks(cls, others: Any, info: ValidationInfo) -> Any:
        """Fill in from ``masks`` what other labels leave out."""
        if not isinstance(others, Mapping) or "masks" not in info.data:
            return others
        main = info.data["masks"]
        shared = {key: getattr(main, key) for key in main.model_fields_set - {"folder", "column", "key"}}
        filled = {}
        for name, own in others.items():
            if not re.fullmatch(r"[A-Za-z0-9_-]+", str(name)):
                raise ValueError(
                    f"names of labels become folders, so use letters, digits, '_' and '-' only, not '{name}'"
                )
            if isinstance(own, MaskSettings):
                own = own.model_dump(exclude_unset=True)
            places = ("key",) if info.data.get("format") == "npz" else ("folder", "column")
            given = {places[0]: own} if isinstance(own, str) else own
            if not isinstance(given, Mapping):
                raise ValueError(f"give '{name}' a {places[0]}, or keys as under 'masks'")
            if not set(places) & set(given):
                listed = " or a ".join(f"'{place}'" for place in places)
                raise ValueError(f"say where the masks of '{name}' are: give it a {listed}")
            filled[str(name)] = {**shared, **given}
        return filled

    @model_validator(mode="after")
    def _keys_fit_format(self) -> Self:
        """A format has a section of its own name, unless it needs none, and keys that would do nothing there."""
        for name in _SECTIONS:
            if self.format != name and getattr(self, name) is not None:
                raise ValueError(
                    f"'{name}' is given, but format is '{self.format}'; set 'format: {name}' or remove it"
                )
            if self.format == name and getattr(self, name) is None and name not in _OPTIONAL_SECTIONS:
                raise ValueError(f"format is '{name}', but there is no section '{name}'; add it")
        for key in _WITHOUT_EFFECT.get(self.format, ()):
            if key in self.model_fields_set:
                raise ValueError(f"'{key}' has no effect where format is '{self.format}'; remove it")
        return self

    @model_validator(mode="after")
    def _tables_are_there(self) -> Self:
        if self.format in _OWN_COLUMNS:
            return self
        if self.split.kind == "column" and self.samples is None:
            raise ValueError("split.kind is 'column', but no 'samples' table is given")
        if self.group is not None and self.group.column is not None and self.samples is None:
            raise ValueError(
                "group.column is given, but no 'samples' table; use group.pattern or add 'samples'"
            )
        return self

    @model_validator(mode="after")
    def _masks_fit_classes(self) -> Self:
        check_array_keys(self)
        if self.has_mask_files:
            self._check_masks(self.masks, "masks")
        if self.masks.kind == "per_class":
            missing = [item.name for item in self.classes[1:] if item.folder is None]
            if missing:
                raise ValueError(
                    f"masks.kind is 'per_class', but these classes have no folder: {', '.join(missing)}"
                )
        places = {_place(self.masks): "masks"} if self.has_mask_files else {}
        for name, masks in self.other_masks.items():
            where = f"other_masks.{name}"
            self._check_masks(masks, where)
            if masks.kind == "per_class" and masks.column is not None:
                raise ValueError(f"{where}.kind is 'per_class', so give it a 'folder', not a 'column'")
            same = places.setdefault(_place(masks), where)
            if same != where:
                raise ValueError(f"{where} reads the same files as {same}; mend its folder, suffix or column")
        return self

    def _check_masks(self, masks: MaskSettings, where: str) -> None:
        """Refuse masks that could not be read with these classes."""
        kind, ignore = masks.kind, masks.ignore
        values = {index if item.value is None else item.value for index, item in enumerate(self.classes)}
        if kind == "rgb":
            missing = [item.name for item in self.classes if item.color is None]
            if missing:
                raise ValueError(
                    f"{where}.kind is 'rgb', but these classes have no color: {', '.join(missing)}"
                )
            if isinstance(ignore, int) and ignore != 255:
                raise ValueError(
                    f"{where}.kind is 'rgb', so {where}.ignore must be a colour such as '#ffffff', or null"
                )
        elif isinstance(ignore, tuple):
            raise ValueError(f"{where}.kind is '{kind}', so {where}.ignore must be a value, not a colour")
        elif kind == "indexed" and ignore in values:
            raise ValueError(
                f"{where}.ignore is {ignore}, which is also the value of a class; change one of them"
            )
        if kind == "binary" and len(self.classes) != 2:
            raise ValueError(
                f"{where}.kind is 'binary', so exactly two classes are expected: background and foreground"
            )
        if masks.column is not None and self.samples is None:
            raise ValueError(f"{where}.column is given, but no 'samples' table; add 'samples'")

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names in the order of class indices."""
        return tuple(item.name for item in self.classes)

    @property
    def has_mask_files(self) -> bool:
        """Whether the format reads masks from files of their own, as ``masks`` says."""
        return "masks" not in _WITHOUT_EFFECT.get(self.format, ())


def _place(masks: MaskSettings) -> tuple[str, ...]:
    """What tells apart where two sets of masks lie."""
    if masks.key is not None:
        return "key", masks.key, ""
    return (masks.folder, masks.suffix) if masks.column is None else ("column", masks.column, "")


def load_dataset_settings(path: Path, *, root: Path | None = None) -> DatasetSettings:
    """Read ``dataset.yaml`` (or the folder that holds one) with ``root`` made absolute.

    Args:
        path: The yaml file, or a folder with a ``dataset.yaml`` in it.
        root: Folder of the data, instead of the one that the file names.

    Raises:
        ConfigError: The file is missing or wrong, or the root is not a folder.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "dataset.yaml"
        ...     _ = path.write_text("{name: tiles, classes: [{name: background}, {name: crack}]}")
        ...     settings = load_dataset_settings(path)
        >>> settings.class_names, settings.masks.kind
        (('background', 'crack'), 'indexed')
    """
    path = Path(path)
    if path.is_dir():
        inside = path / "dataset.yaml"
        if not inside.exists():
            raise ConfigError(f"'{path}' holds no dataset.yaml. Make one: rareseg inspect --init '{path}'")
        path = inside
    settings = load_settings(DatasetSettings, path)
    folder = Path(root) if root is not None else path.parent / settings.root
    if not folder.is_dir():
        raise ConfigError(
            f"The data's root '{folder}' (from '{path}') is not a folder. Give the right one: --root FOLDER"
        )
    return settings.model_copy(update={"root": str(folder.resolve())})
