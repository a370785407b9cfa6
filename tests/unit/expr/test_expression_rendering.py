"""The face of the expression language: what is returned, where errors point, what analysis tells."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.errors import ExpressionError, TaskError, UndefinedValueError
from jupyter_gov.lang import expr
from jupyter_gov.lang.expr.environment import ENVIRONMENT
from jupyter_gov.lang.expr.library import FILTERS, FUNCTIONS, TESTS

ROOT = Path(__file__).parents[3]


class Lazy(Mapping[str, Any]):
    """A mapping that makes its values when asked, and notes what it was asked for."""

    def __init__(self, **makers: Any) -> None:
        self._makers = makers
        self.asked: list[str] = []

    def __getitem__(self, key: str) -> Any:
        maker = self._makers[key]
        self.asked.append(key)
        return maker() if callable(maker) else maker

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


def test_text_without_brace_is_returned_as_it_is() -> None:
    text = "plain } text %}"
    assert expr.render(text, {}) is text


def test_only_what_the_template_names_is_made() -> None:
    context = Lazy(inputs={"a": 1}, outputs=lambda: Lazy(task=lambda: Lazy(value=7)), never=lambda: 1 / 0)
    assert expr.render("{{ outputs.task.value }}{{ true ? inputs.a : never }}", context) == "71"
    assert context.asked == ["outputs", "inputs"]


def test_lazy_mappings_are_maps() -> None:
    context = {"m": Lazy(a=1, items=lambda: [2])}
    assert expr.render("{{ m }} {{ m.items[0] }} {{ m is map }} {{ m | length }} {{ m | keys }}", context) == (
        '{"a":1,"items":[2]} 2 true 2 ["a","items"]'
    )
    assert expr.render("{% for e in m %}{{ e.key }}={{ e.value }} {% endfor %}", context) == "a=1 items=[2] "
    assert expr.render("{{ m == {'a': 1, 'items': [2]} }}{{ printContext() }}", context).startswith("true")
    assert expr.render("{{ render('{{ m.a }}') }}", Lazy(**context)) == "1"


def test_render_value_keeps_what_is_no_text() -> None:
    value = {"{{ k }}": ["{{ n }}", 1, None, True, {"deep": ("{{ n }}",)}], "plain": 2.5}
    assert expr.render_value(value, {"k": "key", "n": 3}) == {
        "key": ["3", 1, None, True, {"deep": ["3"]}],
        "plain": 2.5,
    }


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ n }}", 3),
        ("{{ n > 1 }}", True),
        ("{{ l }}", [1]),
        ("{{ m }}", {"a": None}),
        ("{{ null }}", None),
        ("{{- n -}}", 3),
        (" {{ n }}", " 3"),
        ("{{ n }}{{ n }}", "33"),
        ("{% if true %}{{ n }}{% endif %}", "3"),
        ("plain", "plain"),
        ("{# nothing #}", ""),
    ],
)
def test_typed(template: str, value: Any) -> None:
    outcome = expr.render_typed(template, {"n": 3, "l": [1], "m": {"a": None}})
    assert outcome == value
    assert type(outcome) is type(value)


def test_typed_can_refuse_more_than_one_expression() -> None:
    with pytest.raises(ExpressionError):
        expr.render_typed("{{ 1 }}{{ 2 }}", {}, single=True)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ n }}", 3),
        ("{% if true %}{{ n }}{% endif %}", 3),
        ("{% set x = n + 1 %}{{ x }}", 4),
        ("{{ s }} text", "s text"),
        ("{{ null }}{{ n }}", 3),
        ("{# nothing #}", None),
        ("{% macro m() %}{{ n ?? 1 }}{{ 2 }}{% endmacro %}{{ m() }}", "12"),
        ("{% filter upper %}a{{ n }}{% endfilter %}", "A3"),
        ("{{ n }} text", ExpressionError),
        ("text {{ s }}", ExpressionError),
        ("{% for i in [1, 2] %}{{ i }}{% endfor %}", ExpressionError),
    ],
)
def test_typed_as_kestra_does(template: str, value: Any) -> None:
    context = {"n": 3, "s": "s"}
    if value is ExpressionError:
        with pytest.raises(ExpressionError, match="one value"):
            expr.render_typed(template, context, single=True)
    else:
        assert expr.render_typed(template, context, single=True) == value


@pytest.mark.parametrize(
    ("text", "yes"),
    [(None, False), ("", False), ("false", False), ("0", False), ("-0", False), (" ", False), ("false\n", False)]
    + [(text, True) for text in ("true", "1", "no", "FALSE", "0.0", "null", "[]", "-1", "x")],
)
def test_truthy(text: str | None, yes: bool) -> None:
    assert expr.is_truthy(text) is yes


@pytest.mark.parametrize(
    ("template", "name", "line", "column"),
    [
        ("{{ missing }}", "missing", 1, 4),
        ("a\n  {{ a.b }}", "b", 2, 8),
        ("{{ a['x y'].z }}", "x y", 1, 5),
        ("{{ l[3] }}", "3", 1, 5),
        ("{{ l[-1] }}", "-1", 1, 5),
        ("{{ n.x }}", "n", 1, 4),
        ("{{ a.n.x }}", "x", 1, 8),
        ("{{ 'x' ~ missing }}", "missing", 1, 10),
        ('{{ "#{1}\n#{missing}" }}', "missing", 2, 3),
        ("{% if missing %}{% endif %}", "missing", 1, 7),
        ("{% for i in missing %}{% endfor %}", "missing", 1, 13),
        ("{% set b = missing %}", "missing", 1, 12),
        ("{{ missing | upper }}", "missing", 1, 4),
        ("{{ max(1, missing) }}", "missing", 1, 11),
        ("{{ a[missing] }}", "missing", 1, 6),
    ],
)
def test_undefined_names_the_part_and_its_place(template: str, name: str, line: int, column: int) -> None:
    with pytest.raises(UndefinedValueError) as raised:
        expr.render(template, {"a": {"n": None}, "l": [1], "n": None})
    error = raised.value
    assert f"Unable to find `{name}` used in the expression" in error.message
    assert f"at line {line}" in error.message
    assert error.location is not None
    assert (error.location.line, error.location.column) == (line, column)


@pytest.mark.parametrize(
    ("template", "code", "line", "column", "says"),
    [
        ("{{ 1 + }}", "GOV152", 1, 8, "value"),
        ("{{ (1 }}", "GOV152", 1, 7, "`(` is not closed"),
        ("{{ 'a }}", "GOV152", 1, 4, "never closed"),
        ("x\n{{ a", "GOV152", 2, 1, "`{{` is never closed"),
        ("{{ a) }}", "GOV152", 1, 5, "closes nothing"),
        ("{{ a && b }}", "GOV152", 1, 6, "Write `and`"),
        ("{{ !a }}", "GOV152", 1, 4, "Write `not`"),
        ("{{ a.b-c['d e'].'f' }}", "GOV152", 1, 17, "brackets"),
        ("{% if a %}x", "GOV152", 1, 4, "`{% endif %}` is missing"),
        ("{% endif %}", "GOV152", 1, 4, "closes nothing"),
        ("{% fro x in y %}{% endfor %}", "GOV153", 1, 4, "Did you mean `for`?"),
        ("{{ x | uper }}", "GOV153", 1, 8, "Did you mean `upper`?"),
        ("{{ x | fromJson }}", "GOV153", 1, 8, "is a function: write `fromJson(…)`"),
        ("{{ x | dateFormat('y') }}", "GOV153", 1, 8, "Write `date`"),
        ("{{ upper(x) }}", "GOV153", 1, 4, "is a filter: write `… | upper`"),
        ("{{ http('https://x') }}", "GOV153", 1, 4, "http.Request"),
        ("{{ secrets('X') }}", "GOV153", 1, 4, "Did you mean `secret`?"),
        ("{{ x is emtpy }}", "GOV153", 1, 9, "Did you mean `empty`?"),
        ("{{ x | join(', ', 2) }}", "GOV154", 1, 8, "too many"),
        ("{{ x | join(seperator=',') }}", "GOV154", 1, 13, "Did you mean `separator`?"),
        ("{{ x | chunk }}", "GOV154", 1, 8, "needs the argument `size`"),
        ("{{ x | chunk(1, size=2) }}", "GOV154", 1, 17, "twice"),
        ("{{ fromJson() }}", "GOV154", 1, 4, "needs the argument `json`"),
        ("{# open", "GOV152", 1, 1, "never closed"),
        ("echo ${#NAME}", "GOV152", 1, 7, "{% raw %}"),
        ("{% raw %}x", "GOV152", 1, 1, "endraw"),
        ("{% verbatim %}x", "GOV152", 1, 1, "endverbatim"),
        ("{{ 99999999999999999999 }}", "GOV152", 1, 4, "below"),
    ],
)
def test_mistakes_are_found_before_rendering(template: str, code: str, line: int, column: int, says: str) -> None:
    error = expr.syntax_error(template)
    assert error is not None
    assert error.code == code
    assert says in str(error)
    assert error.location is not None
    assert (error.location.line, error.location.column) == (line, column)
    with pytest.raises(ExpressionError):
        expr.render(template, {"a": 1, "b": 1, "x": "x"})


@pytest.mark.parametrize("template", ["plain", "{{ a }}", "{{ missing.b | upper }}", "{% if a %}{% endif %}", "{ a }"])
def test_no_mistake(template: str) -> None:
    assert expr.syntax_error(template) is None


def test_a_failing_filter_points_at_itself() -> None:
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ a }}\n{{ 'x' | number }}", {"a": 1})
    assert str(raised.value.location) == "2:10"
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ a }}\n  {{ a * 'x' }}", {"a": 1})
    assert str(raised.value.location) == "2:3"


def test_errors_of_the_host_pass_unchanged(host: Any) -> None:
    with pytest.raises(TaskError, match="no file"):
        expr.render("{{ read('nothing') ?? 'd' }}", {}, host)


def test_context_that_python_cannot_compute_with() -> None:
    with pytest.raises(ExpressionError):
        expr.render("{{ x * 1.5 }}", {"x": 10**400})


@pytest.mark.parametrize(
    ("template", "paths"),
    [
        ("plain", set()),
        ("{{ outputs.a.value }}", {("outputs", "a", "value")}),
        ("{{ outputs['a-b'][0]['c'].d }}", {("outputs", "a-b", "0", "c", "d")}),
        ("{{ outputs[inputs.k].v }}", {("outputs",), ("inputs", "k")}),
        ("{{ a ?? b.c | default(d) }}", {("a",), ("b", "c"), ("d",)}),
        ("{{ x is defined ? x.y : 'z' }}", {("x",), ("x", "y")}),
        ("{{ fromJson(v).k }} {{ now() }}", {("v",)}),
        ('{{ "a #{b.c} d" }}', {("b", "c")}),
        ("{% for i in items.list %}{{ i.x }}{{ loop.index }}{% endfor %}", {("items", "list")}),
        ("{% set t = vars.x %}{{ t.y }}", {("vars", "x")}),
        ("{% macro m(p, q=r.s) %}{{ p }}{% endmacro %}{{ m(t) }}", {("r", "s"), ("t",)}),
        ("{% raw %}{{ hidden }}{% endraw %}{# {{ comment }} #}", set()),
        ("{{ 'text {{ not }}' }}", set()),
        ("{{ {'k': v, w: 1}.k ?? 1 }}", None),
        ("{{ ({'k': v}).k }}{{ [l.m] }}{{ -n }}{{ a..b }}{{ c contains d }}", {("v",), ("l", "m"), ("n",), ("a",), ("b",), ("c",), ("d",)}),
    ],
)  # fmt: skip
def test_references(template: str, paths: set[tuple[str, ...]] | None) -> None:
    if paths is None:
        with pytest.raises(ExpressionError):
            expr.references(template)
    else:
        assert expr.references(template) == paths


def test_warnings_give_the_corrected_form() -> None:
    template = "{{ outputs['run-agent'].files['a.txt'] | fileRead | nl2br }}"
    found = {advice.name: advice for advice in expr.warnings(template)}
    assert found.keys() == {"fileRead", "nl2br"}
    assert "write the function `read(outputs['run-agent'].files['a.txt'])`" in found["fileRead"].message
    assert "replace(" in found["nl2br"].message
    assert found["fileRead"].location.column == template.index("fileRead") + 1
    assert expr.warnings("{{ read('x') }} plain") == []
    assert expr.warnings("plain") == []


def test_published_filters_work(host: Any) -> None:
    host.files["mail"] = 'Hello <b>you</b> & "me"\r\nbye'
    assert expr.render("{{ 'mail' | fileRead | nl2br }}", {}, host) == (
        "Hello &lt;b&gt;you&lt;/b&gt; &amp; &quot;me&quot;<br />\nbye"
    )
    assert expr.render("{{ null | fileRead | nl2br }}", {}, host) == ""


def test_templates_are_compiled_once() -> None:
    template = "{{ compiled.once.only }}"
    assert ENVIRONMENT.compiled(template) is ENVIRONMENT.compiled(template)


def test_every_code_is_explained() -> None:
    code = re.compile(r"GOV15\d")
    files = (ROOT / "jupyter_gov" / "lang" / "expr").glob("*.py")
    used = {found for path in files for found in code.findall(path.read_text(encoding="utf-8"))} - {"GOV15x"}
    text = (ROOT / "jupyter_gov" / "docs" / "errors" / "expr.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (GOV\d{3}) .", text, flags=re.MULTILINE) == sorted(used)


def test_everything_says_what_it_does() -> None:
    for table in (FILTERS, FUNCTIONS, TESTS):
        for name, target in table.items():
            assert target.run.__doc__, name


def test_the_names_of_the_reference_exist() -> None:
    filters = """abs abbreviate base64encode base64decode capitalize date default first join last length lower merge
        numberFormat rsort reverse replace sha256 slice sort split title trim upper urlencode chunk className dateAdd
        timestamp timestampNano timestampMicro timestampMilli escapeChar flatten indent nindent jq keys values number
        toJson json toIon yaml md5 sha1 sha512 slugify startsWith endsWith substringBefore substringBeforeLast
        substringAfter substringAfterLast urldecode distinct string regexMatch regexReplace regexExtract fileRead
        nl2br"""
    functions = """now json fromJson yaml fromIon render renderOnce secret kv read fileURI fileSize currentEachOutput
        encrypt decrypt errorLogs printContext fetchContext uuid id randomInt max min range block i18n randomPort
        fileExists isFileEmpty fileEmpty tasksWithState iterationOutput parentOutput ksuid nanoId isWeekend
        isPublicHoliday dayOfWeek dayOfMonth monthOfYear hourOfDay isDateBefore isDateAfter isDateBetween
        isLastWorkingDay isDayWeekInMonth"""
    assert set(filters.split()) <= FILTERS.keys()
    assert set(functions.split()) <= FUNCTIONS.keys()
    assert {"defined", "null", "empty", "even", "odd", "iterable", "map", "json"} == TESTS.keys()


@pytest.mark.parametrize(
    "template",
    ["{{ fromJson(bad) }}", "a {{ [fromJson(bad)] | first }}", "{{ half }}", "{{ yaml(half) }}", "{{ yaml(bad) }}", "{{ yaml(big) }}"],
)  # fmt: skip
def test_half_a_character_is_no_result(template: str) -> None:
    context = {"half": "\ud800", "bad": r'"\ud800"', "big": r'"\UFFFFFFFF"'}
    with pytest.raises(ExpressionError) as raised:
        expr.render(template, context)
    assert raised.value.code == "GOV150"
    str(raised.value).encode()
