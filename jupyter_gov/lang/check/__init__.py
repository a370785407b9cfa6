r"""Checks a flow: YAML text becomes a ``Flow`` and a list of everything that is wrong with it.

The stages, each in its own module: the text (``lang.source``), shape (``tasks``, ``inputs``, ``triggers`` over
``convert`` and ``validate``), names, references and expressions (``expressions``), graph (``advice``). A stage never
stops the next one, so that all problems are reported at once.

Examples
--------
>>> from jupyter_gov.plugins.registry import Registry
>>> checked = check("id: a\nnamespace: b\ntasks: []\n", Registry())
>>> [found.message for found in checked.errors]
['"tasks" of the flow must not be empty: no task is defined']
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from jupyter_gov.errors import Location
from jupyter_gov.lang.check.dialect import Lint, Refuse, Target, dialect_of
from jupyter_gov.lang.check.flow import read_flow
from jupyter_gov.lang.check.report import Report
from jupyter_gov.lang.check.scope import Scope
from jupyter_gov.lang.diagnostics import Diagnostic, FlowError, ordered
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.lang.nodes import MapNode
from jupyter_gov.lang.ports import TypeCatalogue
from jupyter_gov.lang.source import load

__all__ = ["CheckedFlow", "Target", "check"]
_GENERAL = frozenset({"GOV160", "GOV164"})
"""Codes of old spellings and reserved names."""


@dataclass(frozen=True, slots=True)
class CheckedFlow:
    """What became of a text.

    Attributes
    ----------
    flow
        The flow; None when there are errors.
    diagnostics
        Errors and warnings by line.
    """

    flow: Flow | None
    diagnostics: tuple[Diagnostic, ...]
    source: str

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What must be mended before the flow can be registered."""
        return tuple(found for found in self.diagnostics if found.is_error)

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """What should be mended."""
        return tuple(found for found in self.diagnostics if not found.is_error)

    def raise_for_errors(self) -> Flow:
        """Return the flow.

        Raises
        ------
        FlowError
            ``GOV1xx``: the flow has errors; all diagnostics are in it.
        """
        if self.flow is None:
            raise FlowError(self.diagnostics, self.source)
        return self.flow


def check(
    source: str,
    catalogue: TypeCatalogue,
    *,
    allow_unknown_types: bool = False,
    file: str | None = None,
    target: Target = "auto",
    stored: bool = False,
) -> CheckedFlow:
    """Check the text of a flow; nothing is raised for what is wrong with it.

    Parameters
    ----------
    allow_unknown_types
        Whether types that no plugin offers are warnings; such a flow can be stored and shown, not run.
    file
        Name of the text's file, for messages.
    target
        Version of Kestra by whose rules the flow is checked; ``auto``: the one that it is written for. What version
        2.0 has removed is an error only if its rules are asked for; a flow that mixes both, such as one that is being
        rewritten, is warned about and runs.
    stored
        Whether the flow was taken before, so that rules of a version cannot refuse it any more.
    """
    tree = load(source, file=file)
    report = Report(tree)
    flow = None
    if tree.root is None and not tree.problems:
        hint = "Write id:, namespace: and tasks: each on a line of its own."
        report.error("GOV110", "the text is empty", Location(1, 1, 1, file), hint)
    if tree.root is not None:
        flow = read_flow(tree.root, Scope.of(report, catalogue, allow_unknown=allow_unknown_types))
    dialect = dialect_of(tree.root) if target == "auto" else target
    if dialect == "2.0" and isinstance(tree.root, MapNode):
        refuse: Refuse = "nothing" if stored else "all" if target == "2.0" else "rules"
        _lint(report, tree.root, catalogue, refuse)
    # Where the text itself is broken, what follows from it would only hide the cause.
    broken = {problem.location.line for problem in tree.problems if problem.location}
    found = [one for one in report.found if one.location is None or one.location.line not in broken]
    diagnostics = ordered((*tree.problems, *found))
    if any(one.is_error for one in diagnostics):
        flow = None
    return CheckedFlow(None if flow is None else replace(flow, dialect=dialect), diagnostics, source)


def _lint(report: Report, root: MapNode, catalogue: TypeCatalogue, refuse: Refuse) -> None:
    before = report.found[:]
    Lint(report, catalogue, refuse=refuse).run(root)
    # What version 2 says of a place stands instead of what is said there in general.
    told = {one.location for one in report.found[len(before) :]}
    report.found[: len(before)] = [one for one in before if one.code not in _GENERAL or one.location not in told]
