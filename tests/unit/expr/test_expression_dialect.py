"""Operators, scopes, tags and white space: Pebble's meaning where it differs from Jinja2's."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from jupyter_gov.errors import ExpressionError
from jupyter_gov.lang import expr

CONTEXT = {"a": {"b": 1, "n": None}, "l": [1, 2, 3], "s": "text", "n": None, "f": 1.5, "t": True}


class Colour(Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        # precedence
        ("'a' ~ 'b' | upper", "AB"), ("missing ?? 'x' ~ 'y'", "xy"), ("missing ?? 0 == 0", "true"),
        ("1 + 2 ?? 3", "3"), ("-3 | abs + 1", "4"), ("not 1 == 2", "false"), ("[1, 2] | length > 1", "true"),
        ("2 + 3 * 4 - 1", "13"), ("2 * 3 % 4", "2"), ("1..2 ~ 'x'", "[1, 2]x"), ("true or false and false", "true"),
        ("true ? 1 : false ? 2 : 3", "1"), ("false ? 1 : true ? 2 : 3", "2"), ("1 == 1 ? 'y' ~ 'z' : 'n'", "yz"),
        ("1 is odd and 2 is even", "true"), ("1 is not odd", "false"), ("not (1 is odd)", "false"),
        ("missing ?? missing ?? 3", "3"), ("missing ??? n ?? 4", "4"), ("n ??? 5", ""), ("(missing ?? a).b", "1"),
        # numbers
        ("7 / 2", "3"), ("-7 / 2", "-3"), ("7 / -2", "-3"), ("-7 % 3", "-1"), ("7 % -3", "1"), ("7.0 / 2", "3.5"),
        ("1 / 4.0", "0.25"), ("1.0 / 0", "Infinity"), ("-1.0 / 0", "-Infinity"), ("0.0 / 0", "NaN"),
        ("9223372036854775807 + 1", "-9223372036854775808"), ("2147483647 * 2147483647", "4611686014132420609"),
        ("1 + 1.0", "2.0"), ("0.1 + 0.2", "0.30000000000000004"), ("7.5 % 2", "1.5"), ("+3", "3"), ("- - 3", "3"),
        ("10L", "10"), ("1.0 * 1000 * 1000 * 10", "1.0E7"), ("1 / 1024.0 / 1024", "9.5367431640625E-7"),
        # texts, lists and maps
        ("'1' + 2", "12"), ("1 + '2'", "12"), ("'a' + null", "anull"), ("'a' ~ null ~ 'b'", "ab"), ("'a' + [1]", "a[1]"),
        ("[1] + 2 + [3]", "[1,2,3]"), ("[1, 2, 1] - 1", "[2]"), ("[1, 2, 3] - [1, 3]", "[2]"),
        ("[1, [2]] ~ {'a': null}", "[1, [2]]{a=null}"), ("'a' ~ 1.0 ~ true", "a1.0true"),
        # comparisons
        ("1 == 1.0", "true"), ("1 == '1'", "false"), ("true == 1", "false"), ("[1] == [1.0]", "false"), ("n == null", "true"),
        ("1 < null", "false"), ("null >= null", "false"), ("1 equals 1", "true"), ("{'a': [1]} == {'a': [1]}", "true"),
        ("'text' contains 'ex'", "true"), ("'a1' contains 1", "true"), ("l contains [1, 3]", "true"), ("l contains 4", "false"),
        ("a contains 'b'", "true"), ("null contains 1", "false"), ("[true] contains 1", "false"),
        # truth
        ("0 or ''", "false"), ("'x' and 1", "true"), ("null ? 1 : 2", "2"), ("'' ? 1 : 2", "2"), ("0.0 ? 1 : 2", "2"),
        ("false and missing", "false"), ("true or missing", "true"), ("true ? 1 : missing", "1"),
        # access
        ("l['1']", "2"), ("l[l[0]]", "2"), ("a['b']", "1"), ("(a).b", "1"), ("l[5] is defined", "false"),
        ("l[-1] ?? 'no'", "no"), ("s[0] ?? 'no'", "no"), ("a.n is defined", "false"), ("a.n is null", "true"),
        ("a[missing] ?? 'no'", "no"), ("n.x ?? 'no'", "no"), ("missing.x.y | default('d')", "d"),
        ("' ' | default('d')", "d"), ("[] | default('d')", "d"), ("{} | default('d')", "d"), ("false | default('d')", "false"),
        # literals
        (r"'a\'b'", "a'b"), (r"'a\nb'", r"a\nb"), (r"'a\\'", r"a\\"), ('"#{1 + 1}#{\'x\'}"', "2x"), ("'#{1}'", "#{1}"),
        ('"a # b"', "a # b"), ('"#{a["b"]}"', "1"), ("TRUE", "true"), ("none", ""), ("{}", "{}"), ("{'a': 1,'b': null}", '{"a":1}'),
        ("{1: 2}[1] ?? 3", None), ("({1: 2})[1]", "2"), ("'é' | upper", "É"),
    ],
)  # fmt: skip
def test_expression(expression: str, text: str | None) -> None:
    template = "{{ " + expression + " }}"
    if text is None:
        with pytest.raises(ExpressionError):
            expr.render(template, CONTEXT)
    else:
        assert expr.render(template, CONTEXT) == text


@pytest.mark.parametrize(
    "expression",
    [
        "1 / 0", "1 % 0", "'3' * '4'", "'a' - 1", "null + 1", "-null", "-'a'", "+[1]", "1 + true", "{} + 1", "{} - 1",
        "'a' < 'b'", "[1] > 1", "true < false", "5 * 2 ~ 'x'", "null and true", "not null", "[] or true", "not {}",
        "[1] ? 1 : 2", "1 < 2 < 3", "5 contains 1", "a[1]", "1..'a'", "'ab'..'c'", "1..2.5", "range(1, 5, 0)", "'a' is odd",
        "2 ** 3", "7 // 2", "1 <> 2", "1 === 1", "a?.b", "a in l", "a not in l", "'a' matches 'b'", "true xor false", "a || b",
        "[1, 2][0]", "{'a': 1}.a", ".5", "1e3", "1_000", "1.", "'a' 'b'", "[1,]", "{'a' 1}", "true ? 1", "? 1 : 2", "a.", "a.1", "a b", "",
        "'y' if true else 'n'", "{[1]: 2}", "is defined", "a is", "a | ", "| upper", "f(a=1, 2)",
    ],
)  # fmt: skip
def test_no_expression(expression: str) -> None:
    with pytest.raises(ExpressionError):
        expr.render("{{ " + expression + " }}", CONTEXT)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{% if 0 %}a{% elseif '' %}b{% elseif 1 %}c{% else %}d{% endif %}", "c"),
        ("{% for x in l %}{{ loop.index }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }} {% endfor %}",
         "0truefalse32 1falsefalse31 2falsetrue30 "),
        ("{% for x in [] %}a{% else %}b{% endfor %}{% for x in n %}c{% else %}d{% endfor %}", "b"),
        ("{% for e in {'x': 1, 'y': 2} %}{{ e.key }}{{ e.value }}{% endfor %}", "x1y2"),
        ("{% for x in l %}{% for y in l %}{{ x }}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
         "1011120;2021221;3031322;"),
        # a set in a loop changes an outer variable; a new one stays inside, but from pass to pass
        ("{% set z = 0 %}{% for x in l %}{% set z = z + x %}{% endfor %}{{ z }}", "6"),
        ("{% for x in l %}{% set y = (y ?? '') ~ x %}{{ y }} {% endfor %}{{ y is defined }}", "1 12 123 false"),
        ("{% for x in l %}{% endfor %}{{ x is defined }}{{ loop is defined }}", "falsefalse"),
        ("{% set s = 'new' %}{{ s }}{% for x in [1] %}{% set s = 'newer' %}{% endfor %}{{ s }}", "newnewer"),
        ("{% if true %}{% set q = 1 %}{% endif %}{{ q }}", "1"),
        # macros see their arguments only, and may be called before they stand there
        ("{{ m(1) }}{% macro m(p, q=2, r) %}{{ p }}{{ q }}{{ r }}{{ s is defined }}{% endmacro %}{{ m(1, r=3) }}", "12false123false"),
        ("{% macro m(p) %}{% if p > 0 %}{{ p }}{{ m(p - 1) }}{% endif %}{% endmacro m %}{{ m(3) | upper }}", "321"),
        ("{% block b %}x{{ a.b }}{% endblock %}-{{ block('b') }}", "x1-x1"),
        ("{% block 'p q' %}x{% endblock 'p q' %}{{ block('p q') | upper }}", "xX"),
        ("{% filter upper | replace({'A': 'o'}) %}a{{ s }}{% endfilter %}", "oTEXT"),
        ("{% verbatim %}{{ a }}{% if %}{% endverbatim %}", "{{ a }}{% if %}"),
        ("a {% raw %} {{ a }} {% endraw %} b", "a  {{ a }}  b"),
        ("a{# {{ b }} {% if #}c", "ac"),
        # white space
        ("a  {{- 1 -}}  b", "a1b"), ("a {{-1}} b", "a -1 b"), ("a {%- if true -%} b {%- endif -%} c", "abc"),
        ("a {#- x -#} b", "ab"), ("{{ 1 }}\n{{ 2 }}\n", "1\n2\n"), ("a\r\n{{ 1 }}\r\n", "a\r\n1\r\n"),
        ("{{\n1\n}}", "1"), ("{%if true%}x{%endif%}", "x"), ("}} %} #}", "}} %} #}"), ("{ {a} %", "{ {a} %"),
        ("{{ '}}' }}{{ '{{' }}", "}}{{"), ("{{ {'a': {'b': 1}} }}", '{"a":{"b":1}}'),
    ],
)  # fmt: skip
def test_template(template: str, text: str) -> None:
    assert expr.render(template, CONTEXT) == text


@pytest.mark.parametrize(
    "template",
    [
        "{% if n %}{% endif %}", "{% if l %}{% endif %}", "{% for x in 'abc' %}{% endfor %}", "{% for x in 3 %}{% endfor %}",
        "{% macro m(p) %}{% endmacro %}{{ m(1, 2) }}", "{% macro m(p) %}{% endmacro %}{{ m(q=2) }}", "{{ block('none') }}",
        "{% set true = 1 %}", "{% for null in l %}{% endfor %}", "{% else %}", "{% if true %}{% endfor %}", "{% if true %}",
        "{% block %}{% endblock %}", "{% filter %}{% endfilter %}", "{% set a %}", "{% set a = %}", "{% for x of l %}{% endfor %}",
        "{% %}", "{% 1 %}", "{{", "{%", "{#", "{{ } }}",
    ],
)  # fmt: skip
def test_no_template(template: str) -> None:
    with pytest.raises(ExpressionError):
        expr.render(template, CONTEXT)


@pytest.mark.usefixtures("utc")
@pytest.mark.parametrize(
    ("value", "text", "json"),
    [
        (None, "", "null"), (True, "true", "true"), (3, "3", "3"), (1.0, "1.0", "1.0"), (1e21, "1.0E21", "1.0E21"),
        (1.5e-7, "1.5E-7", "1.5E-7"), (12345678.9, "1.23456789E7", "1.23456789E7"), (0.001, "0.001", "0.001"), (-0.0, "-0.0", "-0.0"),
        (math.nan, "NaN", '"NaN"'), (math.inf, "Infinity", '"Infinity"'), (10**30, "1" + 30 * "0", "1" + 30 * "0"),
        (Decimal("1.10"), "1.10", "1.10"), (Decimal("1E+3"), "1000", "1000"), ("q\"\\\n", "q\"\\\n", '"q\\"\\\\\\n"'), ("é", "é", '"é"'),
        (Colour.RED, "red", '"red"'), (PurePosixPath("/a/b"), "/a/b", '"/a/b"'), (UUID(int=1), str(UUID(int=1)), f'"{UUID(int=1)}"'),
        ([1, None], "[1,null]", "[1,null]"), ({"a": None, "b": (1, 2)}, '{"b":[1,2]}', '{"b":[1,2]}'), (frozenset({1}), "[1]", "[1]"),
        (datetime(2024, 1, 2, 3, 4, tzinfo=UTC), "2024-01-02T03:04:00Z", '"2024-01-02T03:04:00Z"'),
        (datetime(2024, 1, 2, 3, 4, 5, 120000, tzinfo=UTC), "2024-01-02T03:04:05.120Z", '"2024-01-02T03:04:05.120Z"'),
        (datetime(2024, 1, 2, 3, 4, tzinfo=ZoneInfo("UTC")), "2024-01-02T03:04Z", '"2024-01-02T03:04:00Z"'),
        (datetime(2024, 1, 2, 3, 4, tzinfo=timezone(timedelta(hours=2))), "2024-01-02T03:04+02:00", '"2024-01-02T01:04:00Z"'),
        (datetime(2024, 1, 2, 3, 4, tzinfo=ZoneInfo("Europe/Paris")), "2024-01-02T03:04+01:00[Europe/Paris]", '"2024-01-02T02:04:00Z"'),
        (datetime(2024, 1, 2, 3, 4), "2024-01-02T03:04", '"2024-01-02T03:04:00"'),  # noqa: DTZ001
        (date(2024, 1, 2), "2024-01-02", '"2024-01-02"'), (time(3, 4), "03:04", '"03:04:00"'),
        (timedelta(seconds=90), "PT1M30S", "90.000000000"), (timedelta(0), "PT0S", "0.000000000"),
        (timedelta(days=1, microseconds=1500), "PT24H0.0015S", "86400.001500000"), (-timedelta(minutes=90), "PT-1H-30M", "-5400.000000000"),
    ],
)  # fmt: skip
def test_values_look_as_java_shows_them(value: Any, text: str, json: str) -> None:
    assert expr.render("{{ x }}", {"x": value}) == text
    assert expr.render("{{ x | toJson }}", {"x": value}) == json
