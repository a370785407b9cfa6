"""The fast writers give exactly the bytes of RFC 8785, whatever the values."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from jupyter_gov.audit import chain
from jupyter_gov.audit.canonical import leaf_text
from jupyter_gov.domain.canonical import canonical_text, digest, plain
from jupyter_gov.domain.commands import Fact

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | TEXTS | st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def nested(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20)


@given(nested(SCALARS))
def test_values_without_fractions(value: Any) -> None:
    assert canonical_text(value).encode() == rfc8785.dumps(value)


@given(nested(SCALARS | FLOATS))
def test_any_value(value: Any) -> None:
    assert canonical_text(value).encode() == rfc8785.dumps(value)


@given(nested(SCALARS | FLOATS | st.integers()))
def test_what_is_stored_as_json_keeps_its_digest(value: Any) -> None:
    from jupyter_gov.store.codec import from_json, to_json

    assert digest(from_json(to_json(value))) == digest(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": 2}, '{"a":2,"b":1}'),
        ({"\u20ac": 1, "\U0001f600": 2, "\ufb33": 3}, '{"€":1,"😀":2,"\ufb33":3}'),
        ({"a": 1.0, "b": 1e21, "c": 1e-7, "d": -0.0}, '{"a":1,"b":1e+21,"c":1e-7,"d":0}'),
        (['\x00\x1f\x7f\n"\\/'], '["\\u0000\\u001f\x7f\\n\\"\\\\/"]'),
        ((1, True, None), "[1,true,null]"),
        (2**60, f'"{2**60}"'),
        ({1: "x"}, '{"1":"x"}'),
        ("a\ud800b", '"a?b"'),
        ({"\udfff": ["\ud800", 1.5]}, '{"?":["?",1.5]}'),
        (float("nan"), '"nan"'),
        (datetime(2026, 1, 2, tzinfo=UTC), '"2026-01-02T00:00:00+00:00"'),
        (timedelta(seconds=90), '"PT90S"'),
    ],
)
def test_corner_cases(value: Any, text: str) -> None:
    assert canonical_text(value) == text
    assert json.loads(text) is not ...
    assert canonical_text(plain(value)) == text


@given(TEXTS, st.integers(0, 2**53 - 1), TEXTS, st.integers(0, 2**53 - 1), TEXTS, TEXTS, TEXTS, TEXTS)
def test_leaf(stream: str, seq: int, prev: str, ts_us: int, ref: str, action: str, subject: str, body: str) -> None:
    fields = {
        "stream": stream,
        "seq": seq,
        "prev_hash": prev,
        "ts_us": ts_us,
        "actor_ref": ref,
        "action": action,
        "subject": subject,
        "body_digest": body,
    }
    expected = rfc8785.dumps(fields)
    assert leaf_text(stream, seq, prev, ts_us, ref, action, subject, body).encode() == expected
    assert (
        chain.leaf_hash(stream, seq, prev, ts_us, ref, action, subject, body)
        == hashlib.sha256(b"\x00" + expected).hexdigest()
    )


def test_the_format_is_fixed() -> None:
    """Published once, never to change: other programs verify exports by it."""
    at = datetime(2026, 5, 4, 10, 0, 0, 123456, tzinfo=UTC)
    entry = chain.entry("execution/1", 1, None, at, Fact("execution.created", "1", "ada", "os", {"n": 1}))
    assert entry.ts_us == 1_777_888_800_123_456
    assert entry.prev_hash == hashlib.sha256(b"jupyter_gov/genesis/execution/1").hexdigest()
    fixed = chain.leaf_hash("s", 1, "00", 2, "a", "act", "subject", "dd")
    assert (
        fixed
        == hashlib.sha256(
            b'\x00{"action":"act","actor_ref":"a","body_digest":"dd","prev_hash":"00","seq":1,"stream":"s",'
            b'"subject":"subject","ts_us":2}'
        ).hexdigest()
    )
    assert chain.body_digest("ab", '{"n":1}') == hashlib.sha256(b'ab{"n":1}').hexdigest()


def test_salts_hide_equal_bodies() -> None:
    fact = Fact("a", "s", "ada", "os", {"name": "Zoë"})
    first, second = (chain.seal("s", 1, "0", fact, ts_us=1, actor_ref="r") for _ in range(2))
    assert first.entry.body_digest != second.entry.body_digest
    assert len(first.salt) == 32
    assert json.loads(first.body_text) == {"name": "Zoë", "assurance": "os"}
