"""jq programs, without jq's ways to the outside and without its endless loops.

The program runs inside this process and cannot be interrupted; so what may run for ever is refused beforehand, and
what reads the environment or the input of the process is shadowed by harmless definitions in front of the program.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from jupyter_gov.lang.expr.faults import ArgumentFault, Fault, LimitFault
from jupyter_gov.lang.expr.limits import Budget

_MAX_RANGE: Final = 100_000
_MAX_LENGTH: Final = 10_000
# jq has no other way to repeat without a list to walk over.
_ENDLESS: Final = re.compile(r"(?<![.\w$])(?:def|while|until|repeat|recurse\s*\(|combinations|input|inputs)(?!\w)")
_RANGE: Final = re.compile(r"(?<![.\w$])range(?!\w)")
_LARGE: Final = re.compile(r"\*\s*(?:\d[\d.]{6,}|\d[\d.]*[eE])|(?:\d[\d.]{6,}|\d[\d.]*[eE][-+]?\d+)\s*\*")
_TEXTS: Final = re.compile(r'"(?:[^"\\]|\\[^(])*"')
_SHADOWS: Final = (
    'def env: error("env is not available"); def input: empty; def inputs: empty; def debug: .; def debug(f): .;'
    " def stderr: .; def input_filename: null; def input_line_number: 0; def get_search_list: [];"
    ' def halt: error("halt is not available"); def halt_error: halt; def halt_error(f): halt;'
    " def range_($a; $b; $c):"
    f' if (($b - $a) / (if $c == 0 then 1 else $c end)) > {_MAX_RANGE} then error("range is too long")'
    " else range($a; $b; $c) end;"
    " def range($a; $b; $c): range_($a; $b; $c); def range($a; $b): range_($a; $b; 1);"
    " def range($a): range_(0; $a; 1);"
    " {} as $ENV | "
)


def run(program: str, source: str, budget: Budget) -> list[Any]:
    """Return all results of ``program`` on a JSON text.

    Raises
    ------
    Fault
        The program is wrong, is refused, or fails on this value.
    """
    compiled = _compiled(program)
    out: list[Any] = []
    try:
        for result in compiled.input_text(source):
            budget.step()
            budget.list(len(out) + 1)
            out.append(result)
    except (ValueError, StopIteration) as error:
        raise ArgumentFault(f"jq `{program}` fails: {error}") from None
    return out


@lru_cache(256)
def _compiled(program: str) -> Any:
    import jq  # noqa: PLC0415  (loaded late)

    if len(program) > _MAX_LENGTH:
        raise LimitFault(f"a jq program has at most {_MAX_LENGTH} characters")
    bare = _TEXTS.sub('""', program)
    ranges = list(_RANGE.finditer(bare))
    refused = _ENDLESS.search(bare) or _LARGE.search(bare) or (ranges[1] if len(ranges) > 1 else None)
    if refused:
        hint = "It may run for ever; use a script task."
        raise Fault(f"`{refused.group()}` is refused in jq", code="GOV155", hint=hint)
    try:
        # The program is parsed alone first, so that it cannot close the definitions in front of it.
        jq.compile(program)
        return jq.compile(_SHADOWS + "(" + program + "\n)")
    except ValueError as error:
        raise Fault(f"`{program}` is no jq program: {str(error).strip().splitlines()[0]}") from None
