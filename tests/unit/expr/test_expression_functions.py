"""Every function, those that reach outside through a small real host."""

from __future__ import annotations

import base64
import re
import sys
from typing import Any

import pytest

from jupyter_gov.errors import ExpressionError, TaskError
from jupyter_gov.lang import expr

LOOP = {
    "outputs": {"t": {"v1": {"w1": {"value": "A"}, "w2": {"value": "B"}}}, "u": {"v1": {"value": "U"}}, "p": {"v1": {"x": 1}}, "q": {"y": 2}},
    "taskrun": {"value": "w2", "iteration": 1},
    "task": {"id": "t"},
    "parent": {"task": {"id": "p"}, "taskrun": {"value": "v1"}},
    "parents": [{"task": {"id": "p"}, "taskrun": {"value": "v1"}}, {"task": {"id": "q"}}],
    "tasks": {"a": {"state": "SUCCESS"}, "b": {"v1": {"state": "FAILED"}, "v2": {"state": "SUCCESS"}}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("fromJson('{\"a\": [1, 2.5, null]}').a", "[1,2.5,null]"), ("json('1') + 1", "2"), ("fromJson(null)", ""),
        ("yaml('a: 1\nb: [x, yes, 2024-01-31, 010, 1.5, ~]')", '{"a":1,"b":["x","yes","2024-01-31",10,1.5,null]}'), ("yaml('')", ""), ("yaml('\"1\"')", "1"),
        ("fromIon('{a: 1, \\'b c\\': [true, null, 1.5e0, sym, \"t\\n\"]}')", '{"a":1,"b c":[true,null,1.5,"sym","t\\n"]}'),
        ("fromIon('{a:1}\n{a:2}', allRows=true)", '[{"a":1},{"a":2}]'), ("fromIon('{a:1}\n{a:2}').a", "1"), ("fromIon('')", ""), ("fromIon(null)", ""),
        ("fromIon('x::{t: 2024-01-02T03:04:05.000Z, d: 2024-01-02, z: ZonedDateTime::\"2024-01-02T03:04:05Z[UTC]\"}')",
         '{"t":"2024-01-02T03:04:05Z","d":"2024-01-02","z":"2024-01-02T03:04:05Z"}'),
        ("fromIon('/* c */ [0x1F, -2, 1d2, {{ YWI= }}, (1 2)] // end')", '[31,-2,100.0,"ab",[1,2]]'),
        ("range(1, 3)", "[1,2,3]"), ("range(5, 1, -2)", "[5,3,1]"), ("range(start='a', end='c')", '["a","b","c"]'), ("range(1, 9, increment=4)", "[1,5,9]"),
        ("max(1, 2.5, 2)", "2.5"), ("min(1, 2.5, 2)", "1"), ("max()", ""), ("max(null, 1)", "1"), ("randomInt(5, 5)", "5"), ("randomInt(5, 6)", "5"),
        ("uuid() | length", "36"), ("id() | regexMatch('^[0-9A-Za-z]{15,22}$')", "true"), ("ksuid() | length", "27"), ("nanoId(length=5) | length", "5"),
        ("nanoId(3, 'a')", "aaa"), ("randomPort() > 49151", "true"), ("decrypt(key, encrypt(key, 'sécret'))", "sécret"),
        ("render('{{ 1 + x }}')", "3"), ("render(nested)", "2"), ("render(nested, recursive=false)", "{{ x }}"), ("renderOnce(nested)", "{{ x }}"),
        ("render(['{{ x }}', {'{{ x }}': 1}])", '["2",{"2":1}]'), ("render(5)", "5"), ("render(null)", ""), ("render('a {% raw %}{{ x }}{% endraw %} {{ x }}')", "a {{ x }} 2"),
        ("printContext().x", "2"), ("fetchContext() | keys | length > 2", "true"),
        # outside
        ("read('a.txt')", "content"), ("fileSize('a.txt')", "7"), ("fileExists('a.txt')", "true"), ("fileExists('none')", "false"), ("isFileEmpty('empty.txt')", "true"),
        ("fileEmpty('a.txt')", "false"), ("fileURI('x.txt')", "kestra:///ns/_files/x.txt"), ("secret('KEY')", "s3cret"), ("secret('JSON', subkey='user')", "u"),
        ("secret('JSON', subkey='list')", "[1]"), ("kv('none') ?? 'd'", "d"), ("kv('k').a", "1"), ("kv('k', 'ns')", "2"), ("kv('none', errorOnMissing=false) ?? 'd'", "d"),
        ("errorLogs() | first | jq('.message') | first", "it broke"), ("now()", "2024-03-05T06:08:09.123456Z"), ("now('yyyy')", "2024"),
        ("now(timeZone='Asia/Tokyo')", "2024-03-05T15:08:09.123456+09:00"), ("now(format='iso_local_date')", "2024-03-05"),
        # dates
        ("dayOfWeek('2024-03-05')", "TUESDAY"), ("dayOfMonth('2024-03-05T23:00:00-05:00')", "5"), ("monthOfYear('2024-03-05')", "3"), ("hourOfDay('2024-03-05T23:00:00')", "23"),
        ("isWeekend('2024-03-09')", "true"), ("isWeekend('2024-03-08')", "false"), ("isDateBefore('2024-01-01T00:00:00Z', '2024-01-01T00:00:00-01:00')", "true"),
        ("isDateAfter('2024-01-01T00:00:00Z', '2024-01-01T00:00:00-01:00')", "false"), ("isDateBetween('2024-01-02T00:00:00Z', '2024-01-01T00:00:00Z', '2024-01-03T00:00:00Z')", "true"),
        ("isDayWeekInMonth('2024-03-05', 'TUESDAY', 'FIRST')", "true"), ("isDayWeekInMonth('2024-03-26', 'tuesday', 'last')", "true"),
        ("isDayWeekInMonth('2024-03-19', 'TUESDAY', 'LAST')", "false"), ("isDayWeekInMonth('2024-03-19', 'MONDAY', 'THIRD')", "false"),
        ("isLastWorkingDay('2024-03-29')", "true"), ("isLastWorkingDay('2024-03-31')", "false"), ("isLastWorkingDay('2024-03-31', 'SUNDAY, MONDAY')", "true"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("utc")
def test_function(expression: str, text: str, host: Any) -> None:
    context = {
        "x": 2,
        "nested": "{{ inner }}",
        "inner": "{{ x }}",
        "key": base64.b64encode(b"0123456789abcdef").decode(),
    }
    assert expr.render("{{ " + expression + " }}", context, host) == text


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("currentEachOutput(outputs.t).value", "B"), ("parentOutput()", '{"x":1}'), ("parentOutput(1)", '{"x":1}'), ("parentOutput(0)", '{"y":2}'),
        ("iterationOutput()", "A"), ("iterationOutput('t', 1)", "B"), ("iterationOutput(taskId='none')", ""),
        ("tasksWithState('success')", '[{"taskId":"a","state":"SUCCESS"},{"taskId":"b","state":"SUCCESS","value":"v2"}]'), ("tasksWithState('KILLED')", "[]"),
    ],
)  # fmt: skip
def test_function_of_the_flow(expression: str, text: str) -> None:
    assert expr.render("{{ " + expression + " }}", LOOP) == text


@pytest.mark.parametrize(
    "expression",
    [
        "fromJson('{bad')", "fromJson('')", "fromJson(1)", "yaml('a: [')", "yaml('a: 1\n---\nb: 2')", "yaml(1)", "yaml('[1]: 2')", "fromIon('{a')", "fromIon('}')", "fromIon(1)",
        "fromIon('{a 1}')", "fromIon('a', allRows='yes')", "range('a', 1)", "range(1.5, 2)", "max('a', 1)", "randomInt(2, 1)", "randomInt('1', 2)",
        "nanoId(-1)", "nanoId(1001)", "nanoId(5, '')", "encrypt('no key', 'x')", "encrypt('YQ==', 'x')", "decrypt('MDEyMzQ1Njc4OWFiY2RlZg==', 'YQ==')",
        "render('{{ missing }}') ?? 'd'", "render('{{ 1 + }}')", "render('{{ 1 / 0 }}')", "render(a)", "render('x', 'yes')", "block(1)", "i18n('b', 'k')",
        "currentEachOutput({})", "currentEachOutput(1)", "parentOutput(5)", "parentOutput('a')", "iterationOutput()", "tasksWithState(1)",
        "read('none')", "read(1)", "read('a.txt', version=1)", "fileSize('none')", "fileURI('a', version=1)", "secret('NONE')", "secret('KEY', 'other')", "secret('KEY', subkey='a')",
        "secret('JSON', subkey='none')", "kv('none', errorOnMissing=true)", "kv(1)", "kv('k', errorOnMissing='no')", "now('bad{')", "now(timeZone='Mars/Base')", "now(locale='xx_YY')",
        "dayOfWeek('soon')", "dayOfWeek(1)", "hourOfDay('2024-03-05')", "isDateBefore('2024-01-01', '2024-01-02T00:00:00Z')", "isDayWeekInMonth('2024-03-05', 'X', 'FIRST')",
        "isDayWeekInMonth('2024-03-05', 'MONDAY', 'FIFTH')", "isLastWorkingDay('2024-03-05', 'X')",
    ],
)  # fmt: skip
def test_function_refuses(expression: str, host: Any) -> None:
    context = {"a": "{{ b }}", "b": "{{ a }}", "parents": [{"taskrun": {"value": "x"}}]}
    with pytest.raises((ExpressionError, TaskError)):
        expr.render("{{ " + expression + " }}", context, host)


@pytest.mark.parametrize(
    "name",
    [
        "now()",
        "secret('a')",
        "kv('a')",
        "read('a')",
        "fileURI('a')",
        "fileSize('a')",
        "fileExists('a')",
        "errorLogs()",
        "ksuid()",
        "'a' | fileRead",
    ],
)
def test_without_a_host_nothing_outside_is_reached(name: str) -> None:
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ " + name + " }}", {})
    assert raised.value.code == "GOV156"


def test_a_changed_ciphertext_is_refused() -> None:
    key = base64.b64encode(b"0123456789abcdef").decode()
    secret = bytearray(base64.b64decode(expr.render("{{ encrypt(k, 'x') }}", {"k": key})))
    secret[-1] ^= 1
    with pytest.raises(ExpressionError, match="not encrypted with this key"):
        expr.render("{{ decrypt(k, s) }}", {"k": key, "s": base64.b64encode(secret).decode()})


@pytest.mark.parametrize(
    ("package", "call"), [("cryptography", "encrypt('YQ==', 'x')"), ("holidays", "isPublicHoliday('2024-01-01', 'FR')")]
)
def test_a_missing_package_is_named(package: str, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in sys.modules if one.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ " + call + " }}", {})
    assert raised.value.code == "GOV157"
    assert re.search(f"pip install {package}", str(raised.value))
