"""The keys of ``expect``: each has one function, and a key without one fails its case."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_gov.domain.execution import Execution, TaskRun
from tests.conformance.failure import Unmet
from tests.conformance.world import World


@dataclass(frozen=True)
class Seen:
    """What an expectation looks at: one execution, and the whole ``expect`` that its key stands in."""

    world: World
    execution: Execution | None
    siblings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def one(self) -> Execution:
        """The execution; a case that expects something of one that is not there has failed."""
        if self.execution is None:
            raise Unmet("there is no such execution")
        return self.execution

    @property
    def runs(self) -> list[TaskRun]:
        """The task runs in order of creation."""
        return self.one.ordered()


Expectation = Callable[[Seen, Any], Iterator[str]]
EXPECTATIONS: dict[str, Expectation] = {}


def expectation(name: str) -> Callable[[Expectation], Expectation]:
    """Register what a key of ``expect`` means; the function yields what is not so."""

    def keep(function: Expectation) -> Expectation:
        EXPECTATIONS[name] = function
        return function

    return keep


def check(world: World, execution: Execution | None, expect: Mapping[str, Any]) -> list[str]:
    """Return what is not as expected; every key is looked at, and one without a meaning is a problem."""
    problems: list[str] = []
    seen = Seen(world, execution, expect)
    for name, wanted in expect.items():
        meaning = EXPECTATIONS.get(str(name))
        if meaning is None:
            problems.append(f"unknown field `{name}`")
            continue
        try:
            problems += [f"{name}: {problem}" for problem in meaning(seen, wanted)]
        except Unmet as error:
            problems.append(f"{name}: {error}")
    return problems


def differs(wanted: object, got: object) -> Iterator[str]:
    """Yield a problem if two plain things are not equal."""
    if wanted != got:
        yield f"expected {wanted!r}, got {got!r}"
