"""The frame that every page of rareseg shares: one self-contained HTML file that works offline.

A page is a title and a list of `Section`; a section's body is HTML, best made with `render_fragment` from a
template of its own in ``templates/``. A template may start with
``{% import "macros.html.j2" as m with context %}`` and then use:

* ``{% call m.table("Caption", label) %}<thead>..</thead><tbody>..</tbody>{% endcall %}`` for a table that
  scrolls inside its own box; cells of numbers carry ``class="num"``.
* ``{{ m.chart(chart) }}`` for a `rareseg.report.chart.Chart`; ``<div class="charts">`` around several lays
  them side by side where there is room.
* ``{% call m.tabs("id", [("val", "Validation"), ("test", "Test")]) %}`` with one
  ``{% call m.tab("id", "val") %}..{% endcall %}`` for each name inside.
* ``{{ m.swatch(color) }}`` for a class's colour, ``{{ m.note("warn", "Text") }}`` for a message
  (``warn``, ``bad``, ``good`` or ``info``), ``{{ m.facts([("Images", "26"), ..]) }}`` for key figures.
* the filters ``rate`` (three decimals), ``signed``, ``percent``, ``count`` (thousands set apart), ``digits``
  (three significant digits), ``ratio`` (1 : N), ``bytes``, ``amount`` (k, M, G) and ``seconds``; each shows
  NaN and None as an en dash that explains itself.

Styles, the script for themes, tabs and charts, and plotly.js (compressed, unpacked by the browser) are
written into the page, so nothing is fetched; a content security policy makes sure of it.
"""

from __future__ import annotations

import base64
import functools
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rareseg.report.numerals import FILTERS

__all__ = ["Section", "render_fragment", "render_page"]


@dataclass(frozen=True)
class Section:
    """One part of a page.

    Args:
        key: Anchor of the section, unique in the page: letters, digits and ``-``.
        title: Heading, also the entry in the contents list.
        body: HTML, taken as it is (`render_fragment` escapes what it fills in).
        lead: One sentence under the heading, plain text.
    """

    key: str
    title: str
    body: str
    lead: str = ""


def render_page(
    title: str, sections: Sequence[Section], *, subtitle: str = "", footer: str = "", kind: str = "Report"
) -> str:
    """Return a whole page as HTML text.

    plotly.js is included only where a section holds a chart.

    Args:
        title: Heading of the page, plain text.
        sections: What the page holds, in order; the contents list is made from it.
        subtitle: A line under the heading, plain text.
        footer: A line at the very end, plain text, such as versions and date.
        kind: Small word above the title: ``"Report"``, ``"Inspection"``.

    Example:
        >>> page = render_page("Foils", [Section("data", "Data", "<p>26 images</p>")])
        >>> "<h2>Data</h2>" in page, 'id="plotly-packed"' in page
        (True, False)
    """
    has_charts = any('class="chart"' in section.body for section in sections)
    context = {
        "title": title,
        "subtitle": subtitle,
        "footer": footer,
        "kind": kind,
        "sections": sections,
        "plotly": _packed_plotly() if has_charts else "",
    }
    return str(_environment().get_template("base.html.j2").render(context))


def render_fragment(template: str, /, **context: Any) -> str:
    """Fill a template of ``templates/`` (values are escaped) and return its HTML.

    Args:
        template: File name, such as ``"report_data.html.j2"``.
        **context: What the template refers to.
    """
    return str(_environment().get_template(template).render(context))


@functools.cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("rareseg.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


@functools.cache
def _packed_plotly() -> str:
    """plotly.js as base64 of gzip: 2 MB in place of 5, with its licence text inside."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), compresslevel=9, mtime=0)).decode()
