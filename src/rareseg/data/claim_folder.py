"""A folder of made images belongs to one recipe, so that no folder mixes two."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from rareseg.artefacts import read_json, write_json
from rareseg.errors import DataError

__all__ = ["claim_folder"]


def claim_folder(
    folder: Path, num_images: int, recipe: Mapping[str, object], *, kind: str, plural: str
) -> None:
    """Note in ``<kind>.json`` what the folder holds, or refuse a folder that holds something else.

    Args:
        folder: Where images are written.
        num_images: How many it is to hold; more than it holds are added to it.
        recipe: All that decides how they look.
        kind: What it is a set of.
        plural: The same of several, for messages.

    Raises:
        DataError: The folder holds a set of another recipe, or more images than asked for.
    """
    path = folder / f"{kind}.json"
    digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()
    if path.exists():
        held = read_json(path, kind=kind)
        if held.get("digest") != digest:
            raise DataError(
                f"'{folder}' already holds {plural} of another seed, size or settings (see {path.name}); "
                "give another folder or delete this one."
            )
        if int(held.get("num_images", 0)) > num_images:
            raise DataError(
                f"'{folder}' already holds {held.get('num_images')} {plural}, but {num_images} were asked for; "
                "give another folder or at least that number."
            )
    elif (folder / "images").exists():
        raise DataError(f"'{folder}' has an images folder that is not of a {kind} set; give another folder.")
    write_json(path, {"digest": digest, "num_images": num_images, **recipe}, kind=kind)
