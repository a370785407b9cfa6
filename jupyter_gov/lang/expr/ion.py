"""Ion text: enough to read what Kestra stores and to write what it reads."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Set
from datetime import UTC, date, datetime, time
from typing import Any, Final

from jupyter_gov.lang.expr import java_parse
from jupyter_gov.lang.expr.faults import Fault, LimitFault
from jupyter_gov.lang.expr.limits import Budget
from jupyter_gov.lang.expr.operators import is_list
from jupyter_gov.lang.expr.values import SEQUENCES, TEMPORAL, scalar_text, temporal_text

_SYMBOL: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_RESERVED: Final = frozenset({"null", "true", "false", "nan"})
_TOKEN: Final = re.compile(
    r"""(?:\s|//[^\n]*|/\*.*?\*/)*(?:
      (?P<blob>\{\{[^}]*\}\})
    | (?P<mark>::|[{}\[\]():,])
    | (?P<long>'''(?:[^'\\]|\\.|'(?!''))*''')
    | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<quoted>'(?:[^'\\]|\\.)*')
    | (?P<time>\d{4}(?:-\d\d(?:-\d\d)?)?T(?:\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[-+]\d\d:\d\d))?|\d{4}-\d\d-\d\d)
    | (?P<hex>-?0[xX][0-9a-fA-F_]+)
    | (?P<number>-?\d[\d_]*(?:\.[\d_]*)?(?:[eEdD][-+]?\d+)?|[-+]inf)
    | (?P<null>null(?:\.[a-z]+)?)
    | (?P<symbol>[A-Za-z_$][A-Za-z0-9_$]*)
    )""",
    re.VERBOSE | re.DOTALL,
)
_END: Final = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*\Z", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|\r?\n|.)", re.DOTALL)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_WRITTEN: Final = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_WORDS: Final = {"true": True, "false": False, "nan": float("nan")}
_DATED: Final = frozenset({"ZonedDateTime", "OffsetDateTime", "LocalDateTime", "LocalDate"})
_MAX_DIGITS: Final = 1000


def write(value: Any, budget: Budget) -> str:
    """Return a value as Ion text."""
    return _written(value, budget, budget.limits.nesting)


def _written(value: Any, budget: Budget, depth: int) -> str:
    if depth == 0:
        raise LimitFault("a value is nested too deeply for Ion")
    budget.step()
    if isinstance(value, (Mapping, Set, *SEQUENCES)):
        made = _container(value, budget, depth - 1)
        budget.text(len(made))
        return made
    if isinstance(value, str):
        return '"' + "".join(_WRITTEN.get(one, one) for one in value) + '"'
    if isinstance(value, float):
        return repr(value) if "e" in repr(value) or value != value else f"{value!r}e0"  # noqa: PLR0124  (NaN)
    if isinstance(value, TEMPORAL):
        return _dated(value)
    return scalar_text(value)


def _dated(value: Any) -> str:
    full = temporal_text(value, full=True)
    if isinstance(value, time):
        return f'"{full}"'
    zoned = isinstance(value, datetime) and value.tzinfo is not None and value.tzinfo is not UTC
    return f'ZonedDateTime::"{full}"' if zoned else full


def _container(value: Any, budget: Budget, depth: int) -> str:
    if is_list(value):
        return "[" + ",".join(_written(item, budget, depth) for item in value) + "]"
    pairs = (f"{_symbol(scalar_text(key))}:{_written(item, budget, depth)}" for key, item in value.items())
    return "{" + ",".join(pairs) + "}"


def _symbol(name: str) -> str:
    if _SYMBOL.fullmatch(name) and name not in _RESERVED:
        return name
    return "'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def read(text: str, budget: Budget) -> list[Any]:
    """Return the values of an Ion text, one after the other.

    Raises
    ------
    Fault
        The text is no Ion.
    """
    return _Reader(text, budget).values()


class _Reader:
    """Reads Ion by descending."""

    def __init__(self, text: str, budget: Budget) -> None:
        self._text = text
        self._budget = budget
        self._at = 0

    def values(self) -> list[Any]:
        out: list[Any] = []
        while not _END.match(self._text, self._at):
            out.append(self._value(self._budget.limits.nesting))
        return out

    def _next(self) -> tuple[str, str]:
        match = _TOKEN.match(self._text, self._at)
        if match is None:
            raise Fault(f"the text is no Ion: nothing can be read from `{self._text[self._at : self._at + 20]}`")
        self._budget.step()
        self._at = match.end()
        kind = str(match.lastgroup)
        return kind, match.group(kind)

    def _peek(self) -> str:
        match = _TOKEN.match(self._text, self._at)
        return "" if match is None else match.group(str(match.lastgroup))

    def _value(self, depth: int) -> Any:
        if depth == 0:
            raise LimitFault("the Ion text is nested too deeply")
        kind, text = self._next()
        if kind in ("symbol", "quoted") and self._peek() == "::":
            self._next()
            return _annotated(text, self._value(depth - 1))
        if kind == "mark":
            return self._nested(text, depth - 1)
        return self._scalar(kind, text)

    def _nested(self, mark: str, depth: int) -> Any:
        if mark == "{":
            return self._struct(depth)
        closing = {"[": "]", "(": ")"}.get(mark)
        if closing is None:
            raise Fault(f"the text is no Ion: `{mark}` stands where a value is expected")
        items: list[Any] = []
        while self._peek() != closing:
            items.append(self._value(depth))
            if self._peek() == ",":
                self._next()
        self._next()
        return items

    def _struct(self, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        while self._peek() != "}":
            kind, text = self._next()
            if kind not in ("symbol", "quoted", "text", "null", "long") or self._next()[1] != ":":
                raise Fault(f"the text is no Ion: `{text}` stands where `name: value` is expected")
            made[text if kind in ("symbol", "null") else _plain(kind, text)] = self._value(depth)
            if self._peek() == ",":
                self._next()
        self._next()
        return made

    def _scalar(self, kind: str, text: str) -> Any:
        if kind in ("text", "quoted", "long"):
            made = _plain(kind, text)
            while kind == "long" and self._peek().startswith("'''"):
                made += _plain("long", self._next()[1])
            return made
        if kind == "blob":
            return _blob(text)
        if kind == "time":
            return _time(text)
        if kind == "null":
            return None
        if kind == "symbol":
            return _WORDS.get(text, text)
        return int(text.replace("_", ""), 16) if kind == "hex" else _number(text.replace("_", ""))


def _annotated(name: str, value: Any) -> Any:
    # Kestra writes dates with a zone as texts with the name of their Java class.
    return java_parse.iso(value.partition("[")[0]) if name in _DATED and isinstance(value, str) else value


def _plain(kind: str, text: str) -> str:
    body = text[3:-3] if kind == "long" else text[1:-1]

    def letter(match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) > 1 and code[0] in "xuU":
            return chr(min(int(code[1:], 16), 0x10FFFF))
        return "" if code.endswith("\n") else _LETTERS.get(code, code)

    return _ESCAPE.sub(letter, body)


def _blob(text: str) -> str:
    body = text[2:-2].strip()
    if body.startswith(("'", '"')):
        return _plain("text", body)
    try:
        return base64.b64decode(body, validate=True).decode("utf-8", "replace")
    except ValueError:
        raise Fault("the text is no Ion: a blob is no Base64") from None


def _time(text: str) -> Any:
    try:
        if "T" not in text:
            return date.fromisoformat(text)
        day, _, clock = text.partition("T")
        if not clock:
            return date.fromisoformat(day + "-01-01"[len(day) - 4 :])
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if text.endswith("Z") else moment
    except ValueError:
        raise Fault(f"the text is no Ion: `{text}` is no time") from None


def _number(text: str) -> Any:
    if len(text) > _MAX_DIGITS:
        raise LimitFault(f"a number has at most {_MAX_DIGITS} digits")
    if text.endswith("inf"):
        return float(text)
    if text.lstrip("-").isdecimal():
        return int(text)
    return float(text.lower().replace("d", "e"))
