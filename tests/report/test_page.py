from __future__ import annotations

import re

import numpy as np
import pytest

from rareseg.report import palette
from rareseg.report.chart import Chart
from rareseg.report.page import Section, _environment, render_fragment, render_page

TEXT_PAIRS = [
    *[
        ("fg", ground)
        for ground in ("bg", "surface", "raised", "warn-bg", "bad-bg", "good-bg", "info-bg", "tab")
    ],
    *[("muted", ground) for ground in ("bg", "surface", "raised")],
    *[("good", ground) for ground in ("surface", "raised")],
    ("accent", "bg"),
]


def test_page_is_balanced_and_names_its_sections(parse):
    page = parse(
        render_page(
            "A & <b>", [Section("one", "First", "<p>x</p>", lead="Lead"), Section("two", "Second", "")]
        )
    )
    assert page.problems == []
    anchors = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert anchors == ["#content", "#one", "#two"]
    assert {"one", "two"} <= {attrs.get("id") for _, attrs in page.tags}
    assert "A & <b>" in page.words


def test_page_asks_for_nothing_from_outside(parse):
    body = render_fragment_with_chart(Chart("c", [{"y": [1]}]))
    html = render_page("t", [Section("a", "A", body)])
    page = parse(html)
    for tag, attrs in page.tags:
        for key in ("src", "href", "action", "data", "poster", "srcset"):
            assert re.match(r"^(#|data:|$)", attrs.get(key, "")), (tag, attrs)
    assert not re.search(r"https?://", html)
    assert "url(http" not in html and "@import" not in html
    policy = next(attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv"))
    assert policy.startswith("default-src 'none'") and "http" not in policy


def test_plotly_comes_once_and_only_with_charts():
    chart = render_fragment_with_chart(Chart("c", [{"y": [1]}]))
    with_charts = render_page("t", [Section("a", "A", chart), Section("b", "B", chart)])
    assert with_charts.count('id="plotly-packed"') == 1
    assert 'id="plotly-packed"' not in render_page("t", [Section("a", "A", "<p>none</p>")])
    assert len(with_charts) < 2_500_000


def test_chart_cannot_break_out_of_its_script():
    chart = Chart("c", [{"name": "</script><script>alert(1)</script>", "y": [float("inf"), np.float64(2)]}])
    assert "</script>" not in str(chart.spec())
    assert '"y":[null,2.0]' in str(chart.spec())


def test_fragment_escapes_values():
    headline = type("H", (), {"answer": "<i>'x'</i>", "support": (), "warnings": ()})()
    html = render_fragment("report_headline.html.j2", headline=headline)
    assert "&lt;i&gt;" in html and '<b class="name">x</b>' in html


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_of_text_is_at_least_4_5(theme):
    colors = _theme(theme)
    for text, ground in TEXT_PAIRS:
        assert _contrast(colors[text], colors[ground]) >= 4.5, (theme, text, ground)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_strategy_colours_stand_out_from_the_ground(theme):
    colors = _theme(theme)
    for index in range(palette.NUM_COLORS):
        assert _contrast(colors[f"s{index}"], colors["surface"]) >= 3.0, (theme, index)


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB.
PROTAN = np.array(
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
)
DEUTAN = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
)
TRITAN = np.array(
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
)


@pytest.mark.parametrize(
    "vision", [np.eye(3), PROTAN, DEUTAN, TRITAN], ids=["full", "protan", "deutan", "tritan"]
)
def test_error_colours_differ_in_every_colour_vision(vision):
    seen = [_lab(vision @ _linear(color)) for color in palette.ERROR_COLORS.values()]
    distances = [np.linalg.norm(a - b) for i, a in enumerate(seen) for b in seen[:i]]
    assert min(distances) > 20


def test_strategy_styles_do_not_repeat_soon():
    assert len({palette.strategy_style(index) for index in range(56)}) == 56


def render_fragment_with_chart(chart: Chart) -> str:
    template = '{% import "macros.html.j2" as m with context %}{{ m.chart(c) }}'
    return _environment().from_string(template).render(c=chart)


def _theme(name: str) -> dict[str, str]:
    css = render_fragment("page.css")
    block = css.split(":root[data-theme=dark]{")[1] if name == "dark" else css.split(":root{")[1]
    return dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})", block.split("}")[0]))


def _linear(color: str) -> np.ndarray:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    values = np.array([int(digits[at : at + 2], 16) for at in (0, 2, 4)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def _contrast(a: str, b: str) -> float:
    """WCAG 2 contrast ratio."""
    high, low = sorted((float(_linear(color) @ [0.2126, 0.7152, 0.0722]) for color in (a, b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _lab(linear: np.ndarray) -> np.ndarray:
    """CIE Lab under D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ np.clip(linear, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
