"""The page for people, in a real browser."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from serve.test_server_process import served


@pytest.mark.browser
def test_an_image_is_judged_in_the_browser(finished_study: Path, tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium is installed")
    (tmp_path / "note.txt").write_text("no image")
    images = finished_study.parent / "data" / "images"
    wrong: list[str] = []
    with served(finished_study / "remedy" / "seed-0") as (address, _), playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: wrong.append(request.url) if address not in request.url else None)
        page.goto(address)
        page.set_input_files("#file", images / "im00.png")
        page.wait_for_selector("#found:not([hidden])")
        assert page.inner_text("#model") == "rareseg: remedy/seed-0"
        assert page.inner_text("#say").startswith("72 x 88 pixels, ")
        assert page.locator("#classes tr").count() == 2
        assert page.evaluate("document.getElementById('picture').naturalWidth") == 88
        page.set_input_files("#file", tmp_path / "note.txt")
        page.wait_for_selector("#say.wrong")
        assert "'text/plain' came" in page.inner_text("#say")
        assert not page.is_visible("#found")
        browser.close()
    assert [text for text in wrong if not text.startswith("data:")] == []
