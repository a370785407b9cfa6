"""The published ways out of Jinja2's sandbox: each is refused, and none reaches a Python object."""

from __future__ import annotations

import os

import pytest

from jupyter_gov.errors import ExpressionError, UndefinedValueError
from jupyter_gov.lang import expr


class Thing:
    """What should never stand in a context, but might."""

    secret = "leaked"

    def method(self) -> str:
        return self.secret


CONTEXT = {"x": "text", "n": 1, "l": [1, 2], "m": {"a": 1}, "thing": Thing(), "module": os, "call": os.getcwd}

WALKS = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    '{{ x["__cl" ~ "ass__"] }}',
    "{{ x.__class__.__base__ }}",
    "{{ l.__class__.__mro__ }}",
    "{{ l.__len__ }}",
    "{{ l.append }}",
    "{{ m.__class__ }}",
    "{{ m.items }}",
    "{{ m.__getitem__ }}",
    "{{ n.real }}",
    "{{ n.__add__ }}",
    "{{ true.__class__ }}",
    "{{ null.__class__ }}",
    "{{ thing.secret }}",
    "{{ thing['secret'] }}",
    "{{ thing.__dict__ }}",
    "{{ thing.method }}",
    "{{ module.environ }}",
    "{{ call.__globals__ }}",
    "{{ missing.__class__ }}",
    "{{ missing.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner.__init__.__globals__.os }}",
    "{{ namespace.__init__.__globals__.os }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ self.__init__.__globals__ }}",
    "{{ self._TemplateReference__context }}",
    "{{ config.items }}",
    "{{ request.application.__globals__ }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ dict.mro }}",
    "{{ range.__class__ }}",
    "{{ __builtins__ }}",
    "{{ environment }}",
    "{{ context }}",
    "{{ undefined }}",
    "{{ s }}",
    "{{ _ }}",
    "{% for a in l %}{{ loop.__class__ }}{% endfor %}",
    "{% for a in l %}{{ loop._iterable }}{% endfor %}",
    "{% for a in l %}{{ loop.cycle }}{% endfor %}",
    "{% for a in x.__class__.__mro__ %}{{ a }}{% endfor %}",
    "{% macro m() %}{{ caller }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ varargs }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ kwargs }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{{ m.__class__ }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{% endmacro %}{{ m.name }}",
    "{% block b %}{{ self.b }}{% endblock %}",
    "{{ super }}",
    "{% set a = x.__class__ %}",
]

CALLS = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ [].__class__ }}",
    "{{ {}.__class__ }}",
    "{{ ''.join(l) }}",
    "{{ x.upper() }}",
    "{{ x.format(thing) }}",
    "{{ '{0.__class__}'.format(x) }}",
    "{{ '{0.__class__.__init__.__globals__}'.format_map(m) }}",
    "{{ '%s' % x }}",
    "{{ '%c' % 1000000000 }}",
    "{{ l.append(3) }}",
    "{{ m.update({'a': 2}) }}",
    "{{ m.pop('a') }}",
    "{{ thing.method() }}",
    "{{ thing() }}",
    "{{ call() }}",
    "{{ module.system('true') }}",
    "{{ cycler() }}",
    "{{ joiner(',') }}",
    "{{ namespace(a=1) }}",
    "{{ lipsum() }}",
    "{{ dict(a=1) }}",
    "{{ super() }}",
    "{{ self() }}",
    "{{ caller() }}",
    "{{ eval('1') }}",
    "{{ exec('1') }}",
    "{{ getattr(x, '__class__') }}",
    "{{ open('/etc/passwd') }}",
    "{{ __import__('os') }}",
    "{{ (x)(1) }}",
    "{{ l[0]() }}",
    "{{ range.__call__(1) }}",
    "{{ gettext('x') }}",
]

FILTERS = [
    f"{{{{ x | {name} }}}}"
    for name in (
        "attr('__class__')",
        "format(thing)",
        "map('attr', '__class__')",
        "map(attribute='__class__')",
        "selectattr('__class__')",
        "rejectattr('__class__')",
        "groupby('__class__')",
        "sum(attribute='__class__')",
        "select",
        "batch(2)",
        "dictsort",
        "pprint",
        "safe",
        "xmlattr",
        "tojson",
        "list",
        "items",
        "random",
        "string.__class__",
        "urlize",
        "forceescape",
        "escape",
        "raw",
    )
]

TAGS = [
    "{% import 'os' as os %}",
    "{% from 'os' import system %}",
    "{% include '/etc/passwd' %}",
    "{% extends '/etc/passwd' %}",
    "{% call m() %}{% endcall %}",
    "{% do l.append(3) %}",
    "{% with a = x %}{{ a }}{% endwith %}",
    "{% autoescape true %}{% endautoescape %}",
    "{% trans %}{% endtrans %}",
    "{% debug %}",
    "{% break %}",
    "{% set m.a = 2 %}",
    "{% set ns = namespace() %}{% set ns.a = 1 %}",
    "{% for a, b in m %}{% endfor %}",
    "{% for a in l recursive %}{{ loop(l) }}{% endfor %}",
    "{% for a in l if a %}{% endfor %}",
    "{% set a %}{{ x }}{% endset %}",
    "{{ x if x else y }}",
    "{{ l[0:1] }}",
    "{{ 1, 2 }}",
    "{{ *l }}",
    "{{ range(*l) }}",
    "{{ range(**m) }}",
    "{{ lambda: 1 }}",
    "{{ `x` }}",
    "{{ x := 1 }}",
    "{{ 2 ** 100000 }}",
    "# for a in l",
]


@pytest.mark.parametrize("template", WALKS)
def test_no_attribute_of_python_has_a_value(template: str) -> None:
    with pytest.raises(UndefinedValueError):
        expr.render(template, CONTEXT)


@pytest.mark.parametrize("template", [*CALLS, *FILTERS])
def test_nothing_of_python_or_jinja2_can_be_called(template: str) -> None:
    with pytest.raises(ExpressionError):
        expr.render(template, CONTEXT)
    assert CONTEXT["l"] == [1, 2]
    assert CONTEXT["m"] == {"a": 1}


@pytest.mark.parametrize("template", TAGS[:-1])
def test_tags_and_syntax_of_jinja2_are_refused(template: str) -> None:
    with pytest.raises(ExpressionError):
        expr.render(template, CONTEXT)


def test_line_statements_are_text() -> None:
    assert expr.render(TAGS[-1] + "{{ n }}", CONTEXT) == TAGS[-1] + "1"


@pytest.mark.parametrize("name", ["thing", "module", "call"])
@pytest.mark.parametrize("form", ["{{ %s }}", "{{ '' ~ %s }}", "{{ [%s] }}", "{{ %s | toJson }}", "{{ %s | upper }}"])
def test_a_python_object_has_no_text(name: str, form: str) -> None:
    with pytest.raises(ExpressionError, match="no text form"):
        expr.render(form % name, CONTEXT)


@pytest.mark.parametrize(
    "text",
    [
        "'); import os; ('",
        '"); import os; ("',
        "\\'); import os #",
        "\n    import os\n",
        "{0.__class__}",
        "%(x)s",
        "\x00raw0\x00",
        "\\x41\\u0041\\N{BULLET}",
        "}} {{",
        "\u2028",
    ],
)
def test_texts_in_a_template_stay_texts(text: str) -> None:
    assert expr.render("{{ x }}", {"x": text}) == text
    literal = text.replace("'", "\\'") if "\\'" not in text else text
    if not text.endswith("\\"):
        expected = text if "\\'" not in text else text.replace("\\'", "'")
        assert expr.render("a{{ '" + literal + "' }}", {}) == "a" + expected
    assert expr.render(text.replace("{{", "").replace("}}", "") + "{{ 1 }}", {}).endswith("1")


def test_keys_win_over_everything() -> None:
    row = {"count": 3, "items": [1], "keys": "k", "values": "v", "__class__": "c", "get": "g", "is": 1, "not": 2}
    template = "{{ row.count }} {{ row.items[0] }} {{ row.keys }} {{ row.values }} {{ row.__class__ }} {{ row.get }}"
    assert expr.render(template + " {{ row.is }}{{ row.not }}", {"row": row}) == "3 1 k v c g 12"


def test_the_context_is_never_changed() -> None:
    context = {"a": 1, "l": [3, 1, 2], "m": {"k": "v"}}
    template = (
        "{% set a = 2 %}{% set b = 1 %}{{ l | sort }}{{ l + 4 }}{{ l | reverse }}{{ m | merge({'x': 1}) }}{{ a }}"
    )
    assert expr.render(template, context) == '[1,2,3][3,1,2,4][2,1,3]{"k":"v","x":1}2'
    assert context == {"a": 1, "l": [3, 1, 2], "m": {"k": "v"}}


@pytest.mark.parametrize(
    "program",
    [
        "env",
        "$ENV",
        "env.PATH",
        '"\\(env)"',
        "$ENV.PATH",
        "[env]",
        "input",
        "inputs",
        "def f: f; f",
        "halt",
        "1) | (env",
        'import "data" as $d {search: "."}; $d',
        'include "data"; .',
        '# a comment\nimport "data" as $d {search: "."}; $d',
        "input_filename",
        "get_search_list",
    ],
)
def test_jq_reaches_nothing_outside(program: str, host, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "data.json").write_text('"leaked"', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOV_TEST_SECRET", "leaked")
    program = program.replace('"."', f'"{tmp_path}"')
    try:
        shown = expr.render("{{ 1 | jq(p) }}", {"p": program}, host)
    except ExpressionError as error:
        shown = str(error)
    assert "leaked" not in shown
    assert "Could not open" not in shown
    assert os.environ["PATH"] not in shown
