"""All filters, functions and tests: importing this module fills the tables of ``registry``."""

from jupyter_gov.lang.expr import filters_text, tests
from jupyter_gov.lang.expr.registry import FILTERS, FUNCTIONS, TESTS

__all__ = ["FILTERS", "FUNCTIONS", "TESTS", "filters_text", "tests"]
