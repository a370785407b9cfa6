"""A SECRET input is never stored in the clear, and opens only for expressions of an installation with the key."""

from __future__ import annotations

import base64

import pytest

from jupyter_gov.errors import InputError
from jupyter_gov.runtime.sealing import Sealer

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(32)).decode()


def test_what_was_sealed_opens_again_and_never_looks_the_same():
    sealer = Sealer(KEY)
    first, second = sealer.seal("hush"), sealer.seal("hush")
    assert first != second
    assert "hush" not in first
    assert sealer.open(first) == sealer.open(second) == "hush"


@pytest.mark.parametrize("key", ["", "short", base64.b64encode(b"too short").decode()])
def test_without_a_key_nothing_is_sealed(key):
    with pytest.raises(InputError) as caught:
        Sealer(key).seal("hush")
    assert caught.value.code == "GOV210"
    assert "hush" not in str(caught.value)


def test_another_key_or_a_changed_text_does_not_open():
    sealed = Sealer(KEY).seal("hush")
    changed = base64.b64encode(b"x" + base64.b64decode(sealed)[1:]).decode()
    for key, text in ((OTHER, sealed), (KEY, changed), (KEY, "no base64!"), (KEY, "")):
        with pytest.raises(InputError) as caught:
            Sealer(key).open(text)
        assert caught.value.code == "GOV211"
