from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rareseg.cli.balance_text import balance_text
from rareseg.cli.main import main


def _part(pixels: float) -> dict[str, object]:
    return {
        "num_images": 3,
        "num_groups": 3,
        "class_images": {"good": 3, "a long name": 0},
        "class_groups": {"good": 3, "a long name": 0},
        "blank_images": 3,
        "shares": {"good": 1 - pixels, "a long name": pixels},
    }


@pytest.mark.parametrize(
    ("share", "shown"),
    [(0.0, "0%"), (4e-6, "0.00040%"), (0.0149, "1.5%"), (0.123, "12.3%"), (0.9934, "99.34%"), (1.0, "100%")],
)
def test_shares_keep_the_digits_that_matter(share: float, shown: str) -> None:
    line = balance_text({"train": _part(share)}).splitlines()[4]
    assert line.split() == ["a", "long", "name", "0%", "0", shown]


def test_columns_stand_below_their_part() -> None:
    lines = balance_text({"train": _part(0.5), "val": _part(0.001)}).splitlines()
    assert lines[0].index("val:") == lines[1].rindex("3 images in 3 groups")
    assert lines[2].split() == ["class", *["images", "groups", "pixels"] * 2]
    ends = [line.rindex("%") for line in lines[3:5]]
    assert ends[0] == ends[1] == lines[2].rindex("pixels") + len("pixels") - 1


@pytest.mark.parametrize("verb", ["inspect", "plan"])
def test_inspect_and_plan_print_the_balance(
    tiny_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    """Counted from the mask files: im03 to im05 are val, of which im03 is made blank."""
    Image.fromarray(np.zeros((72, 88), np.uint8)).save(tiny_dataset / "masks" / "im03.png")
    options = ["--quiet"] if verb == "inspect" else []
    assert main([verb, str(tiny_dataset), "--out", str(tmp_path / "out"), *options]) == 0
    lines = capsys.readouterr().out.splitlines()
    head = next(number for number, line in enumerate(lines) if "train:" in line)
    square = next(line for line in lines[head:] if line.startswith("square")).split()
    masks = [np.array(Image.open(tiny_dataset / "masks" / f"im{n:02d}.png")) for n in range(9)]
    for part in range(3):
        own = np.stack(masks[3 * part : 3 * part + 3])
        images = f"{100 * (own == 1).any((1, 2)).mean():.1f}%".replace("100.0", "100")
        assert square[1 + 3 * part : 4 + 3 * part] == [images, "1", f"{100 * (own == 1).mean():.1f}%"]
    blank = next(line for line in lines[head:] if line.startswith("(blank)")).split()
    assert blank[1:] == ["0%", "33.3%", "0%"]
