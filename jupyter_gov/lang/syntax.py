"""Words for what a YAML parser says: one problem, its place, and how to fix it."""

from __future__ import annotations

import re

import yaml

from jupyter_gov.errors import Location
from jupyter_gov.lang.diagnostics import Diagnostic

_ADVICE = (
    ("\\t", "YAML does not allow tabs for indentation; use spaces."),
    ("mapping values are not allowed", 'Check the indentation; text that contains ": " must stand in quotes.'),
    ("could not find expected ':'", "Every key needs a colon and a space after it."),
    ("block end", "Check the indentation: the keys of one map stand exactly below each other."),
    ("cannot start any token", "Text that begins with this character must stand in quotes."),
    ("end of stream", "A quote or bracket is opened and never closed."),
    ("unexpected end", "A quote or bracket is opened and never closed."),
    ("flow mapping", "A { is opened and not closed, or a comma is missing."),
    ("flow sequence", "A [ is opened and not closed, or a comma is missing."),
    ("escape", r"In double quotes a backslash starts an escape: write \\ or use single quotes."),
    ("alias", "Text that begins with * must stand in quotes."),
    ("anchor", "Text that begins with & must stand in quotes."),
)


def syntax_problem(text: str, file: str | None, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Return the diagnostic of a syntax error."""
    error = _better_error(text, error)
    mark = error.problem_mark or error.context_mark
    where = Location(mark.line + 1, mark.column + 1, 1, file) if mark else Location(1, 1, 1, file)
    problem = str(error.problem or error.context or "it is no YAML").replace("<", "").replace(">", "")
    wording = f"{error.context or ''} {problem}"
    hint = next((advice for sign, advice in _ADVICE if sign in wording), None)
    line = text.splitlines()[where.line - 1 : where.line]
    if line and re.search(r"(:|-)\s+\{\{", line[0]):
        hint = 'An expression must stand in quotes: "{{ … }}".'
    start = error.context_mark
    note = f"It began in line {start.line + 1}." if start and start.line + 1 < where.line else None
    return Diagnostic("GOV101", "error", f"YAML cannot be read: {problem}", hint, where, note)


def _better_error(text: str, error: yaml.MarkedYAMLError) -> yaml.MarkedYAMLError:
    # The pure loader words its errors better than libyaml, but is slow: it reads only as far as the fault. Of escapes
    # it knows less: halves of surrogate pairs pass, and of larger numbers it makes characters that Python refuses.
    if "Unicode character" in (error.problem or ""):
        return error
    mark = error.problem_mark
    end = len(text) if mark is None else mark.index + 200
    if end > 200_000:
        return error
    try:
        for _ in yaml.parse(text[:end], Loader=yaml.SafeLoader):
            pass
    except yaml.MarkedYAMLError as better:
        return better if mark is None or better.problem_mark is None or better.problem_mark.index <= end - 1 else error
    except (ValueError, OverflowError):
        return error
    return error
