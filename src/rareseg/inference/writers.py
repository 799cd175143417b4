"""From names of formats to what writes label maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from rareseg.errors import OptionError
from rareseg.inference import coco_writer as _coco  # noqa: F401  (each registers its format)
from rareseg.inference import flat_writer as _flat  # noqa: F401
from rareseg.inference import overlay_writer as _overlay  # noqa: F401
from rareseg.inference import png_writer as _png  # noqa: F401
from rareseg.inference import regions_csv_writer as _regions_csv  # noqa: F401
from rareseg.inference import regions_geojson_writer as _regions_geojson  # noqa: F401
from rareseg.inference import rle_writer as _rle  # noqa: F401
from rareseg.inference import tif_writer as _tif  # noqa: F401
from rareseg.inference import uncertainty_writer as _uncertainty  # noqa: F401
from rareseg.inference.label_writer import WRITERS, LabelWriter, WriterOptions

__all__ = ["WRITERS", "needs_folder", "open_writers"]


def needs_folder(names: Sequence[str]) -> bool:
    """Whether the results of these formats are a folder; a single table is a file.

    Raises:
        UnknownNameError: There is no such format.
    """
    return len(names) != 1 or not PurePath(WRITERS[names[0]].place).suffix


def open_writers(names: Sequence[str], options: WriterOptions) -> dict[str, LabelWriter]:
    """Writers of predicted label maps by their formats.

    One format has ``options.out`` to itself, a folder or a file. Of several, each has a folder or file of its own in
    the folder ``options.out``, named by `LabelWriter.place`.

    Args:
        names: Of `WRITERS`.
        options: What is to be written, and where.

    Raises:
        UnknownNameError: There is no such format.
        OptionError: No format or one twice, an option that cannot take effect, or a file where a folder is needed.

    Example:
        >>> from pathlib import Path
        >>> from rareseg.data.labels import ClassTable
        >>> table = ClassTable.from_names(["background", "crack"])
        >>> writers = open_writers(["png", "coco"], WriterOptions(Path("labels"), ("a.jpg",), table))
        >>> {name: writer.place for name, writer in writers.items()}
        {'png': 'png', 'coco': 'coco.json'}
    """
    if not names or len(set(names)) < len(names):
        raise OptionError(
            f"--format should name one or more different formats, but names {', '.join(names) or 'none'}; "
            f"choose from {', '.join(sorted(WRITERS))}."
        )
    kinds = {name: WRITERS[name] for name in names}
    if options.columns is not None and not any(kind.takes_columns for kind in kinds.values()):
        raise OptionError(
            f"Label maps as {', '.join(kinds)} have no columns to be named; leave out --columns, or name another "
            "--format."
        )
    alone, is_folder, out = len(kinds) == 1, needs_folder(names), options.out
    if out.is_dir() and not is_folder:
        raise OptionError(f"'{out}' is a folder, but {names[0]} writes one file; give another --out.")
    if out.is_file() and is_folder:
        raise OptionError(f"'{out}' is a file, but {', '.join(names)} needs a folder; give another --out.")
    return {
        name: kind(
            replace(
                options,
                out=out if alone else out / kind.place,
                columns=options.columns if kind.takes_columns else None,
            )
        )
        for name, kind in kinds.items()
    }
