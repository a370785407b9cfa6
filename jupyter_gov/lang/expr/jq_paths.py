"""jq programs that only follow a path (``.a.b[0]``, ``.rows[].id``), walked here instead of by jq.

That is what nearly every flow asks of jq; walking it costs microseconds, needs no other process and cannot run away.
Values come out as jq makes them: it knows one kind of number, the double.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, NamedTuple

from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.limits import Budget

_MAX_PROGRAM: Final = 1000
_LARGEST: Final = 1.7976931348623157e308
_CONSTANTS: Final = {"NaN": None, "Infinity": _LARGEST, "-Infinity": -_LARGEST}
_STEP: Final = re.compile(
    r"""(?P<dot>\.)?
        (?: (?<=\.) (?P<name>[A-Za-z_][A-Za-z0-9_]*)
          | (?<=\.) "(?P<quoted>[^"\\\x00-\x1f]*)"
          | \["(?P<key>[^"\\\x00-\x1f]*)"\]
          | \[(?P<index>-?[0-9]{1,9})\]
          | \[(?P<start>-?[0-9]{1,9})?:(?P<end>-?[0-9]{1,9})?\]
          | (?P<each>\[\]) )
        (?P<optional>\?)?""",
    re.VERBOSE,
)
_PIPE: Final = re.compile(r"[ \t\n]*\|[ \t\n]*")


class Step(NamedTuple):
    """One part of a path; ``kind`` is ``key``, ``index``, ``slice`` or ``each``."""

    kind: str
    what: Any
    optional: bool


@lru_cache(1024)
def steps(program: str) -> tuple[Step, ...] | None:
    """Return the path that a program follows, or None if it is more than a path."""
    text = program.strip(" \t\n")
    if len(text) > _MAX_PROGRAM:
        return None
    found: list[Step] = []
    at = 0
    while True:
        at = _path(text, at, found)
        if at < 0:
            return None
        if at == len(text):
            return tuple(found)
        pipe = _PIPE.match(text, at)
        if pipe is None:
            return None
        at = pipe.end()


def _path(text: str, at: int, found: list[Step]) -> int:
    """Add the steps of the path at ``at``; return where it ends, or -1."""
    begin = at
    while True:
        match = _STEP.match(text, at)
        # Only the first bracket of a path needs its dot.
        if match is None or (at == begin and not match["dot"]):
            break
        step = _step(match)
        # jq knows `.a.[0]`, but not `.a.[0:1]`.
        if step is None or (step.kind == "slice" and at > begin and match["dot"]):
            return -1
        found.append(step)
        at = match.end()
    if at > begin:
        return at
    return at + 1 if text.startswith(".", at) else -1


def _step(match: re.Match[str]) -> Step | None:
    optional = match["optional"] is not None
    name = match["name"] if match["name"] is not None else match["quoted"]
    name = match["key"] if name is None else name
    if name is not None:
        return Step("key", name, optional)
    if match["index"] is not None:
        return Step("index", int(match["index"]), optional)
    if match["each"] is not None:
        return Step("each", None, optional)
    if match["start"] is None and match["end"] is None:
        return None
    bounds = (None if bound is None else int(bound) for bound in (match["start"], match["end"]))
    return Step("slice", slice(*bounds), optional)


def parsed(source: str) -> Any:
    """Return the value of a JSON text as jq reads it.

    Raises
    ------
    ValueError, RecursionError
        It is none.
    """
    return json.loads(source, parse_int=_number, parse_float=_number, parse_constant=_CONSTANTS.get)


def _number(text: str) -> int | float:
    value = float(text)
    if value - value != 0:
        return _LARGEST if value > 0 else -_LARGEST
    return int(value) if value == int(value) else value


def walk(path: tuple[Step, ...], value: Any, budget: Budget, at: int = 0) -> Iterator[Any]:
    """Return what stands at the end of a path, in the order of jq.

    Raises
    ------
    ArgumentFault
        The path leads into a value that has no such parts.
    """
    budget.step()
    if at == len(path):
        yield value
        return
    for inner in _parts(path[at], value):
        yield from walk(path, inner, budget, at + 1)


def _parts(step: Step, value: Any) -> tuple[Any, ...] | list[Any]:
    if step.kind == "each":
        return _each(step, value)
    what = step.what
    if value is None:
        return (None,)
    if step.kind == "key" and isinstance(value, dict):
        return (value.get(what),)
    if step.kind == "index" and isinstance(value, list):
        return (value[what] if -len(value) <= what < len(value) else None,)
    if step.kind == "slice" and isinstance(value, list | str):
        return (value[what],)
    wanted = {"key": f'string ("{what}")', "index": f"number ({what})", "slice": "object (a slice)"}[step.kind]
    return _refused(step, f"Cannot index {_type(value)} with {wanted}")


def _each(step: Step, value: Any) -> tuple[Any, ...] | list[Any]:
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        return list(value.values())
    return _refused(step, f"Cannot iterate over {_type(value)}")


def _refused(step: Step, reason: str) -> tuple[Any, ...]:
    if step.optional:
        return ()
    raise ArgumentFault(reason)


def _type(value: Any) -> str:
    if value is None:
        return "null"
    names = ((bool, "boolean"), (int | float, "number"), (str, "string"), (list, "array"))
    return next((name for kind, name in names if isinstance(value, kind)), "object")
