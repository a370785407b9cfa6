"""jq programs: paths are walked here, everything else runs in a process of its own, which the host keeps.

jq cannot be interrupted, ends the whole process when it finds no memory, and overflows its stack on deep values; so
it is never loaded into the process that carries a run.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from jupyter_gov.lang.expr import jq_paths
from jupyter_gov.lang.expr.faults import ArgumentFault, Fault, LimitFault
from jupyter_gov.lang.expr.state import State
from jupyter_gov.legible import shortened

_MAX_LENGTH: Final = 10_000
_HALF: Final = re.compile(r"\\u[dD][89a-fA-F]")
_HINT: Final = "Do such work in a script or query task and hand over its result."


def run(state: State, program: str, source: str) -> list[Any]:
    """Return all results of ``program`` on a JSON text.

    Raises
    ------
    Fault
        The program is wrong, fails on this value, takes too long or too much memory, or is more than a path where no
        host is at hand.
    """
    if len(program) > _MAX_LENGTH:
        raise LimitFault(f"a jq program has at most {_MAX_LENGTH} characters")
    value = _parsed(source)
    path = jq_paths.steps(program)
    if path is None:
        return _elsewhere(state, program, source)
    out: list[Any] = []
    try:
        for result in jq_paths.walk(path, value, state.budget):
            out.append(result)
            state.budget.list(len(out))
    except ArgumentFault as fault:
        raise ArgumentFault(f"the jq program `{program}` fails: {fault.message}") from None
    return out


def _parsed(source: str) -> Any:
    try:
        value = jq_paths.parsed(source)
        # Half a surrogate pair is no character: nobody could store or send what comes out.
        (json.dumps(value, ensure_ascii=False) if _HALF.search(source) else source).encode()
    except UnicodeEncodeError:
        raise ArgumentFault("what jq reads holds half a surrogate pair") from None
    except (ValueError, RecursionError):
        raise ArgumentFault("what jq reads is no JSON") from None
    return value


def _elsewhere(state: State, program: str, source: str) -> list[Any]:
    if state.host is None:
        hint = "A path such as `.a.b[0]` works everywhere."
        raise Fault("this jq program works only while a flow runs", code="GOV156", hint=hint)
    limits, budget = state.budget.limits, state.budget
    answer = state.host.jq(program, source, seconds=budget.left(), characters=limits.characters)
    budget.spend(answer.seconds)
    shown = shortened(program)
    if answer.kind == "program":
        raise Fault(f"`{shown}` is no jq program: {answer.text}")
    if answer.kind == "failure":
        raise ArgumentFault(f"the jq program `{shown}` fails: {answer.text}")
    if answer.kind == "limit":
        raise LimitFault(f"the jq program `{shown}` was stopped: {answer.text}", hint=_HINT)
    out: list[Any] = json.loads(answer.text)
    budget.list(len(out))
    return out
