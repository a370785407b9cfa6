"""What one rendering knows while it runs: the context, variables set by tags, output, and the budget.

The code that ``codegen`` writes calls nothing but this class and the functions of ``runtime``.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_gov.lang.expr.faults import Fault, LimitFault, MissingFault
from jupyter_gov.lang.expr.limits import Budget
from jupyter_gov.lang.expr.operators import MISSING, is_list
from jupyter_gov.lang.expr.values import text, type_name
from jupyter_gov.legible import shortened

if TYPE_CHECKING:
    from jupyter_gov.lang.expr.codegen import Compiled
    from jupyter_gov.lang.ports import ExpressionHost

_MAX_CALLS = 40
_MAX_PASSES = 100
_RAW = re.compile("\x00raw(\\d+)\x00")


class Compiler(Protocol):
    """What makes templates ready to run."""

    def compiled(self, text: str) -> Compiled:
        """Return the template of a text."""
        ...


class State:
    """One rendering of one template."""

    __slots__ = (
        "_calls",
        "_length",
        "_scopes",
        "at",
        "budget",
        "compiled",
        "context",
        "environment",
        "host",
        "out",
        "raws",
    )

    def __init__(
        self,
        environment: Compiler,
        compiled: Compiled,
        context: Mapping[str, Any],
        host: ExpressionHost | None,
        budget: Budget,
        *,
        raws: list[str] | None = None,
    ) -> None:
        self.environment = environment
        self.compiled = compiled
        self.context = context
        self.host = host
        self.budget = budget
        self.at = 0
        self.out: list[str] = []
        self.raws = raws
        self._length = 0
        self._calls = 0
        self._scopes: list[dict[str, Any]] = [{}]

    def text(self) -> str:
        """Run the template and return its output."""
        expression = self.compiled.expression
        if expression is None:
            self.compiled.root(self)
        else:
            self.print(expression(self))
        return "".join(self.out)

    # -- names

    def lookup(self, name: str, offset: int) -> Any:
        """Return a variable.

        Raises
        ------
        MissingFault
            There is none of this name.
        """
        for scope in reversed(self._scopes):
            if name in scope:
                return scope[name]
        found = self.context.get(name, MISSING)
        if found is MISSING:
            raise MissingFault(name, offset=offset)
        return found

    def assign(self, name: str, value: Any) -> None:
        """Set a variable where it is known already, else in the innermost scope."""
        for scope in reversed(self._scopes):
            if name in scope:
                scope[name] = value
                return
        home = self._scopes[0] if name in self.context else self._scopes[-1]
        home[name] = value

    def loop(self, items: Any, name: str, offset: int) -> Loop:
        """Return the passes of ``{% for name in items %}``."""
        return Loop(self, items, name, offset)

    def enter(self) -> dict[str, Any]:
        """Open a scope and return it."""
        scope: dict[str, Any] = {}
        self._scopes.append(scope)
        return scope

    def leave(self) -> None:
        """Close the innermost scope."""
        self._scopes.pop()

    # -- output

    def write(self, piece: str) -> None:
        """Add a piece to the output."""
        self._length += len(piece)
        if self._length > self.budget.limits.characters:
            self.budget.text(self._length)
        self.out.append(piece)

    def print(self, value: Any) -> None:
        """Add a value to the output."""
        self.write(value if isinstance(value, str) else text(value, self.budget))

    def raw(self, piece: str) -> str:
        """Return the text of a raw block, hidden from further renderings of this output."""
        if self.raws is None:
            return piece
        self.raws.append(piece)
        return f"\x00raw{len(self.raws) - 1}\x00"

    def capture(self, body: Callable[[State], None]) -> str:
        """Return what ``body`` writes."""
        outer, self.out = self.out, []
        try:
            body(self)
            return "".join(self.out)
        finally:
            self.out = outer

    # -- laziness and calls

    def attempt(self, value: Callable[[], Any]) -> Any:
        """Return ``value()``, or ``MISSING`` if a name in it has no value."""
        depth = len(self._scopes)
        try:
            return value()
        except MissingFault:
            del self._scopes[depth:]
            return MISSING

    def isolated(self, variables: dict[str, Any], body: Callable[[State], None], context: Mapping[str, Any]) -> str:
        """Return what ``body`` writes when it sees only ``variables`` and ``context``."""
        self.deeper()
        scopes, around = self._scopes, self.context
        self._scopes, self.context = [variables], context
        try:
            return self.capture(body)
        finally:
            self._scopes, self.context = scopes, around
            self._calls -= 1

    def deeper(self) -> int:
        """Count one more call inside a call.

        Raises
        ------
        LimitFault
            ``GOV155``: macros or ``render()`` call each other without end.
        """
        self._calls += 1
        if self._calls > _MAX_CALLS:
            raise LimitFault(f"macros or render() call each other more than {_MAX_CALLS} levels deep")
        return self._calls

    def rendered(self, value: Any, *, recursive: bool) -> Any:
        """Return ``value`` with the texts at any depth rendered, once or until nothing changes.

        Raises
        ------
        Fault
            One of the texts cannot be rendered; never ``MissingFault``, since ``??`` does not reach into other texts.
        """
        self.deeper()
        raws = self.raws if self.raws is not None else []
        context = ChainMap(*reversed(self._scopes), self.context)  # type: ignore[arg-type]  # only read

        def one(text: str) -> str:
            state = State(self.environment, self.environment.compiled(text), context, self.host, self.budget, raws=raws)
            state._calls = self._calls
            try:
                return state.text()
            except MissingFault as fault:
                where = f"in the expression `{shortened(text)}`, which `render()` renders"
                # Not a missing value of the text that calls `render()`: `??` there must not hide it.
                raise Fault(f"unable to find `{fault.name}` used {where}", code=fault.code) from None

        try:
            done = self._deep(value, lambda text: _until_stable(text, one) if recursive else one(text))
        except Fault as fault:
            # Its place lies in another text.
            fault.offset = None
            raise
        finally:
            self._calls -= 1
        return (
            done if self.raws is not None else self._deep(done, lambda text: _RAW.sub(lambda m: raws[int(m[1])], text))
        )

    def _deep(self, value: Any, change: Callable[[str], str]) -> Any:
        self.budget.step()
        if isinstance(value, str):
            return change(value) if "{" in value or "\x00" in value else value
        if isinstance(value, Mapping):
            return {self._deep(key, change): self._deep(item, change) for key, item in value.items()}
        if is_list(value):
            return [self._deep(item, change) for item in value]
        return value

    def need_host(self, name: str) -> ExpressionHost:
        """Return the host.

        Raises
        ------
        Fault
            ``GOV156``: this expression is rendered where no execution is.
        """
        if self.host is None:
            raise Fault(f"`{name}` works only while a flow runs", code="GOV156")
        return self.host

    def visible(self) -> dict[str, Any]:
        """Return every variable that the template sees here."""
        names = dict(self.context)
        for scope in self._scopes:
            names.update(scope)
        return names


def _until_stable(text: str, one: Callable[[str], str]) -> str:
    for _ in range(_MAX_PASSES):
        if "{" not in text:
            return text
        before, text = text, one(text)
        if text == before:
            return text
    raise LimitFault(f"too many rendering attempts: the text still changes after {_MAX_PASSES} of them")


class Loop:
    """The passes of a ``for``: sets the variable and ``loop`` before each."""

    __slots__ = ("_items", "_name", "_state", "empty")

    def __init__(self, state: State, items: Any, name: str, offset: int) -> None:
        if items is None:
            self._items = None
        elif isinstance(items, Mapping):
            self._items = [{"key": key, "value": value} for key, value in items.items()]
        elif is_list(items):
            self._items = list(items)
        else:
            raise Fault(f"`for` needs a list or a map, not {type_name(items)}", offset=offset)
        # Nothing at all, not even `else`, is done for null.
        self.empty = self._items is not None and not self._items
        self._state = state
        self._name = name

    def __iter__(self) -> Iterator[None]:
        items = self._items or []
        scope = self._state.enter()
        last = len(items) - 1
        for index, item in enumerate(items):
            self._state.budget.step()
            scope[self._name] = item
            scope["loop"] = {
                "index": index,
                "length": last + 1,
                "first": index == 0,
                "last": index == last,
                "revindex": last - index,
            }
            yield
        self._state.leave()
