"""Numbers as a reader wants them: sensible digits, thousands set apart, an en dash for the undefined."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from typing import Final

from markupsafe import Markup, escape

__all__ = ["FILTERS", "UNDEFINED"]

Number = float | int | None
THIN = "\N{NARROW NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
UNDEFINED: Final = Markup(
    '<abbr class="undefined" title="undefined: no support and no prediction">\N{EN DASH}</abbr>'
)
"""What stands for NaN and None in a page."""


def _shown(write: Callable[[float], str]) -> Callable[[Number], str]:
    """Give a filter the dash for NaN and None, and a true minus sign."""

    @functools.wraps(write)
    def shown(value: Number) -> str:
        if value is None or math.isnan(value):
            return UNDEFINED
        return write(value).replace("-", MINUS)

    return shown


@_shown
def rate(value: float) -> str:
    """A rate in 0..1 with three decimals; a small one with two significant digits, since it is not 0.

    Example:
        >>> rate(0.51234), rate(0.00004321).replace(MINUS, "-"), rate(0), rate(1), rate(0.99996)
        ('0.512', '4.3e-5', '0', '1', '0.9999')
    """
    if value == int(value):
        return str(int(value))
    if abs(value) < 0.001:
        return _scientific(value)
    if abs(value) < 0.01:
        return f"{value:.4f}"
    if 0.9995 <= value < 1:
        return f"{min(value, 0.9999):.4f}"
    return f"{value:.3f}"


@_shown
def signed(value: float) -> str:
    """A difference of rates with its sign and three decimals.

    Example:
        >>> signed(0.0712), signed(-0.0712).replace(MINUS, "-")
        ('+0.071', '-0.071')
    """
    return f"{value:+.3f}"


@_shown
def percent(value: float) -> str:
    """A share in 0..1 as percent with up to three significant digits.

    Example:
        >>> [percent(share).split()[0] for share in (0.4567, 0.00637, 0.000064, 1.0)]
        ['45.7', '0.637', '0.0064', '100']
    """
    scaled = 100 * value
    if scaled == 0 or abs(scaled) >= 99.95:
        return f"{scaled:.0f}{THIN}%"
    if abs(scaled) < 1e-3:
        return f"{_scientific(scaled)}{THIN}%"
    decimals = 1 if abs(scaled) >= 10 else 2 if abs(scaled) >= 1 else 3 if abs(scaled) >= 0.1 else 4
    return f"{scaled:.{decimals}f}{THIN}%"


@_shown
def count(value: float) -> str:
    """A whole number with thousands set apart.

    Example:
        >>> count(1234567).split()
        ['1', '234', '567']
    """
    return f"{round(value):,}".replace(",", THIN)


@_shown
def digits(value: float) -> str:
    """Any number with three significant digits.

    Example:
        >>> digits(0.012345), digits(3.14159), digits(98.76), digits(12)
        ('0.0123', '3.14', '98.8', '12')
    """
    size = abs(value)
    if size >= 1000:
        return count(value)
    if value == int(value):
        return str(int(value))
    if size < 0.001:
        return _scientific(value)
    return f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}"


@_shown
def ratio(value: float) -> str:
    """A ratio 1 : N, N being the value.

    Example:
        >>> ratio(571.2), ratio(3.14), ratio(float("inf"))
        ('1 : 571', '1 : 3.1', 'absent')
    """
    if math.isinf(value):
        return "absent"
    return f"1 : {count(value)}" if value >= 10 else f"1 : {value:.1f}"


@_shown
def seconds(value: float) -> str:
    """A duration in seconds, minutes or hours.

    Example:
        >>> [seconds(duration).split() for duration in (4.21, 75, 7380)]
        [['4.2', 's'], ['1', 'min', '15', 's'], ['2', 'h', '3', 'min']]
    """
    if value < 60:
        return f"{value:.1f}{THIN}s" if value < 9.95 else f"{value:.0f}{THIN}s"
    minutes, rest = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes}{THIN}min {rest}{THIN}s"
    return f"{minutes // 60}{THIN}h {minutes % 60}{THIN}min"


@_shown
def bytes_(value: float) -> str:
    """A size in bytes with a decimal prefix.

    Example:
        >>> bytes_(4_815_765).split()
        ['4.82', 'MB']
    """
    return _prefixed(value, "B")


@_shown
def amount(value: float) -> str:
    """A large count with a decimal prefix: multiplications, parameters, pixels.

    Example:
        >>> amount(7_763_041).split(), amount(512)
        (['7.76', 'M'], '512')
    """
    return _prefixed(value, "")


def level(interval: float) -> str:
    """Share of an interval in percent, without needless digits.

    Example:
        >>> level(0.95).split(), level(0.999).split()
        (['95', '%'], ['99.9', '%'])
    """
    return f"{100 * interval:.6g}{THIN}%"


def names(text: str) -> Markup:
    """Text as HTML in which 'single quotes' around a name become bold type.

    Example:
        >>> names("'focal' < 'dice'")
        Markup('<b class="name">focal</b> &lt; <b class="name">dice</b>')
    """
    return Markup(re.sub(r"&#39;([\w./ -]+?)&#39;", r'<b class="name">\1</b>', str(escape(text))))


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    "rate": rate,
    "signed": signed,
    "percent": percent,
    "count": count,
    "digits": digits,
    "ratio": ratio,
    "seconds": seconds,
    "bytes": bytes_,
    "amount": amount,
    "level": level,
    "names": names,
}
"""Filters of the templates by name."""


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _prefixed(value: float, unit: str) -> str:
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{digits(value / size)}{THIN}{prefix}{unit}"
    return f"{digits(value)}{THIN}{unit}" if unit else digits(value)
