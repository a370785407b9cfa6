"""How problems look, and what "did you mean" finds."""

import pytest

from jupyter_gov.errors import Location
from jupyter_gov.lang.diagnostics import Diagnostic, FlowError, closest, closest_type, ordered, printable, render

SOURCE = "id: a\ntasks:\n  - id: hello\n    mesage: hi\n"
UNKNOWN = Diagnostic(
    "GOV112", "error", 'unknown key "mesage"', 'did you mean "message"?', Location(4, 5, 6), "Known keys: id, message"
)
WARNING = Diagnostic("GOV160", "warning", "old name", location=Location(1, 1, 2))


def test_rendering() -> None:
    assert render([WARNING, UNKNOWN], SOURCE) == (
        "GOV160 warning: old name\n"
        "  1 | id: a\n"
        "      ^^\n"
        'GOV112 unknown key "mesage"\n'
        "  4 |     mesage: hi\n"
        '          ^^^^^^ did you mean "message"?\n'
        "  Known keys: id, message"
    )


def test_error_shows_all_problems_and_no_frames() -> None:
    error = FlowError([UNKNOWN, WARNING], SOURCE)
    assert error.code == "GOV112"
    assert str(error).splitlines()[0] == "GOV160 warning: old name"
    assert "\n".join(error._render_traceback_()) == str(error)
    assert [found["code"] for found in error.to_json()["diagnostics"]] == ["GOV160", "GOV112"]


def test_only_the_first_twenty_are_shown() -> None:
    many = [Diagnostic("GOV112", "error", f"problem {i}", location=Location(i, 1)) for i in range(1, 31)]
    text = str(FlowError(many, "\n" * 40))
    assert "problem 20" in text
    assert "problem 21" not in text
    assert text.endswith("... and 10 more")


def test_order_and_repetition() -> None:
    assert ordered([UNKNOWN, WARNING, UNKNOWN]) == (WARNING, UNKNOWN)


@pytest.mark.parametrize(
    "line", ["x" * 5000, "漢" * 80 + "x", "\t\tx", "a\x1b[31mx"], ids=["long", "wide", "tabs", "escape"]
)
def test_odd_lines(line: str) -> None:
    column = len(line)
    text = render([Diagnostic("GOV1", "error", "m", location=Location(1, column))], line)
    assert all(len(part) < 220 for part in text.splitlines())
    assert "\x1b" not in text
    assert "^" in text.splitlines()[2]


def test_caret_counts_wide_characters() -> None:
    text = render([Diagnostic("GOV1", "error", "m", location=Location(1, 3))], "漢字x")
    assert text.splitlines()[2] == " " * 6 + " " * 4 + "^"


def test_place_outside_the_source() -> None:
    assert render([Diagnostic("GOV1", "error", "m", "h", Location(9, 9))], "a") == "GOV1 m\n  h"


def test_printable() -> None:
    assert printable("a\tb\x07\u202e\u200b") == "a b\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}\u200b"


@pytest.mark.parametrize(
    ("word", "meant"),
    [("mesage", "message"), ("fetch_type", "fetchType"), ("RUNIF", "runIf"), ("zzz", None), ("", None),
     ("x" * 10**6, None)],
)  # fmt: skip
def test_closest(word: str, meant: str | None) -> None:
    assert closest(word, ["message", "fetchType", "runIf", "id"]) == meant


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("io.kestra.plugin.core.log.Logg", "io.kestra.plugin.core.log.Log"),
        ("io.kestra.core.Log", "io.kestra.plugin.core.log.Log"),
        ("Log", "io.kestra.plugin.core.log.Log"),
        ("io.kestra.plugin.scripts.shell.Command", "io.kestra.plugin.scripts.shell.Commands"),
        ("io.kestra.plugin.scripts.python.commands", "io.kestra.plugin.scripts.python.Commands"),
        ("com.example.Nothing", None),
        ("io.kestra.plugin.core.log.Pause", "io.kestra.plugin.core.flow.Pause"),
        ("io.kestra.plugin.script.shel.Commands", "io.kestra.plugin.scripts.shell.Commands"),
        ("io.kestra.plugin.docker.cli.Commands", None),
    ],
)
def test_closest_type(name: str, meant: str | None) -> None:
    known = [
        "io.kestra.plugin.core.log.Log",
        "io.kestra.plugin.scripts.shell.Commands",
        "io.kestra.plugin.scripts.python.Commands",
        "io.kestra.plugin.core.flow.Pause",
    ]
    assert closest_type(name, known) == meant
