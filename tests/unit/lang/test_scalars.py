"""Durations as Java reads and writes them, and the one table of YAML 1.2 scalars."""

import math
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_gov.errors import GovError
from jupyter_gov.lang.models.scalars import DurationError, core_value, format_duration, is_null, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT1S", 1), ("pt1h", 3600), ("P1D", 86400), ("P1DT2H3M4S", 93784), ("PT1.5S", 1.5), ("PT1,5S", 1.5),
        ("-PT1M", -60), ("PT-1M", -60), ("PT1H-1M", 3540), ("PT0S", 0), (" PT1S ", 1), ("30", 30), ("2.5", 2.5),
        (30, 30), (0.25, 0.25), (timedelta(hours=1), 3600), ("PT0.000001S", 0.000001), ("+PT1S", 1),
    ],
)  # fmt: skip
def test_duration_is_read(text: object, seconds: float) -> None:
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", "P", "PT", "P1DT", "P1M", "P1Y", "P1W", "1 day", "12:30", "P1.5D", "5 minutes", "PT1S PT1S", "PT1H1S1M",
        "PT" + "9" * 5000 + "S", "9" * 5000, "PT999999999999999S", True, None, [], float("nan"), float("inf"), "\uff11",
        "PT\uff11S", "nan", "1e3",
    ],
)  # fmt: skip
def test_no_duration(text: object) -> None:
    with pytest.raises(DurationError) as caught:
        parse_duration(text)
    assert isinstance(caught.value, GovError)
    assert isinstance(caught.value, ValueError)
    assert caught.value.code == "GOV121"
    assert len(caught.value.message) < 120


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(0), "PT0S"), (timedelta(seconds=90), "PT1M30S"), (timedelta(days=1), "PT24H"),
        (timedelta(seconds=1.5), "PT1.5S"), (timedelta(seconds=-90), "PT-1M-30S"), (timedelta(hours=1), "PT1H"),
        (timedelta(microseconds=-1), "PT-0.000001S"), (timedelta(hours=1, microseconds=5), "PT1H0.000005S"),
    ],
)  # fmt: skip
def test_duration_is_written(value: timedelta, text: str) -> None:
    assert format_duration(value) == text


@given(st.timedeltas())
def test_duration_round_trip(value: timedelta) -> None:
    assert parse_duration(format_duration(value)) == value


@given(st.text(max_size=40))
def test_any_text_is_a_duration_or_a_clear_error(text: str) -> None:
    with suppress(DurationError):
        assert isinstance(parse_duration(text), timedelta)


# The one table of plain scalars: what an untyped value becomes (YAML 1.2 core schema).
CORE = [
    ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nULL", "nULL"),
    ("true", True), ("True", True), ("TRUE", True), ("false", False), ("tRUE", "tRUE"),
    ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("Yes", "Yes"),
    ("0", 0), ("-0", 0), ("+7", 7), ("12", 12), ("-12", -12), ("0750", 750), ("010", 10), ("0o17", 15), ("0x1F", 31),
    ("0b101", "0b101"), ("1_000", "1_000"), ("-0x1", "-0x1"),
    ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-2", -0.015), ("1.5.1", "1.5.1"),
    ("+.5", 0.5), (".", "."), ("-", "-"), ("+", "+"), ("e3", "e3"),
    (".inf", math.inf), ("-.INF", -math.inf), ("+.Inf", math.inf), ("inf", "inf"), ("nan", "nan"),
    ("2024-01-31", "2024-01-31"), ("2024-01-31T10:00:00Z", "2024-01-31T10:00:00Z"), ("12:30", "12:30"),
    ("12:30:45", "12:30:45"), ("190:20:30", "190:20:30"), ("=", "="), ("<<", "<<"), ("\uff11", "\uff11"),
    ("\u0663", "\u0663"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), CORE)
def test_core_schema(text: str, value: object) -> None:
    found = core_value(text)
    assert found == value
    assert type(found) is type(value)
    assert is_null(text) == (value is None)


def test_nan() -> None:
    assert math.isnan(core_value(".nan"))


@given(st.integers())
def test_integers_round_trip(number: int) -> None:
    assert core_value(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_round_trip(number: float) -> None:
    assert core_value(repr(number)) == number


@given(st.text())
def test_every_text_has_a_value(text: str) -> None:
    assert isinstance(core_value(text), str | int | float | bool | type(None))
