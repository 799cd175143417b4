"""Measure what each pitfall costs; print the tables, and write them as JSON and into a page.

OMP_NUM_THREADS=1 python studies/pitfalls/run_all.py --data DATA --out studies/pitfalls/results.json
OMP_NUM_THREADS=1 python studies/pitfalls/run_all.py --data DATA --out results.json --only pixel_accuracy

A pitfall whose datasets are not below DATA is skipped. The results of others in an existing file stay.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp

import blank_images
import mean_over_images
import one_object_two_parts
import one_seed
import over_weighting
import pixel_accuracy
import resample_before_split
import threshold_on_test
from pitfall import Place
from spread import from_json, to_json, to_markdown, with_tables

__all__ = ["PITFALLS", "main"]

PITFALLS = {
    module.PITFALL.name: module.PITFALL
    for module in (
        resample_before_split,
        one_object_two_parts,
        pixel_accuracy,
        mean_over_images,
        threshold_on_test,
        over_weighting,
        one_seed,
        blank_images,
    )
}


def main() -> None:
    """Run the chosen pitfalls."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the real datasets")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write or to add to")
    parser.add_argument("--only", choices=PITFALLS, nargs="+", help="names of pitfalls")
    parser.add_argument("--runs", type=Path, help="folder that keeps trained models; by default a new one")
    parser.add_argument("--page", type=Path, help="Markdown page whose marked tables are written anew")
    options = parser.parse_args()
    place = Place(options.data, options.runs or Path(mkdtemp(prefix="rareseg-pitfalls-")))
    stored = json.loads(options.out.read_text()) if options.out.exists() else {"pitfalls": {}}
    for name in options.only or PITFALLS:
        missing = PITFALLS[name].missing(place.data)
        if missing:
            print(f"{name}: skipped, '{place.data}' has no {' and no '.join(missing)}")
            continue
        start = time.perf_counter()
        tables = PITFALLS[name].measure(place)
        print(f"{name}: {time.perf_counter() - start:.0f} s\n")
        for title, table in tables.items():
            print(f"{title}\n\n{to_markdown(table)}")
        stored["pitfalls"][name] = to_json(tables)
    stored["made_with"] = {
        "python": platform.python_version(),
        **{name: version(name) for name in ("numpy", "torch", "rareseg")},
    }
    ordered = {name: stored["pitfalls"][name] for name in PITFALLS if name in stored["pitfalls"]}
    options.out.write_text(json.dumps({**stored, "pitfalls": ordered}, indent=1, ensure_ascii=False) + "\n")
    if options.page:
        results = {name: from_json(tables) for name, tables in ordered.items()}
        options.page.write_text(
            with_tables(options.page.read_text(encoding="utf-8"), results), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
