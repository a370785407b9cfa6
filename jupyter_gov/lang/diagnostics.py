"""What is wrong with a flow, where, and how to fix it: one value per problem, and how people see them.

A checker never stops at the first problem; it collects diagnostics, and ``FlowError`` carries all of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher, get_close_matches
from typing import Any, Literal

from jupyter_gov.errors import LanguageError, Location

Severity = Literal["error", "warning"]

SHOWN = 20
"""Problems that are printed; the rest is counted."""

_WINDOW = 100
_UNPRINTABLE = re.compile(
    r"[^\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]"
)
# Line breaks as YAML 1.1 counts them, which is how libyaml numbers lines.
_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem of a flow.

    Attributes
    ----------
    code
        Stable code, ``GOV1xx``.
    message
        What is wrong; what was expected and what is there.
    hint
        How to fix it; stands beside the caret.
    note
        Further help under the caret, such as the known keys.
    replacement
        The text that should stand in place of the marked one, for editors that offer a fix.
    """

    code: str
    severity: Severity
    message: str
    hint: str | None = None
    location: Location | None = None
    note: str | None = None
    replacement: str | None = None

    @property
    def is_error(self) -> bool:
        """Whether the flow cannot be registered with this problem."""
        return self.severity == "error"

    def to_json(self) -> dict[str, Any]:
        """Return what REST, ``--json`` and editors get."""
        where = self.location
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "note": self.note,
            "replacement": self.replacement,
            "location": where
            and {"line": where.line, "column": where.column, "length": where.length, "file": where.file},
        }

    def moved(self, location: Location) -> Diagnostic:
        """Return the same problem at another place."""
        return replace(self, location=location)


class FlowError(LanguageError):
    """A flow has problems; carries all of them.

    Parameters
    ----------
    diagnostics
        Everything found, warnings too; at least one error.
    source
        The text they point into.
    """

    def __init__(self, diagnostics: Sequence[Diagnostic], source: str) -> None:
        self.diagnostics = ordered(diagnostics)
        self.source = source
        errors = [found for found in self.diagnostics if found.is_error]
        first = errors[0] if errors else None
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(
            (first.message if first else "the flow has problems") + more,
            code=first.code if first else None,
            hint=first.hint if first else None,
            location=first.location if first else None,
        )

    def __str__(self) -> str:
        return render(self.diagnostics, self.source)

    def to_json(self) -> dict[str, Any]:
        """Return the body that REST shows: the first error, and all diagnostics."""
        return super().to_json() | {"diagnostics": [found.to_json() for found in self.diagnostics]}

    def _render_traceback_(self) -> list[str]:
        return render(self.diagnostics, self.source).splitlines()


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics by line and column, without repetitions."""

    def place(found: Diagnostic) -> tuple[int, int, int]:
        where = found.location
        return (where.line, where.column, not found.is_error) if where else (0, 0, not found.is_error)

    return tuple(sorted(dict.fromkeys(diagnostics), key=place))


def render(diagnostics: Sequence[Diagnostic], source: str, *, limit: int = SHOWN) -> str:
    """Return the problems as text, each with its line of the source and a caret.

    Examples
    --------
    >>> problem = Diagnostic("GOV112", "error", 'unknown key "mesage"', 'did you mean "message"?', Location(1, 1, 6))
    >>> print(render([problem], "mesage: hi"))
    GOV112 unknown key "mesage"
      1 | mesage: hi
          ^^^^^^ did you mean "message"?
    """
    lines = source_lines(source)
    shown = [_render_one(found, lines) for found in diagnostics[:limit]]
    if len(diagnostics) > limit:
        shown.append(f"... and {len(diagnostics) - limit} more")
    return "\n".join(shown)


def source_lines(source: str) -> list[str]:
    """Return the lines of a source as the YAML parser counts them."""
    return _LINE_BREAK.split(source)


def _render_one(found: Diagnostic, lines: Sequence[str]) -> str:
    where, mark = found.location, "" if found.is_error else "warning: "
    text = [f"{found.code} {mark}{printable(found.message)}"]
    if where is None or not 1 <= where.line <= len(lines):
        text += [f"  {printable(found.hint)}"] if found.hint else []
    else:
        text += _excerpt(lines[where.line - 1], where, found.hint)
    return "\n".join(text + ([f"  {printable(found.note)}"] if found.note else []))


def _excerpt(line: str, where: Location, hint: str | None) -> list[str]:
    # A line may be a megabyte long; only the part around the fault is shown.
    first = max(0, where.column - _WINDOW // 2) if len(line) > _WINDOW else 0
    window = ("…" if first else "") + line[first : first + _WINDOW] + ("…" if len(line) > first + _WINDOW else "")
    at = where.column - 1 - first + (1 if first else 0)
    number = f"{where.line:>3} | "
    before, marked = printable(window[:at]), printable(window[at : at + max(1, where.length)])
    caret = " " * (len(number) + _width(before)) + "^" * max(1, _width(marked.rstrip()))
    prefix = f"  {where.file}\n" if where.file else ""
    return [f"{prefix}{number}{printable(window)}", caret + (f" {printable(hint)}" if hint else "")]


def printable(text: str) -> str:
    """Return text that cannot steer a terminal: tabs become one space, other control characters a mark."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\t", " "))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def quoted(text: object, limit: int = 60) -> str:
    """Return a name or value of the user in quotes, shortened and on one line."""
    shown = str(text).replace("\n", "\\n").replace("\r", "\\r")
    return f'"{shown if len(shown) <= limit else shown[: limit - 1] + "…"}"'


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return what the user probably meant, or None.

    Case, ``-``, ``_`` and ``.`` do not count as differences.

    Examples
    --------
    >>> closest("fetch_type", ["fetchType", "url"]), closest("xyz", ["fetchType"])
    ('fetchType', None)
    """
    plain: dict[str, str] = {}
    for name in known:
        plain.setdefault(_squeezed(name), name)
    found = get_close_matches(_squeezed(word[:200]), plain, n=1, cutoff=0.7)
    return plain[found[0]] if found else None


def misspelling_of(word: str, known: Iterable[str]) -> str | None:
    """Return the name that a word misspells beyond doubt, or None: stricter than ``closest``.

    Examples
    --------
    >>> misspelling_of("tiemout", ["timeout"]), misspelling_of("script", ["description"])
    ('timeout', None)
    """
    meant = closest(word, known)
    if meant is None:
        return None
    written, wanted = _squeezed(word), _squeezed(meant)
    swapped = sorted(written) == sorted(wanted)
    return meant if swapped or SequenceMatcher(None, written, wanted).ratio() >= 0.8 else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return the hint ``did you mean "…"?``, or None."""
    meant = closest(word, known)
    return f"did you mean {quoted(meant, 200)}?" if meant else None


def closest_type(name: str, known: Iterable[str]) -> str | None:
    """Return the type that was probably meant: first by its last part, then by the whole name."""
    names = list(known)
    by_last: dict[str, list[str]] = {}
    for known_name in names:
        by_last.setdefault(_squeezed(known_name.rpartition(".")[2]), []).append(known_name)
    last = get_close_matches(_squeezed(name[:200].rpartition(".")[2]), by_last, n=1, cutoff=0.8)
    candidates = by_last[last[0]] if last else names
    found = get_close_matches(name[:200], candidates, n=1, cutoff=0.0 if last else 0.75)
    # Names share long beginnings; the last parts must be alike as well.
    if not found or _of_another_plugin(name[:200], found[0]):
        return None
    wanted, offered = (_squeezed(part.rpartition(".")[2]) for part in (name[:200], found[0]))
    return found[0] if SequenceMatcher(None, wanted, offered).ratio() >= 0.5 else None


def _of_another_plugin(written: str, offered: str) -> bool:
    """Return whether two types come from plugins that nobody mixes up: a query of BigQuery is none of DuckDB."""
    ours, theirs = written.split(".")[:-1], offered.split(".")[:-1]
    if ours[:3] != theirs[:3] or ours[:3] != ["io", "kestra", "plugin"] or ours[3:4] == theirs[3:4] == ["core"]:
        return False
    return any(SequenceMatcher(None, *pair).ratio() < 0.6 for pair in zip(ours, theirs, strict=False))


def _squeezed(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "").replace(".", "")


def listing(names: Iterable[str], limit: int = 12) -> str:
    """Return names for a note, alphabetical and cut."""
    found = sorted(names)
    return ", ".join(found[:limit]) + (", …" if len(found) > limit else "")
