"""Regular expressions are measured before they are compiled."""

from __future__ import annotations

import time

import pytest

from jupyter_gov.errors import ExpressionError
from jupyter_gov.lang import expr
from jupyter_gov.lang.expr.pattern_size import written_out

_FIVE = "(?:(?:(?:(?:(?:a?){999}){999}){999}){999}){999}"


@pytest.mark.parametrize(
    "pattern",
    [
        _FIVE, "(?:(?:a?){999}){999}", "(?:a{999}){999}", "a{1000000}", "a{1000000,}", "(a|b){99999}", "((a{99}){99}){99}",
        "a{99}{99}{99}", "(?:[)](?:a?){999}){999}", "(?:[])](?:a?){999}){999}", "(?:[[)]](?:a?){999}){999}",
        "(?:[^])](?:a?){999}){999}", r"(?:\)(?:a?){999}){999}", r"(?:\Q)\E(?:a?){999}){999}", "(?x)(?:(?:a?){999} ) {999}",
        "(?x)(?:(?:a?) # )\n {999}){999}", "(?:(?:" + "a" * 1000 + "){100})", "(?:(?<=a{200}){200})", "(?=(?:a{200}){200})",
        "(?:a{200}|b{200}|c{200}){200}", "(?:(?:a{200})+){200}", "(?:(?:a{200})?+){200}", "a{99999999999999999999}", "(?i:(?:a?){999}){999}",
    ],
)  # fmt: skip
def test_a_pattern_that_grows_is_refused_before_it_is_compiled(pattern: str) -> None:
    started = time.thread_time()
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ 'aaa' | regexMatch(p) }}", {"p": pattern})
    assert raised.value.code == "GOV155"
    assert len(raised.value.message) < 400
    assert time.thread_time() - started < 0.2


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", "2026-01-31T12:00:00"),
        (r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "0123abcd-0123-0123-0123-0123456789ab"),
        ("(?:[A-Z]{2}[0-9]{10},){20}", "DE0123456789," * 20),
        ("(?:.{100}\n){20}", ("x" * 100 + "\n") * 20),
        ("x{5000}", "x" * 5000),
        ("(?:a{0,99999}){0,99999}", "aaa"),
        ("{a}", "{a}"),
    ],
)
def test_usual_counts_are_taken(pattern: str, text: str) -> None:
    for _ in range(2):
        assert expr.render("{{ t | regexMatch(p) }}", {"p": pattern, "t": text}) == "true"


def test_size_is_that_of_the_pattern_written_out() -> None:
    assert written_out("abc") == 4
    assert 9 <= written_out("(?:ab{3}){2}c") <= 20
    assert 10**15 < written_out(_FIVE) < 10**18
