"""The service over a store of the test's own, and a short way to run a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from jupyter_gov.service.api import Gov
from jupyter_gov.service.flowtests.results import CaseResult, FileResult
from jupyter_gov.service.identity import local_actor
from tests.faces import gov, home

__all__ = ["gov", "home"]

UNIT_TEST = "io.kestra.core.tests.flow.UnitTest"
Run = Callable[..., FileResult]


def suite(flow: str, *cases: dict[str, Any]) -> str:
    """Return the text of a test file for a flow."""
    head = yaml.safe_load(flow)
    numbered = [{"id": f"case{number}", "type": UNIT_TEST, **case} for number, case in enumerate(cases)]
    document = {"id": "tests", "namespace": head["namespace"], "flowId": head["id"], "testCases": numbered}
    return yaml.safe_dump(document, sort_keys=False)


def case(*assertions: dict[str, Any], **fixtures: Any) -> dict[str, Any]:
    """Return a case; without assertions one that only wants success."""
    found = list(assertions) or [{"value": "{{ execution.state }}", "equalTo": "SUCCESS"}]
    return {"fixtures": fixtures, "assertions": found}


@pytest.fixture
def run(gov: Gov) -> Run:
    """Run cases on the text of a flow."""

    def ran(flow: str, *cases: dict[str, Any], **more: Any) -> FileResult:
        return gov.tests.run(suite(flow, *cases), local_actor(), flow=flow, **more)

    return ran


@pytest.fixture
def run_case(run: Run) -> Callable[..., CaseResult]:
    """Run one case on the text of a flow."""

    def ran(flow: str, one: dict[str, Any], **more: Any) -> CaseResult:
        [result] = run(flow, one, **more).cases
        return result

    return ran
