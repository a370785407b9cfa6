"""Checks expressions: their grammar, and whether the tasks, inputs and variables that they name exist."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import accumulate

from jupyter_gov.errors import Location
from jupyter_gov.lang import expr
from jupyter_gov.lang.check.report import MOST_NAMES
from jupyter_gov.lang.check.scope import Scope, Use
from jupyter_gov.lang.diagnostics import listing, quoted
from jupyter_gov.lang.nodes import ScalarNode
from jupyter_gov.lang.ports import TypeInfo

# With these a missing value is expected, so that a name without a value is only worth a warning.
_GUARDED = re.compile(r"\?\?|\bis\s+(?:not\s+)?(?:defined|null|empty)\b|\|\s*default\b|\bif\b")
_MISSPELT = {"output": "outputs", "input": "inputs", "var": "vars", "variables": "vars", "variable": "vars",
             "env": "envs", "label": "labels", "taskRun": "taskrun", "executions": "execution"}  # fmt: skip
_FOR_EACH_ITEM = ("_split", "_items", "_merge")


@dataclass(slots=True)
class Expressions:
    """Looks at all expressions of a flow.

    Attributes
    ----------
    variables
        Those that the flow declares or its tasks set; None if that cannot be told.
    undeclared
        Inputs that expressions name and the flow does not declare.
    """

    scope: Scope
    inputs: frozenset[str]
    variables: frozenset[str] | None
    undeclared: dict[str, None] = field(default_factory=dict)
    _seen: set[int] = field(default_factory=set)
    _paths: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)

    def check(self) -> None:
        """Check every text that was noted while the flow was read."""
        for use in self.scope.uses:
            if id(use.node) not in self._seen:
                self._seen.add(id(use.node))
                self._check(use)

    def _check(self, use: Use) -> None:
        text = use.node.text
        error = expr.syntax_error(text)
        if error is not None:
            where = self._place(use.node, error.location)
            self.scope.report.error(error.code, f"{use.where}: {error.message}", where, error.hint)
            return
        for advice in expr.warnings(text):
            place = self._place(use.node, advice.location)
            self.scope.report.warn("GOV166", f"{use.where}: {advice.message}", place)
        if use.local:
            guarded = _GUARDED.search(text) is not None
            for path in sorted(expr.references(text)):
                self._reference(use, path, guarded)

    def _place(self, node: ScalarNode, inside: Location | None) -> Location:
        tree = self.scope.report.tree
        if inside is None:
            return tree.locate(node)
        lines = node.text.split("\n")
        offset = sum(len(line) + 1 for line in lines[: inside.line - 1]) + inside.column - 1
        return tree.locate_inside(node, offset, inside.length)

    def _reference(self, use: Use, path: tuple[str, ...], guarded: bool) -> None:
        match path:
            case ("outputs", task, *rest):
                self._task(use, "outputs", task, guarded)
                self._output(use, task, rest)
            case ("tasks", task, *_):
                self._task(use, "tasks", task, guarded)
            case ("vars", name, *_):
                self._variable(use, name, guarded)
            case ("inputs", *names) if names:
                self._input(use, tuple(names))
            case (name, _, *_) if name in _MISSPELT:
                self._say("GOV134", use, name, f"there is no {quoted(name)} in expressions",
                          hint=f"did you mean {quoted(_MISSPELT[name])}?")  # fmt: skip

    def _task(self, use: Use, root: str, task: str, guarded: bool) -> None:
        types = self.scope.types
        if task in types or any(task.endswith(end) and task.removesuffix(end) in types for end in _FOR_EACH_ITEM):
            return
        hint = self._hint(task, types, root)
        if hint is None and len(types) <= MOST_NAMES:
            hint = f"Known tasks: {listing(types)}"
        self._say("GOV131", use, task, f"no task of this flow is called {quoted(task)}", hint=hint, error=not guarded)

    def _output(self, use: Use, task: str, rest: list[str]) -> None:
        info: TypeInfo | None = self.scope.types.get(task)
        rename = info.output_renames.get(rest[0]) if info and rest else None
        if rename is not None:
            self._say("GOV160", use, rest[0], f"the output {quoted(rest[0])} of task {quoted(task)} is read as "
                      f"{quoted(rename.to)}: {rename.reason}", hint=f"write {quoted(rename.to)}")  # fmt: skip

    def _variable(self, use: Use, name: str, guarded: bool) -> None:
        if self.variables is not None and name not in self.variables:
            hint = self._hint(name, self.variables, "vars") or "Declare it under variables:"
            self._say("GOV133", use, name, f"the flow has no variable {quoted(name)}", hint=hint, error=not guarded)

    def _input(self, use: Use, names: tuple[str, ...]) -> None:
        if self._declared(self.inputs, names) or self._declared(use.inputs, names):
            return
        name = names[0]
        if name in self.undeclared:
            return
        self.undeclared[name] = None
        similar = self._hint(name, self.inputs, "inputs")
        declare = f"Declare it under inputs: - id: {name}, type: STRING"
        self._say("GOV132", use, name, f"the input {quoted(name)} is used and not declared; in Kestra it has no value",
                  hint=f"{similar} {declare}" if similar else declare)  # fmt: skip

    def _declared(self, known: frozenset[str], names: tuple[str, ...]) -> bool:
        """Return whether a path is that of an input, leads to one (its id has more dots), or into its value."""
        if known not in self._paths:
            self._paths[known] = frozenset(path for one in known for path in accumulate(one.split("."), "{}.{}".format))
        paths = [*accumulate(names, "{}.{}".format)]
        return paths[-1] in self._paths[known] or any(path in known for path in paths)

    def _hint(self, name: str, known: Collection[str], root: str) -> str | None:
        if len(known) > MOST_NAMES:
            return None
        # "outputs.my-task" is read as "outputs.my minus task".
        dashed = next((one for one in known if one.startswith(f"{name}-")), None)
        if dashed:
            return f"names with - need brackets: {root}['{dashed}']"
        meant = self.scope.report.meant(name, known)
        return f"did you mean {quoted(meant)}?" if meant else None

    def _say(self, code: str, use: Use, word: str, message: str, *, hint: str | None, error: bool = False) -> None:
        report = self.scope.report.error if error else self.scope.report.warn
        found = re.search(rf"(?<![\w-]){re.escape(word)}(?![\w])", use.node.text)
        place = self.scope.report.tree.locate_inside(use.node, found.start() if found else 0, len(word) if found else 1)
        report(code, f"{use.where}: {message}", place, hint)
