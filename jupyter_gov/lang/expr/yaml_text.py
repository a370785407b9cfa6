"""YAML as Jackson writes it (list items indented by one space, few quotes), and reading of YAML in expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from datetime import timedelta
from json.encoder import encode_basestring
from typing import Any, Final

from jupyter_gov.lang.expr.faults import Fault, LimitFault
from jupyter_gov.lang.expr.limits import Budget
from jupyter_gov.lang.expr.operators import is_list
from jupyter_gov.lang.expr.values import SEQUENCES, TEMPORAL, scalar_text, seconds_text, temporal_text
from jupyter_gov.lang.models.storable import cleaned

_NOT_FINITE: Final = {"NaN": ".NaN", "Infinity": ".inf", "-Infinity": "-.inf"}
_FORMS: Final[tuple[tuple[tuple[type, ...], Callable[[Any], str]], ...]] = (
    ((Set, *SEQUENCES), lambda _: "[]"),
    ((Mapping,), lambda _: "{}"),
    (TEMPORAL, lambda value: temporal_text(value, full=True)),
    ((timedelta,), seconds_text),
)
_RESERVED: Final = frozenset(
    word
    for base in ("", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n")
    for word in (base, base.upper(), base.capitalize())
)
_UNPLAIN: Final = re.compile(r"^[-?:](?:\s|$)|^[,\[\]{}#&*!|>'\"%@`]|[\[\]{},]|\s#|:(?:\s|$)|^\s|\s$|[\x00-\x1f\x7f]")


def write(value: Any, budget: Budget) -> str:
    """Return a value as a YAML document."""
    lines = _Writer(budget)
    if isinstance(value, (Mapping, Set, *SEQUENCES)) and value:
        lines.nested(value, "", budget.limits.nesting)
    else:
        lines.put(lines.scalar(value, ""))
    return "\n".join(lines.done) + "\n"


class _Writer:
    """Collects lines."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._length = 0
        self.done: list[str] = []

    def put(self, line: str) -> None:
        self._budget.step()
        self._length += len(line) + 1
        self._budget.text(self._length)
        self.done.append(line)

    def nested(self, value: Any, indent: str, depth: int, first: str | None = None) -> None:
        """Write a list or map; its first line starts with ``first`` instead of the indentation."""
        if depth == 0:
            raise LimitFault("a value is nested too deeply for YAML")
        lead = indent if first is None else first
        if is_list(value):
            for item in value:
                self._entry(f"{lead} - ", item, indent + "   ", depth, inline=True)
                lead = indent
            return
        for key, item in value.items():
            self._entry(f"{lead}{self.scalar(scalar_text(key), '')}: ", item, indent, depth, inline=False)
            lead = indent

    def _entry(self, head: str, item: Any, indent: str, depth: int, *, inline: bool) -> None:
        if not (isinstance(item, (Mapping, Set, *SEQUENCES)) and item):
            self.put(head + self.scalar(item, indent))
        elif inline and isinstance(item, Mapping):
            self.nested(item, indent, depth - 1, first=head)
        elif inline:
            self.nested(item, indent[:-1], depth - 1, first=head.rstrip(" ").ljust(len(head) - 1))
        else:
            self.put(head.rstrip())
            self.nested(item, indent if is_list(item) else indent + "  ", depth - 1)

    def scalar(self, value: Any, indent: str) -> str:
        if isinstance(value, str):
            return _text(value, indent)
        for kind, form in _FORMS:
            if isinstance(value, kind):
                return form(value)
        plain = scalar_text(value)
        return _NOT_FINITE.get(plain, plain)


def _text(value: str, indent: str) -> str:
    if "\n" in value and value.isprintable() is False and not re.search(r"[\x00-\x09\x0b-\x1f]|\n\s|^\s", value):
        chomp = "" if value.endswith("\n") else "-"
        body = "\n".join(f"{indent}  {line}" if line else "" for line in value.removesuffix("\n").split("\n"))
        return f"|{chomp}\n{body}"
    if value in _RESERVED or _UNPLAIN.search(value):
        return encode_basestring(value)
    return value


def read(text: str, budget: Budget) -> Any:
    """Return the value of a YAML text, by the rules of YAML 1.2.

    Raises
    ------
    Fault
        The text is no YAML, has several documents, or uses aliases.
    """
    import yaml  # noqa: PLC0415  (loaded late)

    budget.text(len(text))
    builder = _Builder(budget)
    try:
        # Events come one by one: neither deep nesting nor a bomb of aliases is ever built.
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            builder.take(event)
    except (yaml.YAMLError, UnicodeEncodeError, OverflowError) as error:
        # The last two: half a surrogate pair, and the escape of a number that is no character (pure loader).
        raise Fault(f"the text is no YAML: {' '.join(cleaned(str(error)).split())[:200]}") from None
    return builder.value


class _Builder:
    """Builds a value from events."""

    def __init__(self, budget: Budget) -> None:
        self.value: Any = None
        self._budget = budget
        self._open: list[list[Any]] = []
        self._count = 0

    def take(self, event: Any) -> None:
        from yaml import events  # noqa: PLC0415  (loaded late)

        self._count += 1
        self._budget.step()
        self._budget.list(self._count)
        if isinstance(event, events.ScalarEvent):
            self._add(_core_value(event.value) if event.implicit[0] else event.value)
        elif isinstance(event, (events.SequenceStartEvent, events.MappingStartEvent)):
            if len(self._open) >= self._budget.limits.nesting:
                raise LimitFault("the YAML is nested too deeply")
            self._open.append([])
        elif isinstance(event, events.SequenceEndEvent):
            self._add(self._open.pop())
        elif isinstance(event, events.MappingEndEvent):
            parts = self._open.pop()
            self._add({_key(key): item for key, item in zip(parts[::2], parts[1::2], strict=True)})
        elif isinstance(event, events.AliasEvent):
            raise Fault("YAML in an expression has no aliases")
        elif isinstance(event, events.DocumentStartEvent) and self._count > 2:
            raise Fault("YAML in an expression is one document")

    def _add(self, value: Any) -> None:
        if self._open:
            self._open[-1].append(value)
        else:
            self.value = value


def _key(value: Any) -> str:
    if isinstance(value, (Mapping, Set, *SEQUENCES)):
        raise Fault("the key of a map must be a text")
    return scalar_text(value)


def _core_value(text: str) -> Any:
    from jupyter_gov.lang.models.scalars import core_value  # noqa: PLC0415  (loaded late)

    return core_value(text)
