"""Templates that would eat the machine: each ends soon, with ``GOV155`` or another error of ours."""

from __future__ import annotations

import time

import pytest

from jupyter_gov.errors import ExpressionError
from jupyter_gov.lang import expr

LIMITS = expr.Limits(seconds=0.5, characters=1_000_000, items=100_000)
_TENFOLD = "{% set a = [a, a, a, a, a, a, a, a, a, a] %}"
_LAUGHS = "{% set a = ['x', 'x', 'x'] %}" + 12 * _TENFOLD

BOMBS = {
    "a long range": "{{ range(0, 1000000000) }}",
    "a long range by operator": "{{ 0..9223372036854775807 }}",
    "nested loops": "{% for a in 0..99999 %}{% for b in 0..99999 %}{% endfor %}{% endfor %}",
    "loops that write": "{% for a in 0..99999 %}{% for b in 0..999 %}xxxxxxxxxxxx{% endfor %}{% endfor %}",
    "doubling a text": "{% set s = 'xxxxxxxxxx' %}" + 40 * "{% set s = s ~ s %}" + "{{ s | length }}",
    "doubling a text by plus": "{% set s = 'xxxxxxxxxx' %}" + 40 * "{% set s = s + s %}" + "{{ s | length }}",
    "doubling a list": "{% set l = [1] %}{% for i in 0..100 %}{% set l = l + l %}{% endfor %}",
    "doubling a list by merge": "{% set l = [1] %}{% for i in 0..100 %}{% set l = l | merge(l) %}{% endfor %}",
    "a shared list printed": _LAUGHS + "{{ a }}",
    "a shared list as JSON": _LAUGHS + "{{ a | toJson | length }}",
    "a shared list as YAML": _LAUGHS + "{{ a | yaml | length }}",
    "a shared list as Ion": _LAUGHS + "{{ a | toIon | length }}",
    "a shared list joined": _LAUGHS + "{{ a ~ '' }}",
    "a shared list replaced": _LAUGHS + "{{ a | replace({'x': 'y'}) | length }}",
    "a shared list rendered": _LAUGHS + "{{ render(a) | length }}",
    "shared lists compared": _LAUGHS + "{% set b = a %}" + _LAUGHS + "{{ a == b }}",
    "a wide indentation": "{{ 'a\nb' | indent(1000000000) }}",
    "a replacement that grows": "{{ 'aaaaaaaaaa'" + 8 * " | replace({'a': 'aaaaaaaaaa'})" + " }}",
    "a pattern that grows": "{{ 'aaaaaaaaaa'" + 8 * " | replace({'a': 'aaaaaaaaaa'}, true)" + " }}",
    "a number that grows": "{% set n = fromJson('1"
    + 3000 * "0"
    + "') %}{% for i in 0..9 %}{% set n = n * n %}{% endfor %}",
    "a slow pattern": "{{ '" + 40 * "a" + "!' | regexMatch('(a|aa)+$') }}",
    "another slow pattern": "{{ '" + 5000 * "a" + "!' | replace({'(.*a){20}b': 'x'}, regexp=true) }}",
    "sorting again and again": "{% for i in 0..9999 %}{{ range(0, 99999) | rsort | first }}{% endfor %}",
    "all pairs of a list": "{{ range(0, 99999) | distinct | length }}",
    "all pairs of two lists": "{{ range(0, 99999) - range(0, 99999) }}",
    "a long search": "{{ range(0, 99999) contains range(1, 99999) }}",
    "a macro without end": "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(1) }}",
    "a macro that forks": "{% macro m(n) %}{% if n < 35 %}{{ m(n + 1) }}{{ m(n + 1) }}{% endif %}{% endmacro %}{{ m(1) }}",
    "a text that renders itself": "{{ render(itself) }}",
    "a text that doubles itself": "{{ render(twice) }}",
    "two texts that render each other": "{{ render(one) }}",
    "jq that recurses": "{{ [1] | jq('def f: f; f') }}",
    "jq that counts": "{{ [1] | jq('[range(1000000000)]') }}",
    "jq that nests counting": "{{ [1] | jq('[range(99999) | range(99999)]') }}",
    "jq that repeats": "{{ [1] | jq('[repeat(1)]') }}",
    "jq that multiplies texts": "{{ [1] | jq('\"x\" * 1000000000') }}",
    "jq that overflows the stack": "{{ [1] | jq('reduce range(99999) as $i (0;[.])') }}",
    "jq that nests for ever": "{{ [1] | jq('def f: [f]; f') }}",
    "jq that sets a far element": "{{ [1] | jq('.[536870911]=1') }}",
    "jq that doubles": "{{ [1] | jq('reduce range(40) as $i ([1];.+.)') }}",
    "jq that pairs": "{{ [1] | jq('[range(99999)] as $a|[$a[] as $i|$a[] as $j|1]') }}",
    "jq that never steps on": "{{ [1] | jq('[range(nan;10;1e-10)]') }}",
    "jq again and again": "{% for i in 0..99999 %}{{ [1] | jq('[range(99999)]|length') }}{% endfor %}",
    "deep brackets": "{{ " + 5000 * "[" + 5000 * "]" + " }}",
    "deep parentheses": "{{ " + 5000 * "(" + "1" + 5000 * ")" + " }}",
    "many signs": "{{ " + 5000 * "-" + "1 }}",
    "many nots": "{{ " + 5000 * "not " + "true }}",
    "a long sum": "{{ " + 5000 * "1 + " + "1 }}",
    "a long path": "{{ a" + 5000 * ".b" + " }}",
    "many filters": "{{ 'a'" + 5000 * " | upper" + " }}",
    "deep tags": 5000 * "{% if true %}" + 5000 * "{% endif %}",
    "many branches": "{% if false %}" + 5000 * "{% elseif false %}" + "{% endif %}",
    "deep loops": 30 * "{% for a in [1] %}" + 30 * "{% endfor %}",
    "many tags": 20_000 * "{{ 1 }}",
    "a long template": "{{ 1 }}" + 2_000_000 * "x",
    "deep JSON": "{{ fromJson('" + 100_000 * "[" + "') }}",
    "deep YAML": "{{ yaml('" + 100_000 * "[" + "') }}",
    "deep Ion": "{{ fromIon('" + 100_000 * "[" + "') }}",
    "aliases in YAML": "{{ yaml('a: &a [x]\nb: [*a, *a]') }}",
    "unclosed interpolations": '{{ "' + 50_000 * "#{a" + " }}",
    "unclosed texts": "{{ '" + 100_000 * "\\'" + " }}",
    "unclosed comments": 10_000 * "{#",
    "a wide date pattern": "{{ '2024-01-01' | date('" + 100_000 * "y" + "') }}",
    "a wide number pattern": "{{ 1 | numberFormat('" + 100_000 * "0" + "') }}",
    "a number of many digits": "{{ '" + 100_000 * "9" + "' | number }}",
    "a literal of many digits": "{{ " + 100_000 * "9" + " }}",
}
CONTEXT = {"itself": "{{ render(itself) }}", "twice": "{{ twice }} {{ twice }}", "one": "{{ two }}", "two": "{{ one }}"}


@pytest.mark.parametrize("template", BOMBS.values(), ids=BOMBS.keys())
def test_bomb_ends_soon(template: str, host) -> None:  # type: ignore[no-untyped-def]
    started = time.thread_time()
    with pytest.raises(ExpressionError) as raised:
        expr.render(template, CONTEXT, host, limits=LIMITS)
    assert raised.value.code in {"GOV150", "GOV152", "GOV154", "GOV155"}
    # Far above what the limits ask for: only an endless run would fail here.
    assert time.thread_time() - started < 20


def test_limits_hold_over_a_whole_structure() -> None:
    loop = "{% for a in 0..9999 %}{% for b in 0..9 %}x{% endfor %}{% endfor %}"
    with pytest.raises(ExpressionError, match="longer than"):
        expr.render_value([loop] * 10_000, {}, limits=expr.Limits(seconds=0.3))


def test_deep_values_are_refused() -> None:
    value: object = "{{ 1 }}"
    for _ in range(5000):
        value = [value]
    with pytest.raises(ExpressionError) as raised:
        expr.render_value(value, {})
    assert raised.value.code == "GOV155"
    with pytest.raises(ExpressionError):
        expr.render("{{ x }}", {"x": value})


def test_waiting_does_not_count(host) -> None:  # type: ignore[no-untyped-def]
    host.delay = 0.2
    assert expr.render("{{ read('a.txt') }}", {}, host, limits=expr.Limits(seconds=0.05)) == "content"


def test_large_work_within_the_limits_passes() -> None:
    template = "{% for row in rows %}{{ row.id }},{{ row.name | upper }}\n{% endfor %}"
    rows = [{"id": number, "name": f"name {number}"} for number in range(10_000)]
    assert expr.render(template, {"rows": rows}).count("\n") == 10_000
