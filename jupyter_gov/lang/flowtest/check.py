"""Checks a test file: YAML text becomes ``FlowTests`` and a list of everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from jupyter_gov.errors import Location
from jupyter_gov.lang import expr
from jupyter_gov.lang.check.convert import Converter
from jupyter_gov.lang.check.forms import properties_of
from jupyter_gov.lang.check.report import Report, described
from jupyter_gov.lang.check.validate import Validator
from jupyter_gov.lang.diagnostics import Diagnostic, FlowError, did_you_mean, listing, ordered, quoted
from jupyter_gov.lang.flowtest.models import (
    OPERATORS,
    RENAMES,
    AssertionDef,
    AssertionSpec,
    Case,
    CaseSpec,
    FlowTests,
    FlowTestsSpec,
)
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.models.scalars import is_null
from jupyter_gov.lang.nodes import Entry, ListNode, MapNode, Node, ScalarNode, scalars
from jupyter_gov.lang.ports import TypeCatalogue
from jupyter_gov.lang.source import load

_CASES = re.compile(r"^[\"']?testCases[\"']?\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CheckedTests:
    """What became of a text.

    Attributes
    ----------
    tests
        The tests; None when there are errors.
    """

    tests: FlowTests | None
    diagnostics: tuple[Diagnostic, ...]
    source: str

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What must be mended before the tests can be run."""
        return tuple(found for found in self.diagnostics if found.is_error)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What should be mended."""
        return tuple(found for found in self.diagnostics if not found.is_error)

    def raise_for_errors(self) -> FlowTests:
        """Return the tests.

        Raises
        ------
        FlowError
            ``GOV1xx`` and ``GOV24x``: the file has errors; all diagnostics are in it.
        """
        if self.tests is None:
            raise FlowError(self.diagnostics, self.source)
        return self.tests


def is_tests(text: str) -> bool:
    """Return whether a text looks like a test file; it may have errors all the same."""
    return _CASES.search(text) is not None


def check_tests(
    source: str, catalogue: TypeCatalogue, *, flow: Flow | None = None, file: str | None = None
) -> CheckedTests:
    """Check the text of a test file; nothing is raised for what is wrong with it.

    Parameters
    ----------
    flow
        The flow that is tested: then the tasks and the trigger that the file names must be in it.
    file
        Name of the text's file, for messages.
    """
    tree = load(source, file=file)
    report = Report(tree)
    tests = None
    root = tree.root
    if root is None and not tree.problems:
        report.error("GOV110", "the text is empty", Location(1, 1, 1, file), "Write id:, flowId:, and testCases:.")
    elif root is not None and not isinstance(root, MapNode):
        report.error("GOV110", f"a test file must be a map, got {described(root)}", root, "Write id:, flowId: ...")
    elif root is not None:
        tests = _Reader(report, catalogue).read(root, flow)
    diagnostics = ordered((*tree.problems, *report.found))
    if any(one.is_error for one in diagnostics):
        tests = None
    return CheckedTests(tests, diagnostics, source)


class _Reader:
    def __init__(self, report: Report, catalogue: TypeCatalogue) -> None:
        self._report = report
        self._converter = Converter(report, catalogue)
        self._validator = Validator(self._converter)

    def read(self, root: MapNode, flow: Flow | None) -> FlowTests | None:
        self._rename(root)
        data = self._converter.members(root, properties_of(FlowTestsSpec), "the test file")
        spec = self._validator.validate(FlowTestsSpec, data, root, "the test file", root)
        nodes = list(_maps(root.get("testCases")))
        self._twice(nodes, "case")
        self._expressions(root)
        for case in nodes:
            self._case(case, flow)
        if spec is None or len(nodes) != len(spec.test_cases):
            return None
        cases = tuple(self._built(one, node, spec.disabled) for one, node in zip(spec.test_cases, nodes, strict=True))
        return FlowTests(spec.id, spec.namespace, spec.flow_id, cases, spec.description)

    def _rename(self, root: MapNode) -> None:
        """Let the older spellings of operators stand for the newer ones."""
        for case in _maps(root.get("testCases")):
            for node in _maps(case.get("assertions")):
                for old, new in RENAMES.items():
                    entry = node.entries.get(old)
                    if entry is not None and new not in node.entries:
                        message = f"{quoted(old)} of an assertion is read as {quoted(new)}: that is its name now"
                        self._report.warn("GOV160", message, entry.key, f"write {quoted(new)}", replacement=new)
                        node.entries[new] = Entry(replace(entry.key, text=new), node.entries.pop(old).value)

    def _case(self, node: MapNode, flow: Flow | None) -> None:
        fixtures = node.get("fixtures")
        tasks = list(_maps(fixtures.get("tasks"))) if isinstance(fixtures, MapNode) else []
        self._twice(tasks, "task fixture")
        assertions = list(_maps(node.get("assertions")))
        for assertion in assertions:
            self._operators(assertion)
        if flow is None:
            return
        names = [fixture.get("id") for fixture in tasks] + [assertion.get("taskId") for assertion in assertions]
        for name in names:
            self._known(name, flow.index, "task", "GOV241")
        trigger = fixtures.get("trigger") if isinstance(fixtures, MapNode) else None
        if isinstance(trigger, MapNode):
            self._known(trigger.get("id"), [one.id for one in flow.triggers], "trigger", "GOV242")

    def _known(self, name: Node | None, known: Collection[str], what: str, code: str) -> None:
        if isinstance(name, ScalarNode) and name.text not in known:
            hint = did_you_mean(name.text, known) or f"Known {what}s: {listing(known) or 'none'}"
            self._report.error(code, f"the flow has no {what} {quoted(name.text)}", name, hint)

    def _operators(self, node: MapNode) -> None:
        # A key without a value counts as not written everywhere; here it would make an assertion that always holds.
        empty = [name for name, entry in node.entries.items() if name in OPERATORS and _is_nothing(entry.value)]
        for name in empty:
            hint = "To ask for nothing write isNull: true."
            self._report.error("GOV240", f"{quoted(name)} has nothing to compare with", node.entries[name].key, hint)
        if not OPERATORS.keys() & node.entries.keys():
            hint = f"Add one of: {listing(OPERATORS, 20)}"
            self._report.error("GOV240", "the assertion compares its value with nothing", node, hint)

    def _twice(self, nodes: Collection[MapNode], what: str) -> None:
        seen: dict[str, ScalarNode] = {}
        for node in nodes:
            name = node.get("id")
            if isinstance(name, ScalarNode) and seen.setdefault(name.text, name) is not name:
                message = f"duplicate {what} {quoted(name.text)}; line {seen[name.text].line} has it already"
                self._report.error("GOV115", message, name, "Remove one of the two, or give it another id.")

    def _expressions(self, root: MapNode) -> None:
        for node in scalars(root):
            error = expr.syntax_error(node.text) if "{" in node.text else None
            if error is not None:
                lines = node.text.split("\n")
                inside = error.location or Location(1, 1)
                offset = sum(len(line) + 1 for line in lines[: inside.line - 1]) + inside.column - 1
                place = self._report.tree.locate_inside(node, offset, inside.length)
                self._report.error(error.code, error.message, place, error.hint)

    def _built(self, spec: CaseSpec, node: MapNode, disabled: bool) -> Case:
        places = [self._report.tree.locate(one) for one in _maps(node.get("assertions"))]
        assertions = tuple(_assertion(one, place) for one, place in zip(spec.assertions, places, strict=True))
        where = self._report.tree.locate(node)
        return Case(spec.id, spec.fixtures, assertions, spec.description, disabled or spec.disabled, where)


def _assertion(spec: AssertionSpec, where: Location) -> AssertionDef:
    operators = {name: getattr(spec, field) for name, field in OPERATORS.items() if field in spec.model_fields_set}
    return AssertionDef(spec.value, operators, spec.task_id, spec.description, spec.error_message, where)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.plain and is_null(node.text)


def _maps(node: Node | None) -> Iterator[MapNode]:
    for item in node.items if isinstance(node, ListNode) else ():
        if isinstance(item, MapNode):
            yield item
