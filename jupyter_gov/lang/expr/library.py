"""All filters, functions and tests: importing this module fills the tables of ``registry``."""

from jupyter_gov.lang.expr import (
    filters_coding,
    filters_date,
    filters_list,
    filters_number,
    filters_text,
    functions,
    functions_date,
    functions_flow,
    functions_host,
    tests,
)
from jupyter_gov.lang.expr.registry import FILTERS, FUNCTIONS, TESTS

__all__ = [
    "FILTERS",
    "FUNCTIONS",
    "TESTS",
    "filters_coding",
    "filters_date",
    "filters_list",
    "filters_number",
    "filters_text",
    "functions",
    "functions_date",
    "functions_flow",
    "functions_host",
    "tests",
]
