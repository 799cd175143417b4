"""The page in a real browser, offline, on a phone and on a desktop, light and dark."""

from __future__ import annotations

import json
import re
import shutil

import pytest

pytestmark = pytest.mark.browser

SIZES = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--headless"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, report):
    contexts = []

    def open_(size="desktop", theme="light"):
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, offline=True
        )
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("console", lambda message: page.complaints.append(message.text))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("request", lambda request: _note_request(page, request.url))
        page.goto(report.as_uri())
        page.wait_for_function("document.documentElement.dataset.charts === 'drawn'")
        page.wait_for_selector(".chart .main-svg")
        return page

    yield open_
    for context in contexts:
        context.close()


def _note_request(page, url: str) -> None:
    if not url.startswith(("file:", "data:", "blob:")):
        page.complaints.append(f"asked for {url}")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_page_fits_and_is_quiet(open_page, size, theme):
    page = open_page(size, theme)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate(
        "[...document.querySelectorAll('.chart')].filter(c => c.offsetParent).every(c => c.data)"
    )
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    light = sum(map(int, re.findall(r"\d+", ground)[:3])) > 384
    assert light == (theme == "light")
    assert page.complaints == []


def test_hovering_a_mark_shows_its_exact_value(open_page, report):
    page = open_page()
    spec = json.loads(
        re.search(r'<script type="application/json">(.*?)</script>', report.read_text(), re.S)[1]
    )
    trace = next(trace for trace in spec["data"] if trace.get("name") == "focal_iscf")
    number = spec["data"].index(trace)
    chart = page.locator(".chart").first
    chart.scroll_into_view_if_needed()
    marks = chart.locator(".scatterlayer .trace").nth(number).locator(".points path")
    box = marks.first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = chart.locator(".hoverlayer .hovertext")
    label.wait_for()
    text = label.text_content().replace("\N{MINUS SIGN}", "-")
    assert "focal_iscf" in text
    numbers = [float(found) for found in re.findall(r"\d\.\d+(?:e-\d+)?", text)]
    assert min(abs(value - trace["y"][0]) for value in numbers) < 1e-4
    assert min(abs(value / trace["x"][0] - 1) for value in numbers) < 1e-3


def test_tabs_switch_all_of_the_page(open_page):
    page = open_page()
    visible = "id => document.getElementById(id).offsetParent !== null"
    assert page.evaluate(visible, "panel-results-test") and not page.evaluate(visible, "panel-results-val")
    page.locator("#tab-results-val").click()
    assert page.evaluate(visible, "panel-results-val") and not page.evaluate(visible, "panel-results-test")
    assert page.evaluate(visible, "panel-charts-val")
    assert page.evaluate("document.querySelector('#panel-charts-val .chart').data.length > 0")
    page.locator("#tab-results-val").press("ArrowRight")
    assert page.evaluate(visible, "panel-results-test")
    page.locator("#tab-averaging-test-images").click()
    assert page.evaluate(visible, "panel-averaging-test-images")
    assert page.evaluate(visible, "panel-results-test")
    assert page.complaints == []


def test_theme_button_recolours_the_charts(open_page):
    page = open_page()
    color = "() => document.querySelector('.chart').layout.font.color"
    before = page.evaluate(color)
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(color) != before
    assert page.complaints == []


def test_printing_shows_every_tab_in_light(open_page):
    page = open_page(theme="dark")
    page.emulate_media(media="print", color_scheme="light")
    assert page.evaluate("document.getElementById('panel-results-val').offsetParent !== null")
    assert not page.evaluate("document.querySelector('.top').offsetParent !== null")


def test_without_scripts_every_table_is_there(browser, report):
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(report.as_uri())
    assert (
        page.locator("#panel-results-val").is_visible() and page.locator("#panel-results-test").is_visible()
    )
    context.close()
