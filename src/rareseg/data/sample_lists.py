"""Which part of a split each sample is in, from lists of ids."""

from __future__ import annotations

from pathlib import Path

from rareseg.artefacts import read_csv
from rareseg.config.dataset import SplitSettings
from rareseg.data.source import Source
from rareseg.errors import ConfigError, SplitError, did_you_mean

__all__ = ["read_sample_lists"]


def read_sample_lists(source: Source, settings: SplitSettings) -> dict[str, str]:
    """Part by sample id, for the samples that the lists of a split name.

    Args:
        source: Says which samples exist and which are left out on purpose.
        settings: Names a file for train, val and, if there is one, test: a CSV with the column ``sample_id``,
            or a text file with an id a line.

    Raises:
        ConfigError: A list is missing or has no such column.
        SplitError: A list names an unknown sample, or a sample stands in two lists or twice in one.
    """
    known = set(source.sample_ids)
    part_of: dict[str, str] = {}
    for part, file in (("train", settings.train), ("val", settings.val), ("test", settings.test)):
        if file is None:
            continue
        path = source.root / file
        for line, name in _read_list(path):
            if name in source.excluded:
                continue
            if name not in known:
                raise SplitError(
                    f"'{path}' line {line} names the sample '{name}', which does not exist."
                    f"{did_you_mean(name, known)} Mend or remove the line."
                )
            if name in part_of:
                both = f"in {part_of[name]} and in {part}" if part_of[name] != part else f"twice in {part}"
                raise SplitError(
                    f"'{path}' line {line}: the sample '{name}' stands {both}; remove one of the lines."
                )
            part_of[name] = part
    return part_of


def _read_list(path: Path) -> list[tuple[int, str]]:
    """Line number and id of every entry."""
    if path.suffix.lower() == ".csv":
        rows = read_csv(path)
        if rows and "sample_id" not in rows[0]:
            raise ConfigError(
                f"'{path}' has no column 'sample_id', but has {', '.join(rows[0])}; rename one."
            )
        return [(line, row["sample_id"].strip()) for line, row in enumerate(rows, start=2)]
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        raise ConfigError(f"'{path}' does not exist; mend `split` in dataset.yaml.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"'{path}' cannot be read ({error}); give a UTF-8 text file with an id a line."
        ) from None
    return [(line, text.strip()) for line, text in enumerate(lines, start=1) if text.strip()]
