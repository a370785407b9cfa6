"""JSON Schema of a test file, made from the classes that check it."""

from __future__ import annotations

from typing import Any

from jupyter_gov.lang.flowtest.models import UNIT_TEST, FlowTestsSpec
from jupyter_gov.lang.schema import DIALECT, lenient, model_schema


def tests_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a test file."""
    definitions: dict[str, Any] = {}
    root = model_schema("Tests", FlowTestsSpec, definitions)
    return {
        "$schema": DIALECT,
        **lenient(root),
        "title": "Flow tests",
        "examples": [EXAMPLE],
        "$defs": lenient(definitions),
    }


EXAMPLE: dict[str, Any] = {
    "id": "scoring-tests",
    "namespace": "company.team",
    "flowId": "scoring",
    "testCases": [
        {
            "id": "good-customer",
            "type": UNIT_TEST,
            "fixtures": {
                "inputs": {"customer": 7},
                "tasks": [{"id": "fetch", "outputs": {"code": 200}}],
            },
            "assertions": [{"value": "{{ outputs.score.value }}", "greaterThan": 0.5}],
        }
    ],
}
