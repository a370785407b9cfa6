"""What one person wrote must not deceive another who reads it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_gov.errors import GovError
from jupyter_gov.legible import visible, visible_json

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, and ✔ and ü", "plain, and ✔ and ü"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\x1b[2K\x1b]8;;http://x\x07", "␛[2K␛]8;;http://x␇"),
        ("of\r\nWindows", "of\nWindows"),
        ("new\rold", "new␍old"),
        ("\x7f\x9b", "␡\\u009b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("half \udc9b", "half \\udc9b"),
    ],
)
def test_what_would_be_obeyed_is_seen(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(alphabet=st.characters(exclude_categories=[])))
def test_nothing_that_is_obeyed_is_left(text: str) -> None:
    shown = visible(text)
    assert not any(ord(sign) < 32 and sign not in "\n\t" for sign in shown)
    assert not set(shown) & ({chr(code) for code in range(0x7F, 0xA0)} | set(BIDI))
    shown.encode()


@given(st.dictionaries(st.text(), st.text(alphabet=st.characters(exclude_categories=[]))))
def test_json_keeps_every_value_and_can_always_be_written(document: dict[str, str]) -> None:
    written = visible_json(document)
    written.encode()
    assert json.loads(written) == document
    assert not set(written) & ({chr(code) for code in range(0x7F, 0xA0)} | set(BIDI))


def test_an_error_in_a_notebook_is_legible() -> None:
    error = GovError("\x1b[1A not today", hint="\u202e")
    assert "".join(error._render_traceback_()).isprintable()
