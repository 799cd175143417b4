"""The page about a dataset, made from a fingerprint of a small dataset."""

from __future__ import annotations

import copy
import html
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from rareseg.inspection.previews import Preview, preview_samples
from rareseg.report.inspection_page import write_inspection_page
from rareseg.report.inspection_pictures import overlay, picture


def _part(images: int, share: float, ratio: float | None) -> dict[str, Any]:
    return {
        "num_images": images,
        "num_regions": images,
        "num_groups": images,
        "groups": [],
        "blank_images": 0,
        "megapixels": 0.5,
        "unlabelled": 0.0,
        "class_pixels": {"good": 99000, "<crack>": 1000},
        "class_images": {"good": images, "<crack>": 1},
        "class_groups": {"good": images, "<crack>": 1},
        "shares": {"good": 1 - share, "<crack>": share},
        "drift": {"total_variation": 0.01, "ratio": {"good": 1.0, "<crack>": ratio}},
    }


@pytest.fixture
def fingerprint() -> dict[str, Any]:
    row = {"images": 2, "groups": 2, "examples": ["a", "b"]}
    pair = {"a": "a", "b": "b", "split_a": "train", "split_b": "val", "similarity": 0.87, "same_group": False}
    return {
        "name": "small set",
        "num_images": 3,
        "num_groups": 3,
        "num_bands": 1,
        "dtype": "uint8",
        "megapixels": 0.3,
        "classes": [
            {
                **row,
                "name": "good",
                "value": 0,
                "color": "#e8e8e8",
                "pixels": 99000,
                "share": 0.99,
                "regions": 3,
                "region_size": {"min": 10, "median": 33000.0, "max": 40000},
                "histogram": {"edges": [1, 2], "counts": [3]},
            },
            {
                **row,
                "name": "<crack>",
                "value": 7,
                "color": "#d55e00",
                "pixels": 1000,
                "share": 0.01,
                "regions": 4,
                "region_size": {"min": 1, "median": 12.0, "max": 900},
                "histogram": {"edges": [1, 2, 4], "counts": [1, 3]},
            },
        ],
        "ratio_matrix": [[1.0, 1 / 99], [99.0, 1.0]],
        "ratio_text": [["1:1", "99:1"], ["1:99", "1:1"]],
        "weights": {"icf": [0.02, 1.98], "iscf": [0.18, 1.82]},
        "splits": {"train": _part(2, 0.01, 1.0), "val": _part(1, 0.03, 3.0)},
        "bands": {"mean": [100.25], "std": [20.0], "min": [0.0], "max": [255.0]},
        "blank_masks": 1 / 3,
        "unlabelled": 0.0,
        "identical_masks": [["a", "b"]],
        "excluded": [],
        "outliers": {"masks": {"sets": [], "exclude": []}, "reconstruction": None, "exclude": []},
        "leaks": [{**pair, "transform": "rotate_90"}],
        "duplicates": [],
        "warnings": [
            {
                "kind": "leak",
                "level": "serious",
                "text": "'a' and 'b' show the same thing.",
                "files": ["x/a.png"],
            },
            {
                "kind": "blank_mask",
                "level": "note",
                "text": "Blank.",
                "files": [f"{i}.png" for i in range(25)],
            },
        ],
    }


@pytest.fixture
def previews() -> dict[str, Preview]:
    rng = np.random.default_rng(0)
    masks = rng.integers(0, 2, (2, 30, 40)).astype(np.uint8)
    pictures = rng.integers(0, 255, (2, 30, 40)).astype(np.uint8)
    return {name: Preview(pictures[i], masks[i]) for i, name in enumerate("ab")}


def test_the_page_says_what_the_fingerprint_holds(fingerprint, previews, tmp_path: Path) -> None:
    assert preview_samples(fingerprint) == ["a", "b"]
    path = tmp_path / "page.html"
    write_inspection_page(fingerprint, path, thumbnails=previews)
    text = path.read_text()
    assert "<h1>small set</h1>" in text
    assert "&lt;crack&gt;" in text
    assert "<crack>" not in text.replace("\\u003ccrack>", "")
    assert text.index("show the same thing.") < text.index("Blank.") < text.index("<h2>Classes</h2>")
    assert "and 5 more, in fingerprint.json" in text
    for fact in (
        "1:99",
        "99:1",
        "1 : 100",
        "1 to 900",
        "\N{MULTIPLICATION SIGN} 3",
        "turned a quarter to the left",
        "0.870",
    ):
        assert fact in text, fact
    assert text.count("drifted") == 2, "the style and one marked cell"
    assert text.count("data:image/jpeg") == 4
    assert text.count("data:image/png") == 2


def test_the_page_needs_nothing_from_elsewhere(fingerprint, previews, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_inspection_page(fingerprint, path, thumbnails=previews)
    page = re.sub(
        r'<script type="text/plain" id="plotly-packed">.*?</script>', "", path.read_text(), flags=re.S
    )
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_a_fingerprint_of_masks_alone_and_without_pictures(fingerprint, tmp_path: Path) -> None:
    masks_only = copy.deepcopy(fingerprint)
    masks_only |= {"bands": {}, "leaks": [], "warnings": [], "name": ""}
    masks_only["classes"][1] |= {"regions": 0, "region_size": None, "examples": [], "pixels": 0, "share": 0.0}
    masks_only["ratio_matrix"] = [[1.0, 0.0], [None, None]]
    masks_only["ratio_text"] = [["1:1", ""], ["", ""]]
    masks_only["weights"] = {"icf": [None, None], "iscf": [None, None]}
    path = tmp_path / "page.html"
    write_inspection_page(masks_only, path)
    text = path.read_text()
    assert "<h1>Dataset</h1>" in text
    assert "Nothing stands out" in text
    assert "<h2>Images that show the same thing</h2>" not in text
    assert "<h2>Examples</h2>" not in text
    assert "absent" in text
    assert 'id="plotly-packed"' not in text, "no chart without regions"


def test_outliers_have_pictures_and_lists_to_paste(fingerprint, previews, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    write_inspection_page(fingerprint, path, thumbnails=previews)
    assert "<h2>Outliers</h2>" not in path.read_text()
    ids = ["left", "a", "001"]
    fingerprint["excluded"] = ["left"]
    fingerprint["outliers"] = {
        "masks": {
            "sets": [{"samples": ["a", "001", "b"], "num_groups": 3, "share": 0.3}],
            "exclude": [*ids, "b"],
        },
        "reconstruction": {
            "threshold": 5.0,
            "num_trained": 40,
            "images": [
                {"sample": "a", "error": 31.5, "score": 9.25},
                {"sample": "b", "error": 8.0, "score": 1.0},
                {"sample": "c", "error": 7.0, "score": 0.0},
            ],
            "reconstructions": {"a": "data:image/png;base64,QUJD", "b": "data:image/png;base64,REVG"},
            "exclude": ["left", "c"],
        },
        "exclude": [*ids, "b", "c"],
    }
    write_inspection_page(fingerprint, path, thumbnails=previews)
    text = path.read_text()
    lists = [
        yaml.safe_load(html.unescape(found))
        for found in re.findall(r"<code>(exclude:.*?)</code>", text, re.S)
    ]
    assert lists == [{"exclude": [*ids, "b"]}, {"exclude": ["left", "c"]}, {"exclude": [*ids, "b", "c"]}]
    assert "3 images</strong> in 3 groups" in text
    assert "1 is off by more than 5 robust deviations" in text
    assert text.index("base64,QUJD") < text.index("base64,REVG")
    assert 'class="far">score 9.25' in text
    assert "<span>score 1<" in text
    assert "Each list begins with the 1 image that dataset.yaml leaves out already" in text
    assert "Left out on purpose, by <code>exclude</code> in dataset.yaml: <code>left</code>" in text
    assert "Both together" in text
    fingerprint["outliers"] |= {"exclude": [*ids, "b"]}
    fingerprint["outliers"]["reconstruction"]["exclude"] = ["left", "a"]
    write_inspection_page(fingerprint, path, thumbnails=previews)
    assert "Both together" not in path.read_text(), "where one list holds the other"


def test_pictures_are_turned_and_overlays_coloured(previews) -> None:
    import base64
    import io

    from PIL import Image

    def pixels(shown: Any) -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(shown.uri.split(",")[1]))))

    preview = previews["a"]
    turned = picture(preview, transform="rotate_90")
    assert (turned.width, turned.height) == (30, 40)
    assert np.abs(pixels(turned).astype(int) - np.rot90(preview.picture)).mean() < 15
    laid = pixels(overlay(preview, ["#e8e8e8", "#d55e00"]))
    assert (laid[preview.mask == 1] == [0xD5, 0x5E, 0x00]).all()
    assert laid[preview.mask == 0].min() >= 140, "background stays visible, but faded"


@pytest.mark.browser
@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_in_a_browser(fingerprint, previews, tmp_path: Path, width: int, theme: str) -> None:
    """No errors, the chart is drawn, and nothing is wider than the screen."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    from playwright.sync_api import sync_playwright

    path = tmp_path / "page.html"
    write_inspection_page(fingerprint, path, thumbnails=previews)
    errors: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_selector("html[data-charts=drawn]", timeout=20000)
        assert page.locator(".chart .main-svg").count() > 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        browser.close()
    assert errors == []
