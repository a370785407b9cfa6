"""Tests of flows as text: what a test file may hold, how it is checked, and what its assertions mean."""

from __future__ import annotations

from jupyter_gov.lang.flowtest.check import CheckedTests, check_tests, is_tests
from jupyter_gov.lang.flowtest.models import UNIT_TEST, AssertionDef, Case, FlowTests

__all__ = ["UNIT_TEST", "AssertionDef", "Case", "CheckedTests", "FlowTests", "check_tests", "is_tests"]
