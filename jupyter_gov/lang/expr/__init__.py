"""The expression language: Pebble as Kestra sets it up, on Jinja2's machinery, in a sandbox.

Examples
--------
>>> render("Hello {{ inputs.name ?? 'you' | upper }}", {"inputs": {}})
'Hello YOU'
>>> render_typed("{{ inputs.n + 1 }}", {"inputs": {"n": 41}})
42
>>> sorted(references("{{ outputs.a['value'] ~ inputs.n }}"))
[('inputs', 'n'), ('outputs', 'a', 'value')]
"""

from jupyter_gov.lang.expr.analysis import Advice, Use
from jupyter_gov.lang.expr.limits import DEFAULT, Limits
from jupyter_gov.lang.expr.render import (
    references,
    render,
    render_typed,
    render_value,
    syntax_error,
    uses,
    warnings,
)
from jupyter_gov.lang.expr.values import is_truthy

__all__ = [
    "DEFAULT",
    "Advice",
    "Limits",
    "Use",
    "is_truthy",
    "references",
    "render",
    "render_typed",
    "render_value",
    "syntax_error",
    "uses",
    "warnings",
]
