"""The whole main job from Python: look at a dataset, train two strategies at one budget, write the report.

python examples/five_lines.py                             # on synthetic battery foils
python examples/five_lines.py my_data --steps 2000        # on your folder with a dataset.yaml
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import mkdtemp

import rareseg


def main_job(dataset: Path, out: Path, *, steps: int, patch_size: int) -> Path:
    """Five lines: a page about the data, a study, its runs, and a report on them."""
    fingerprint = rareseg.inspect_dataset(rareseg.load_dataset(dataset), out)
    rareseg.write_inspection_page(fingerprint, out / "inspection.html")
    study = rareseg.StudySettings(
        name="five-lines",
        dataset=str(dataset.resolve()),
        seeds=[0],
        budget={"steps": steps, "batch_size": 8, "patch_size": patch_size},
        base={"model": {"name": "unet", "base_channels": 16}},
        strategies={"baseline": {}, "focal_iscf": {"loss": {"name": "focal", "weights": "iscf"}}},
    )
    rareseg.run_study(study, out / "runs")
    return rareseg.write_report(out / "runs", out / "report.html")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path, nargs="?", help="dataset.yaml, or the folder that holds one")
    parser.add_argument("--out", type=Path, help="folder for pages and runs; by default a new one")
    parser.add_argument("--steps", type=int, default=200, help="optimizer steps of each strategy")
    parser.add_argument("--patch-size", type=int, default=64)
    parser.add_argument("--foil-size", type=int, default=256, help="rows and columns of the synthetic foils")
    options = parser.parse_args()
    folder = options.out or Path(mkdtemp(prefix="rareseg-"))
    size = (options.foil_size, options.foil_size)
    data = options.dataset or rareseg.write_foil_dataset(folder / "data", num_images=6, size=size)
    print("Report:", main_job(data, folder, steps=options.steps, patch_size=options.patch_size))
