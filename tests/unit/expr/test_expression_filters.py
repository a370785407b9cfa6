"""Every filter with what it gives and what it refuses."""

from __future__ import annotations

import pytest

from jupyter_gov.errors import ExpressionError
from jupyter_gov.lang import expr

CONTEXT = {"text": "first\nsecond", "m": {"b": 1, "a": [1, {"x": None}]}, "big": 9223372036854775807}


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("'aBc' | upper", "ABC"), ("'aBc' | lower", "abc"), ("[1, 'a'] | upper", "[1, A]"), ("true | upper", "TRUE"),
        ("'hello wide  world' | title", "Hello Wide  World"), ("' hello you' | capitalize", " Hello you"), ("'' | capitalize", ""),
        ("'  a\t\n ' | trim", "a"), ("'abcdef' | abbreviate(5)", "ab..."), ("'abc' | abbreviate(2)", "abc"), ("'abcdef' | abbreviate(2)", "ab"),
        ("'abcde' | abbreviate(6)", "abcde"), ("'abcde' | abbreviate(5)", "ab..."),
        ("'a.b' | replace({'.': '-'})", "a-b"), ("['a', {'k': 'a', 'n': 1}] | replace({'a': 'b'})", '["b",{"k":"b","n":"1"}]'),
        (r"'aa1b22' | replace({'(\d+)': '<$1>'}, regexp=true)", "aa<1>b<22>"), (r"'ab' | replace({'(?<x>a)': '${x}${x}\$'}, true)", "aa$b"),
        ("'a,b,,c,,' | split(',')", '["a","b","","c"]'), ("'a,b,c' | split(',', 2)", '["a","b,c"]'), ("'a1b22c' | split('[0-9]+')", '["a","b","c"]'),
        ("'a.b' | split('.')", '[""]'), (r"'a.b' | split('\.')", '["a","b"]'), ("'abc' | split('')", '["a","b","c"]'), ("'' | split(',')", '[""]'),
        ("'a,b,,' | split(',', -1)", '["a","b","",""]'),
        ("'abc' | startsWith('ab')", "true"), ("'abc' | endsWith('b')", "false"), ("12 | startsWith(1)", "true"),
        ("'a.b.c' | substringBefore('.')", "a"), ("'a.b.c' | substringBeforeLast('.')", "a.b"), ("'a.b.c' | substringAfter('.')", "b.c"),
        ("'a.b.c' | substringAfterLast('.')", "c"), ("'abc' | substringBefore('x')", "abc"), ("'abc' | substringAfter('x')", ""),
        ("text | indent(2)", "first\n  second"), ("text | nindent(1, '->')", "\n->first\n->second"), ("'' | nindent(2)", ""), ("1 | indent(2)", "1"),
        ("'Crème  Brûlée_x*' | slugify", "creme-brulee-x"), ('"it\'s" | escapeChar(\'single\')', "it\\'s"), ("'\"' | escapeChar('double')", '\\"'),
        ('"it\'s" | escapeChar(\'SHELL\')', "it'\\''s"), ("12.5 | string", "12.5"), ("{'a': 1} | string", '{"a":1}'), ("'x' | string", "x"),
        ("'order-12' | regexMatch('[0-9]')", "true"), ("'order' | regexMatch('^[0-9]')", "false"), (r"'a1' | regexReplace('\d', '[$0]')", "a[1]"),
        (r"'order-12-x' | regexExtract('(\w+)-(\d+)', group=2)", "12"), ("'x' | regexExtract('y')", ""), (r"'a.b+' | regexMatch('\Q.b+\E')", "true"),
        (r"'é1' | regexReplace('\w', 'x')", "éx"), (r"'a b' | regexMatch('[\s]')", "true"), (r"'aXa' | regexMatch('(?<c>a)X\k<c>\z')", "true"),
        # lists and maps
        ("[1, 2] | first", "1"), ("[1, 2] | last", "2"), ("[] | first", ""), ("'abc' | first", "a"), ("[1, 'a', null] | join('-')", "1-a-null"),
        ("[1, 2] | join", "12"), ("m | length", "2"), ("5 | length", "0"), ("null | length", "0"), ("'abc' | length", "3"),
        ("{'a': 1} | merge({'a': 2, 'b': 3})", '{"a":2,"b":3}'), ("[1] | merge([2])", "[1,2]"), ("null | merge([2])", "[2]"), ("{} | merge(['x'])", '{"x":"x"}'),
        ("[3, 1.5, 2] | sort", "[1.5,2,3]"), ("['b', 'a', 'C'] | rsort", '["b","a","C"]'), ("[1, 2] | reverse", "[2,1]"), ("'abcd' | slice(1, 3)", "bc"),
        ("[1, 2, 3] | slice(1)", "[2,3]"), ("[1, 2, 3] | slice(fromIndex=0, toIndex=1)", "[1]"), ("[1, 2, 3] | chunk(2)", "[[1,2],[3]]"),
        ("[1, [2, [3]]] | flatten", "[1,2,[3]]"), ("m | keys", '["b","a"]'), ("[5, 6] | keys", "[0,1]"), ("m | values | first", "1"),
        ("[1, 1.0, 1, 'a', 'a', [1], [1]] | distinct", '[1,1.0,"a",[1]]'), ("missing | default('d')", "d"), ("0 | default('d')", "0"),
        # numbers
        ("-5 | abs", "5"), ("-5.5 | abs", "5.5"), ("'12' | number + 1", "13"), ("'1.5' | number", "1.5"), ("'1e3' | number", "1000.0"), ("'0x1F' | number", "31"),
        ("'-7' | number('INT')", "-7"), ("'7' | number('DOUBLE')", "7.0"), ("'99999999999999999999' | number('BIGINTEGER')", "99999999999999999999"),
        ("'1.10' | number('BIGDECIMAL')", "1.1"), ("1234567.891 | numberFormat('#,##0.00')", "1,234,567.89"), ("0.5 | numberFormat('#.##')", "0.5"),
        ("0.125 | numberFormat('0.00')", "0.12"), ("5 | numberFormat('000')", "005"), ("0.256 | numberFormat('0.0%')", "25.6%"), ("1234.5 | numberFormat", "1,234.5"),
        ("1 | className", "java.lang.Long"), ("'x' | className", "java.lang.String"), ("[] | className", "java.util.ArrayList"),
        # other notations
        ("m | toJson", '{"b":1,"a":[1,{}]}'), ("'a\"b' | json", '"a\\"b"'), ("m | yaml", "b: 1\na:\n - 1\n - x: null\n"), ("null | yaml", "null"),
        ("{'a': {'b': [[1, 2], {'c': 1, 'd': 2}]}, 'e': ''} | yaml", 'a:\n  b:\n   - - 1\n     - 2\n   - c: 1\n     d: 2\ne: ""\n'),
        ("{'a': 'x: y', 'b': 'true', 'c': '12', 'd': '# no', 'e': 'a\nb\n'} | yaml", 'a: "x: y"\nb: "true"\nc: 12\nd: "# no"\ne: |\n  a\n  b\n'),
        ("{'a-b': [1, 'x', null, true], 'c': 1.5} | toIon", "{'a-b':[1,\"x\",null,true],c:1.5e0}"), ("m | jq('.a[0]')", "[1]"), ("m | jq('.. | numbers')", "[1,1]"),
        ("'{\"env\": 1}' | jq('.env')", "[1]"), ("m | jq('[.a[] | objects] | length') | first", "1"), ("null | jq('.')", ""),
        ("'é' | base64encode", "w6k="), ("'w6k=' | base64decode", "é"), ("'w6k' | base64decode", "é"), ("'a b&c=ü/~*' | urlencode", "a+b%26c%3D%C3%BC%2F%7E*"),
        ("'a+b%26' | urldecode", "a b&"), ("'hello' | md5", "5d41402abc4b2a76b9719d911017c592"), ("'hello' | sha1", "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"),
        ("'hello' | sha256", "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"), ("'hello' | sha512 | length", "128"),
    ],
)  # fmt: skip
def test_filter(expression: str, text: str, host) -> None:  # type: ignore[no-untyped-def]
    assert expr.render("{{ " + expression + " }}", CONTEXT, host) == text


@pytest.mark.parametrize(
    "name",
    "abbreviate(3) base64decode base64encode capitalize chunk(1) date dateAdd(1,'DAYS') distinct|first escapeChar('single') first flatten"
    " indent(1) join(',') jq('.') keys last lower md5 nindent(1) number numberFormat regexExtract('x') regexReplace('x','y')"
    " replace({'a':'b'}) reverse rsort sha1 sha256 sha512 slice(1) slugify sort split(',') string substringAfter('x')"
    " substringAfterLast('x') substringBefore('x') substringBeforeLast('x') timestamp timestampMicro timestampMilli"
    " timestampNano title trim upper urldecode urlencode values".replace("distinct|first ", "").split(),
)
def test_null_gives_null(name: str) -> None:
    assert expr.render("{{ null | " + name + " }}", {}) == ""


@pytest.mark.parametrize(
    "expression",
    [
        "1 | trim", "1 | capitalize", "[] | title", "1 | split(',')", "'a' | split(1)", "'a' | split('(')", "'a' | abbreviate(-1)", "'a' | abbreviate('1')",
        "null | abs", "'a' | abs", "'' | first", "1 | first", "'a' | join", "'a' | reverse", "'a' | sort", "[1, 'a'] | sort", "[{}, {}] | sort", "{} | first",
        "'abc' | slice(-1)", "'abc' | slice(2, 2)", "'abc' | slice(0, 9)", "'abc' | slice('0')", "1 | slice(0)", "[1] | chunk(0)", "[1] | chunk('1')",
        "'a' | chunk(1)", "'a' | flatten", "'a' | keys", "1 | values", "'a' | distinct", "null | merge(null)", "1 | merge([1])", "[1] | merge(1)", "{} | merge(1)",
        "'x' | number", "12 | number", "'3000000000' | number('INT')", "'1.5' | number('LONG')", "'' | number", "'1_0' | number", "'x' | numberFormat('#')",
        "1 | numberFormat('0.0.0')", "1 | numberFormat(1)", "'x' | escapeChar('html')", "'x' | escapeChar(1)", "'x' | indent(-1)", "'x' | indent('2')",
        "'x' | indent(1, 2)", "'x' | replace('a')", "'x' | replace({'a': 'b'}, regexp='yes')", "'x' | replace({'(': 'b'}, regexp=true)",
        "'x' | replace({'x': '$9'}, regexp=true)", "'x' | replace({'x': '$'}, regexp=true)", "'x' | replace({'x': '${y}'}, regexp=true)", "'x' | regexMatch(1)",
        "'x' | regexExtract('x', group=1)", "'x' | regexExtract('x', group='a')", "null | startsWith('a')", "'a' | startsWith(null)", "'a' | substringAfter(1)",
        "'%%%' | base64decode", "'/w==' | base64decode", "1 | base64encode", "1 | urlencode", "1 | urldecode", "'{' | jq('.')", "1 | jq('.[')", "1 | jq(1)",
        "'a' | jq('.')", "[1] | jq('.a')", "1 | jq('error(\"x\")')",
    ],
)  # fmt: skip
def test_filter_refuses(expression: str, host) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ExpressionError) as raised:
        expr.render("{{ " + expression + " }}", CONTEXT, host)
    assert raised.value.code in {"GOV150", "GOV154"}
    assert raised.value.location is not None
