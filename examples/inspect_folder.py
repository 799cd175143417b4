"""What a folder of images and masks holds: ratios between classes, findings, and images that leak.

python examples/inspect_folder.py                         # on synthetic battery foils
python examples/inspect_folder.py my_data                 # with or without a dataset.yaml in it
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import mkdtemp

import rareseg
from rareseg.config.dataset import DatasetSettings
from rareseg.data.guess import guess_dataset


def describe(folder: Path) -> DatasetSettings:
    """The folder's dataset.yaml, or what its files look like where it has none."""
    if (folder / "dataset.yaml").exists():
        return rareseg.load_dataset(folder)
    return DatasetSettings.model_validate({**guess_dataset(folder), "root": str(folder)})


def inspect(settings: DatasetSettings, page: Path) -> None:
    """Print the classes and what stands out; the page has the same with pictures and charts."""
    fingerprint = rareseg.inspect_dataset(settings, None)
    print(f"{fingerprint['num_images']} images, {fingerprint['megapixels']:.2f} megapixels")
    for row in fingerprint["classes"]:
        ratio = f"1 pixel in {1 / row['share']:.0f}" if row["share"] else "no pixel"
        print(f"  {row['name']}: {row['regions']} regions, {ratio}")
    for pair in fingerprint["leaks"]:
        print(f"  leak: {pair['a']} and {pair['b']} show the same thing ({pair['transform']})")
    for warning in fingerprint["warnings"]:
        print(f"  {warning['level']}: {warning['text']}")
    rareseg.write_inspection_page(fingerprint, page)
    print("Page:", page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", help="folder with images and masks")
    parser.add_argument("--page", type=Path, help="HTML file to write; by default in a new folder")
    options = parser.parse_args()
    place = Path(mkdtemp(prefix="rareseg-"))
    data = options.folder
    if data is None:
        data = rareseg.write_foil_dataset(place / "data", num_images=6, size=(128, 128)).parent
    inspect(describe(data), options.page or place / "inspection.html")
