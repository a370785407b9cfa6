"""Mutations of texts and structures, and YAML that was written to do harm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from tests.bad_input.fuzz import expressions
from tests.bad_input.fuzz.grown import NASTY

HEAD = "id: f\nnamespace: n\n"
LOG = "tasks:\n  - id: t\n    type: io.kestra.plugin.core.log.Log\n    message: hi\n"
_INSERTED = [
    "\t", "\x00", "\x07", "\x1b[2J", "\u202e", "\ufeff", "\u2028", "\x85", "'", '"', ": ", "- ", "#", "&a ", "*a", "!!set ", "!x ",
    "|\n", ">-\n", "{", "}", "[", "]", "%YAML 1.1\n", "---\n", "...\n", "? ", "<<: *a\n", "{{ ", " }}", "\\", "@", "`", "\r", "\r\n",
]  # fmt: skip


def structure(rng: Random, flow: Any) -> Any:
    """Return a copy of a flow in which some places hold something else."""
    made = deepcopy(flow)
    for _ in range(rng.choice([1, 1, 2, 3])):
        places = list(_places(made))
        if not places:
            break
        holder, key = rng.choice(places)
        _change(rng, holder, key, places)
    return made


def _places(value: Any) -> Any:
    stack, seen = [value], set()
    while stack:
        one = stack.pop()
        if id(one) in seen:  # an anchor within itself
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            for key, inner in one.items():
                yield one, key
                stack.append(inner)
        elif isinstance(one, list):
            for at, inner in enumerate(one):
                yield one, at
                stack.append(inner)


def _change(rng: Random, holder: Any, key: Any, places: Sequence[tuple[Any, Any]]) -> None:
    match rng.randrange(8):
        case 0:
            del holder[key]
        case 1:
            holder[key] = rng.choice(NASTY)
        case 2 | 3:
            holder[key] = expressions.sound(rng)
        case 4:
            other, name = rng.choice(places)
            if name in other if isinstance(other, dict) else name < len(other):
                holder[key] = deepcopy(other[name])
        case 5 if isinstance(holder, list):
            holder.insert(key, deepcopy(holder[key]))
        case 6 if isinstance(holder, dict):
            holder[rng.choice([f"{key}s", str(key).upper(), "x", str(key)[::-1] or "y"])] = holder.pop(key)
        case _:
            holder[key] = rng.choice([[holder[key]], {"a": holder[key]}, str(holder[key])])


def text(rng: Random, source: str) -> str:
    """Return a text with some lines or characters changed."""
    lines = source.splitlines(keepends=True) or [""]
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at = rng.randrange(len(lines))
        match rng.randrange(9):
            case 0:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 1 if len(lines) > 1:
                del lines[at]
            case 2:
                lines[at] = " " * rng.randint(1, 3) + lines[at]
            case 3:
                lines[at] = lines[at].removeprefix("  ")
            case 4 if ":" in lines[at]:
                name = lines[at].partition(":")[0]
                value = rng.choice(
                    ["", "null", "[]", "{}", "-1", "1e999", "'x'", "yes", "0o17", "2026-01-01", "{{ x }}", "|"]
                )
                lines[at] = f"{name}: {value}\n"
            case 5 if ":" in lines[at]:
                quoted = expressions.template(rng).replace("'", "''").replace("\n", " ")
                lines[at] = f"{lines[at].partition(':')[0]}: '{quoted}'\n"
            case 6:
                place = rng.randint(0, len(lines[at]))
                lines[at] = lines[at][:place] + rng.choice(_INSERTED) + lines[at][place:]
            case 7:
                place = rng.randint(0, len(lines[at]))
                lines[at] = lines[at][:place] + lines[at][place + 1 :]
            case _:
                other = rng.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
    return "".join(lines)


def hostile(rng: Random) -> str:
    """Return a text that is out to use up time, memory or the parser's patience."""
    return rng.choice(_HOSTILE)(rng)


def noise(rng: Random) -> str:
    """Return characters that mean nothing."""
    pool = "abc:-#&*!|>'\"%@`{}[],? \n\t\\0123.\u00e9\u202e\U0001f600\x00\x1b\x85\ufffe"
    return "".join(rng.choice(pool) for _ in range(rng.randint(0, 400)))


def _laughs(rng: Random) -> str:
    width, depth = rng.randint(2, 9), rng.randint(5, 60)
    lines = ["variables:", "  a0: &a0 [x, x]"]
    lines += [f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return HEAD + "\n".join(lines) + "\n" + LOG


def _deep(rng: Random) -> str:
    opening, closing = rng.choice([("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")])
    count = rng.choice([50, 99, 101, 500, 5000, 50_000])
    return HEAD + "variables:\n  x: " + opening * count + closing * rng.choice([0, count]) + "\n" + LOG


def _indented(rng: Random) -> str:
    count = rng.choice([60, 120, 600])
    return HEAD + "variables:\n" + "".join(" " * (n + 1) + f"k{n}:\n" for n in range(count)) + LOG


def _tags(rng: Random) -> str:
    tag = rng.choice(["!!python/object/apply:os.system", "!!binary", "!!timestamp", "!!set", "!!omap", "!!pairs", "!!float",
                      "!!int", "!!null", "!!merge", "!!value", "!", "!a!b", "!<tag:x>", "!!str", "!!map", "!!seq", "!!bool"])  # fmt: skip
    value = rng.choice(["x", "[a]", "{a: b}", "''", "1", "2026-99-99", "====", "~", "0b2", ".nan"])
    return HEAD + f"description: {tag} {value}\n" + LOG


def _numbers(rng: Random) -> str:
    number = rng.choice(
        [
            "9" * 5000,
            "1e" + "9" * 20,
            "0x" + "f" * 4000,
            "-.inf",
            ".nan",
            "1_0" * 50,
            "0o" + "7" * 3000,
            "1." + "0" * 9000,
        ]
    )
    where = rng.choice(["revision", "variables", "description", "labels", "concurrency"])
    value = (
        f"{{x: {number}}}"
        if where in {"variables", "labels"}
        else f"{{limit: {number}}}"
        if where == "concurrency"
        else number
    )
    return HEAD + f"{where}: {value}\n" + LOG


def _anchors(rng: Random) -> str:
    return HEAD + rng.choice(
        [
            "variables: &v\n  x: *v\n",
            "variables: {a: &a {b: &b [*a, *b]}}\n",
            "variables: {a: *nobody}\n",
            "variables: {a: &a 1, b: &a 2, c: *a}\n",
            "variables:\n  a: &a {x: 1}\n  <<: *a\n  b: {<<: [*a, *a]}\n",
            "variables: {? &k [1, 2] : x, ? {a: b} : c}\n",
            "&id id2: x\n*id : y\n",
            "variables:\n" + "".join(f"  a{n}: &x{n} v\n  b{n}: *x{n}\n" for n in range(2000)),
        ]
    ) + LOG  # fmt: skip


def _characters(rng: Random) -> str:
    odd = rng.choice(["\x00", "\x07", "\x1b[31m", "\x7f", "\x85", "\ufeff", "\ufffe", "\u200b", "\u202e", "\u2066", "\ud800", "\U0010ffff",
                      "a\u0300" * 500, "\\ud800", "\\x00", "\\UFFFFFFFF", "\u2028", "👩‍👩‍👧"])  # fmt: skip
    return rng.choice(
        [
            f'{HEAD}description: "{odd}"\n{LOG}',
            f"{HEAD}{odd}: x\n{LOG}",
            f"id: f{odd}\nnamespace: n\n{LOG}",
            f"{HEAD}{LOG}    # {odd}\n",
            f"{odd}{HEAD}{LOG}",
            f"{HEAD}labels:\n  '{odd}': '{odd}'\n{LOG}",
        ]
    )


def _large(rng: Random) -> str:
    return rng.choice(
        [
            HEAD + "description: " + "x" * rng.choice([100_000, 999_000, 2_000_000]) + "\n" + LOG,
            HEAD + "variables:\n" + "".join(f"  k{n}: v\n" for n in range(20_000)) + LOG,
            HEAD
            + "tasks:\n"
            + "".join(f"  - id: t{n}\n    type: io.kestra.plugin.core.log.Log\n    message: m\n" for n in range(1000)),
            HEAD + "tasks: [" + "{}, " * 5000 + "]\n",
            HEAD + "tasks:\n" + "  - wrong\n" * 5000,
            HEAD + "k: 1\n" * 20_000 + LOG,
            HEAD + "description: |\n" + "  line\n" * 50_000 + LOG,
            HEAD + LOG.replace("hi", "'" + "{{ a }}" * 20_000 + "'"),
            HEAD + LOG.replace("hi", "'{{ " + "a." * 30_000 + "b }}'"),
            HEAD + LOG.replace("hi", "'{{ " + "1 + " * 20_000 + "1 }}'"),
            HEAD + LOG.replace("hi", "'{{ " + "a | upper | " * 5_000 + "lower }}'"),
        ]
    )


def _costly(rng: Random) -> str:
    costly = rng.choice(
        [
            "{% for a in range(0, 99999999) %}{{ a }}{% endfor %}",
            "{{ range(0, 100000000) | length }}",
            "{{ 'a' * 999999999 }}",
            "{{ ('x' | indent(99999999)) }}",
            "{{ 9 ** 9 ** 9 }}",
            "{% for a in range(0, 3000) %}{% for b in range(0, 3000) %}{{ b }}{% endfor %}{% endfor %}",
            "{% set x = 'aaaaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
            "{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' | regexMatch('(a+)+$') }}",
            "{{ 'x' | replace({'x': 'xxxxxxxxxx'}) | replace({'x': 'xxxxxxxxxx'}) }}",
            "{% macro m(a) %}{{ m(a) }}{% endmacro %}{{ m(1) }}",
            "{{ render('{{ render(1) }}') }}",
            "{{ '[' | json }}",
            "{{ 1000000000000 | numberFormat('" + "#" * 500 + "') }}",
            "{{ now() | dateAdd(999999999999, 'YEARS') }}",
            "{{ '1' | jq('[limit(100000000; repeat(1))]') }}",
            "{{ 1e308 * 1e308 }}",
            "{{ randomInt(0, 999999999999999999999) }}",
        ]
    )  # fmt: skip
    quoted = costly.replace("'", "''")
    where = rng.choice(["message", "runIf", "timeout"])
    return HEAD + LOG + f"    {where}: '{quoted}'\n" if where != "message" else HEAD + LOG.replace("hi", f"'{quoted}'")


_HOSTILE: Sequence[Callable[[Random], str]] = (
    _laughs, _deep, _indented, _tags, _numbers, _anchors, _characters, _characters, _large, _costly, _costly,
)  # fmt: skip
