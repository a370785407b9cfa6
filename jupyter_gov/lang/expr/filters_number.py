"""Filters on numbers, and from text to number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from jupyter_gov.lang.expr.arguments import number_of, text_of
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.operators import is_list
from jupyter_gov.lang.expr.registry import filter_
from jupyter_gov.lang.expr.state import State

_WHOLE: Final = re.compile(r"[-+]?\d+[lL]?", re.ASCII)
_HEX: Final = re.compile(r"[-+]?(?:0[xX]|#)[0-9a-fA-F]{1,16}", re.ASCII)
_REAL: Final = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,4})?[fFdD]?", re.ASCII)
_MAX_DIGITS: Final = 1000
_RANGES: Final = {"INT": 31, "LONG": 63}
_CLASSES: Final[tuple[tuple[Any, str], ...]] = (
    (str, "java.lang.String"),
    (bool, "java.lang.Boolean"),
    (int, "java.lang.Long"),
    (float, "java.lang.Double"),
    (Decimal, "java.math.BigDecimal"),
    (Mapping, "java.util.LinkedHashMap"),
    (datetime, "java.time.ZonedDateTime"),
    (date, "java.time.LocalDate"),
    (timedelta, "java.time.Duration"),
)


@filter_("abs")
def abs_(state: State, value: Any) -> Any:
    """Return a number without its sign."""
    return abs(number_of("what `abs` is taken of", value))


@filter_("number")
def number(state: State, value: Any, type_: Any = "") -> Any:
    """Turn a text into a number, of the type INT, LONG, FLOAT, DOUBLE, BIGDECIMAL or BIGINTEGER if given."""
    if value is None:
        return None
    text = text_of("what becomes a number", value)
    kind = "" if type_ is None else text_of("`type`", type_)
    if len(text) > _MAX_DIGITS:
        raise ArgumentFault(f"a number has at most {_MAX_DIGITS} digits")
    if kind in ("FLOAT", "DOUBLE"):
        return _real(text)
    if kind == "BIGDECIMAL":
        return Decimal(str(_real(text))) if not _WHOLE.fullmatch(text) else Decimal(text)
    if kind in _RANGES:
        return _whole(text, _RANGES[kind])
    if kind == "BIGINTEGER":
        return _whole(text, None)
    return _any(text)


def _any(text: str) -> Any:
    if _WHOLE.fullmatch(text) or _HEX.fullmatch(text):
        return _whole(text, None)
    return _real(text)


def _whole(text: str, bits: int | None) -> int:
    if _HEX.fullmatch(text):
        found = int(text.lower().replace("#", "").replace("0x", ""), 16)
    elif _WHOLE.fullmatch(text):
        found = int(text.rstrip("lL"))
    else:
        raise ArgumentFault(f"`{text}` is no whole number")
    if bits is not None and not -(1 << bits) <= found < 1 << bits:
        raise ArgumentFault(f"`{text}` does not fit into {bits + 1} bits")
    return found


def _real(text: str) -> float:
    if not _REAL.fullmatch(text):
        raise ArgumentFault(f"`{text}` is no number")
    return float(text.rstrip("fFdD"))


@filter_("numberFormat")
def number_format(state: State, value: Any, format_: Any = None) -> Any:
    """Write a number after a pattern of Java's ``DecimalFormat``."""
    if value is None:
        return None
    from babel.numbers import NumberFormatError, format_decimal  # noqa: PLC0415  (loaded late)

    number_ = number_of("what is formatted", value)
    pattern = "#,##0.###" if format_ is None else text_of("`format`", format_)
    # A real is taken with all its binary digits: that decides how a half is rounded.
    exact = number_ if isinstance(number_, Decimal) else Decimal(number_)
    doubled = any(half.count(".") > 1 for half in pattern.split(";"))
    if len(pattern) > 100 or doubled or not exact.is_finite():
        raise ArgumentFault(f"{value} cannot be written as `{pattern}`")
    try:
        return format_decimal(exact, _with_a_digit(pattern), locale="en")
    except (ValueError, IndexError, NumberFormatError) as error:
        raise ArgumentFault(f"`{pattern}` is no number pattern: {error}") from None


def _with_a_digit(pattern: str) -> str:
    # Java reads `#.##` as `0.##`; a pattern that has a 0 somewhere means what it says.
    return pattern if "0" in pattern or "#." not in pattern else pattern.replace("#.", "0.", 1)


@filter_("className")
def class_name(state: State, value: Any) -> str:
    """Return the class that a value has on the JVM."""
    if is_list(value):
        return "java.util.ArrayList"
    return next((name for kind, name in _CLASSES if isinstance(value, kind)), "java.lang.Object")
