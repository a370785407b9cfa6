"""Random templates: most follow the grammar of the language, some are broken on purpose."""

from __future__ import annotations

from random import Random

from jupyter_gov.lang.expr import syntax_error
from jupyter_gov.lang.expr.environment import ENVIRONMENT

FILTERS = sorted(ENVIRONMENT.filters)
FUNCTIONS = sorted(ENVIRONMENT.functions)
TESTS = sorted(ENVIRONMENT.tests)
NAMES = [
    "inputs.a", "inputs.b", "inputs", "vars.n", "vars.list", "vars.map", "vars.text", "vars", "outputs.t1.value",
    "outputs.t1", "outputs", "outputs['t2'].values", "taskrun.value", "taskrun.id", "execution.id", "flow", "flow.id",
    "labels", "labels.team", "parent.taskrun.value", "parents[0]", "globals.x", "envs", "trigger.date", "item", "loop",
    "nothing", "flow.nothing", "__class__", "self",
]  # fmt: skip
TEXTS = [
    "", "a", "12", "-3.5", "true", "null", "2026-02-29T01:30:00+01:00", "2026-01-01", "PT1H", "{\"a\": [1, 2]}", "[1, {}]",
    "a,b,,c", "äöü ß", "\u202eevil", "😀" * 3, "x" * 300, "%s %d {0}", ".*(a+)+$", "(((", "yyyy-MM-dd'T'HH:mm", "UTC",
    "Europe/Berlin", ".a | keys", ".[] |", "id: [a, b", "0x10", "1e400", "\\u0000", "&a *a", "'", "#,##0.00", "SHA-256",
]  # fmt: skip
NUMBERS = ["0", "1", "-1", "2", "7", "3.14", "100", "99999999999999999999", "-0.0", "1e3", "0.1", "1000000"]
BINARY = ["+", "-", "*", "/", "%", "~", "==", "!=", "<", ">", "<=", ">=", "and", "or", "??", "???", "is not", "in", "contains", "equals"]  # fmt: skip
BROKEN = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{{ }}",
    "{{ | }}",
    "{{ a. }}",
    "{% if %}",
    "{% for in %}",
    "{{ 'a }}",
    "{{ a[ }}",
]


def template(rng: Random) -> str:
    """Return a template."""
    roll = rng.random()
    if roll < 0.55:
        text = "{{ " + expression(rng, rng.randint(0, 4)) + " }}"
    elif roll < 0.9:
        text = "".join(_piece(rng, 2) for _ in range(rng.randint(1, 4)))
    else:
        text = _damaged(rng, _piece(rng, 2) + _piece(rng, 2))
    return text


def sound(rng: Random) -> str:
    """Return a template without a fault that is seen before it runs: such a flow is run, not refused."""
    for _ in range(12):
        text = template(rng)
        if syntax_error(text) is None:
            return text
    return "{{ inputs.a }}"


def expression(rng: Random, depth: int) -> str:
    """Return what may stand between ``{{`` and ``}}``."""
    if depth <= 0:
        return _atom(rng)

    def inner() -> str:
        return expression(rng, depth - 1)

    match rng.randrange(12):
        case 0 | 1 | 2:
            return f"{inner()} | {_filter(rng, depth - 1)}"
        case 3 | 4:
            return f"{inner()} {rng.choice(BINARY)} {inner()}"
        case 5:
            return f"({inner()})"
        case 6:
            return f"{inner()} is {rng.choice(['', 'not '])}{rng.choice(TESTS)}"
        case 7:
            return f"{inner()} ? {inner()} : {inner()}"
        case 8:
            return f"{rng.choice(FUNCTIONS)}({_arguments(rng, depth - 1)})"
        case 9:
            return f"{rng.choice(['-', 'not ', '+', ''])}{inner()}"
        case 10:
            return "[" + ", ".join(inner() for _ in range(rng.randint(0, 3))) + "]"
        case _:
            return f"({inner()})[{inner()}]"


def _atom(rng: Random) -> str:
    roll = rng.random()
    if roll < 0.45:
        return rng.choice(NAMES)
    if roll < 0.65:
        return rng.choice(NUMBERS)
    if roll < 0.9:
        return _quoted(rng.choice(TEXTS))
    return rng.choice(
        ["true", "false", "null", "none", "[]", "{}", "{'a': 1, 'b': [2]}", "[1, 'b', null]", "range(0, 5)"]
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"


def _filter(rng: Random, depth: int) -> str:
    name = rng.choice(FILTERS) if rng.random() < 0.98 else "noSuchFilter"
    return f"{name}({_arguments(rng, depth)})" if rng.random() < 0.6 else name


def _arguments(rng: Random, depth: int) -> str:
    given = [expression(rng, depth) for _ in range(rng.choice([0, 1, 1, 1, 2, 3]))]
    if given and rng.random() < 0.2:
        name = rng.choice(["format", "timeZone", "errorOnMissing", "expected", "separator", "default", "path"])
        given[-1] = f"{name}={given[-1]}"
    return ", ".join(given)


def _piece(rng: Random, depth: int) -> str:
    def inner() -> str:
        return expression(rng, depth)

    def body() -> str:
        return _piece(rng, depth - 1) if depth > 0 else rng.choice(TEXTS)

    match rng.randrange(9):
        case 0 | 1 | 2:
            return "{{ " + inner() + " }}"
        case 3:
            return rng.choice(TEXTS)
        case 4:
            return "{% if " + inner() + " %}" + body() + "{% else %}" + body() + "{% endif %}"
        case 5:
            return "{% for item in " + inner() + " %}" + body() + "{% endfor %}"
        case 6:
            return "{% set x = " + inner() + " %}{{ x }}"
        case 7:
            return "{% macro m(a) %}" + body() + "{% endmacro %}{{ m(" + inner() + ") }}"
        case _:
            return rng.choice(
                [
                    "{# note #}",
                    "{% raw %}{{ a }}{% endraw %}",
                    "{%- if true -%} b {%- endif -%}",
                    "{% filter upper %}a{% endfilter %}",
                ]
            )


def _damaged(rng: Random, text: str) -> str:
    at = rng.randint(0, len(text))
    match rng.randrange(4):
        case 0:
            return text[:at]
        case 1:
            return text[:at] + rng.choice(BROKEN) + text[at:]
        case 2:
            return text[:at] + text[at + rng.randint(1, 5) :]
        case _:
            return "{{ " + "(" * rng.choice([3, 60, 3000]) + "1" + ")" * rng.choice([3, 60, 3000]) + " }}"
