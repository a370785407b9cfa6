"""Checks and runs test files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.canonical import digest_bytes
from jupyter_gov.domain.flow import FlowRevision
from jupyter_gov.engine.coverage import Place, coverage
from jupyter_gov.errors import InputError, NotFoundError
from jupyter_gov.lang.check import check
from jupyter_gov.lang.diagnostics import did_you_mean, listing
from jupyter_gov.lang.flowtest import Case, CheckedTests, FlowTests, check_tests
from jupyter_gov.lang.models.flow import Flow
from jupyter_gov.service.flowtests.case import run_case
from jupyter_gov.service.flowtests.results import CaseResult, FileResult
from jupyter_gov.service.flowtests.world import seed

if TYPE_CHECKING:
    from jupyter_gov.service.wire import Parts

TIMEOUT = 60.0
"""Seconds that a case may take unless somebody says otherwise."""


class Tests:
    """Implements ``api.FlowTestService`` over the store: reads flows from it, writes nothing into it."""

    __test__ = False  # no tests of ours

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def check(self, source: str, *, file: str | None = None) -> CheckedTests:
        """Return the checked test file with all its diagnostics; runs nothing."""
        return check_tests(source, self._parts.registry, file=file)

    def run(
        self,
        source: str,
        actor: Actor,
        *,
        flow: str | None = None,
        file: str | None = None,
        only: Collection[str] = (),
        timeout: float = TIMEOUT,
        on_case: Callable[[CaseResult], None] | None = None,
    ) -> FileResult:
        """Run the cases of a test file, each in a store of its own that is thrown away."""
        tests = self.check(source, file=file).raise_for_errors()
        revision, checked_flow = self._flow(tests, flow, actor)
        again = check_tests(source, self._parts.registry, flow=checked_flow, file=file)
        tests = again.raise_for_errors()
        begin = seed(self._parts, revision, checked_flow)
        results: list[CaseResult] = []
        places: set[Place] = set()
        for case in _wanted(tests, only):
            result, found = run_case(self._parts, begin, case, actor, timeout=timeout)
            results.append(result)
            places |= found
            if on_case is not None:
                on_case(result)
        return FileResult(
            tests.id,
            tests.namespace,
            tests.flow_id,
            tuple(results),
            coverage(checked_flow, places),
            file,
            again.warnings,
        )

    def _flow(self, tests: FlowTests, source: str | None, actor: Actor) -> tuple[FlowRevision, Flow]:
        if source is not None:
            return self._given(tests, source, actor)
        with self._parts.store.read() as tx:
            stored = self._parts.store.flows.get(tx, tests.namespace, tests.flow_id)
        if stored is None:
            raise NotFoundError(
                f"there is no flow {tests.namespace}.{tests.flow_id} to test",
                code="GOV243",
                hint="Register it, or name its file with --flow.",
            )
        return self._parts.cache.add(stored)

    def _given(self, tests: FlowTests, source: str, actor: Actor) -> tuple[FlowRevision, Flow]:
        # A task of a type that nobody offers here can have a fixture; without one it fails when it is reached.
        flow = check(source, self._parts.registry, allow_unknown_types=True).raise_for_errors()
        if (flow.namespace, flow.id) != (tests.namespace, tests.flow_id):
            raise NotFoundError(
                f"the tests are for {tests.namespace}.{tests.flow_id}, the flow is {flow.namespace}.{flow.id}",
                code="GOV243",
                hint="Correct namespace: and flowId: of the tests, or name another flow.",
            )
        revision = FlowRevision(
            namespace=flow.namespace,
            flow_id=flow.id,
            revision=1,
            source=source,
            digest=digest_bytes(source.encode()),
            author=actor.id,
            created_at=self._parts.now(),
            allow_unknown_types=True,
        )
        return revision, flow


def _wanted(tests: FlowTests, only: Collection[str]) -> list[Case]:
    known = [case.id for case in tests.cases]
    for name in only:
        if name not in known:
            hint = did_you_mean(name, known) or f"Its cases: {listing(known)}"
            raise InputError(f"{tests.id} has no case {name!r}", code="GOV246", hint=hint)
    return [case for case in tests.cases if not only or case.id in only]
