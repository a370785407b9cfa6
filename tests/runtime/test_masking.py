"""A secret is hidden in every form in which programs commonly write it, and hiding stays cheap."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_gov.domain.sealed import MASK
from jupyter_gov.runtime.masking import Masks

SECRET = 'S3cr"t/Pä+ss w0rd'


def masks(*texts: str) -> Masks:
    made = Masks()
    for text in texts:
        made.add(text)
    return made


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        quote(SECRET),
        quote(SECRET, safe=""),
        quote(SECRET, safe="")
        .replace("%2F", "%2f")
        .replace("%22", "%22")
        .replace("%C3%A4", "%c3%a4")
        .replace("%2B", "%2b"),
        quote_plus(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
        SECRET.upper(),
        SECRET.lower(),
    ],
)
def test_each_form_is_hidden_as_a_whole(written: str) -> None:
    assert masks(SECRET).apply(f"curl {written} end") == f"curl {MASK} end"
    assert masks(SECRET).finds({"x": [written]})


@given(st.binary(max_size=7), st.text(min_size=8, max_size=30), st.binary(max_size=7))
def test_base64_of_what_surrounds_a_secret_tells_at_most_its_edges(before: bytes, secret: str, after: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        written = encode(before + secret.encode() + after).decode()
        shown = masks(secret).apply(written)
        assert MASK in shown
        assert len(shown.replace(MASK, "")) <= len(written) - (len(secret.encode()) * 8 - 10) // 6


@given(st.lists(st.text(min_size=4), min_size=1), st.text())
def test_nothing_of_what_was_added_is_left(secrets: list[str], around: str) -> None:
    known = masks(*secrets)
    for secret in filter(str.strip, secrets):
        assert known.finds(around + secret)
    shown = known.apply(around + "\x00".join(secrets))
    assert not any(secret in shown.replace(MASK, "\ue000") for secret in secrets if secret not in MASK)


def test_a_text_of_fewer_than_four_characters_is_hidden_where_it_is_a_word_and_no_name() -> None:
    known = masks("1", "uri", "p:4")
    assert known.apply("1 and 10, uri=1; urine, p:4") == f"{MASK} and 10, {MASK}={MASK}; urine, {MASK}"
    file = "kestra:///a/1/uri/x.txt"
    outputs = {"uri": file, "1": ["uri", 1]}
    assert known.apply_deep(outputs) == {"uri": file, "1": [MASK, 1]}
    assert (known.finds("a 1"), known.finds("a1")) == (True, False)


def test_names_and_addresses_keep_nothing_of_a_longer_secret() -> None:
    known = masks("1", "word")
    assert known.apply_deep({"word": "kestra:///a/1/word.txt"}) == {MASK: f"kestra:///a/1/{MASK}.txt"}


def test_the_longest_goes_first_and_short_ones_are_hidden_only_as_they_are() -> None:
    known = masks("abc", "abcdefgh", "abcdefgh-more")
    assert known.apply("abcdefgh-more abcdefgh abc ABC") == f"{MASK} {MASK} {MASK} ABC"


def test_what_no_encoding_can_take_is_hidden_too() -> None:
    assert masks("half \udcff of it").apply("x half \udcff of it") == f"x {MASK}"


def test_many_long_secrets_are_sought_in_one_pass() -> None:
    known = masks(*(f"{number:04x}-{'s3cr/t' * 8}" for number in range(300)))
    text = "some words 0a1f of a long log line = %2F and == base64AAAA\n" * 20_000
    began = time.perf_counter()
    assert known.apply(text) == text
    # A scan that tries each form at each place takes ten seconds and more.
    assert time.perf_counter() - began < 3
