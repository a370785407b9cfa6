"""Filters from values to texts in other notations and back: JSON, YAML, Ion, Base64, URLs, digests, jq."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from jupyter_gov.lang.expr import ion, jq, yaml_text
from jupyter_gov.lang.expr.arguments import text_of
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.registry import filter_
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import java_text, json_text

_UNESCAPED: Final = "*"


@filter_("toJson", "json", "jsonEncode")
def to_json(state: State, value: Any) -> str:
    """Return a value as JSON."""
    return json_text(value, state.budget)


@filter_("toIon")
def to_ion(state: State, value: Any) -> str:
    """Return a value as Ion text."""
    return "null" if value is None else ion.write(value, state.budget)


@filter_("yaml")
def yaml(state: State, value: Any) -> str:
    """Return a value as YAML."""
    return "null" if value is None else yaml_text.write(value, state.budget)


@filter_("jq")
def jq_(state: State, value: Any, expression: Any) -> Any:
    """Return the list of all results of a jq program."""
    if value is None:
        return None
    program = text_of("`expression`", expression)
    source = value if isinstance(value, str) else json_text(value, state.budget)
    return jq.run(state, program, source)


@filter_("base64encode")
def base64_encode(state: State, value: Any) -> Any:
    """Return a text in Base64."""
    return None if value is None else base64.b64encode(_bytes(value)).decode("ascii")


@filter_("base64decode")
def base64_decode(state: State, value: Any) -> Any:
    """Return the text behind Base64."""
    if value is None:
        return None
    text = text_of("what is decoded", value)
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ArgumentFault("this is no text in Base64") from None


@filter_("urlencode")
def url_encode(state: State, value: Any) -> Any:
    """Escape a text for the query of a URL."""
    if value is None:
        return None
    return quote_plus(_bytes(value), safe=_UNESCAPED).replace("~", "%7E")


@filter_("urldecode")
def url_decode(state: State, value: Any) -> Any:
    """Undo ``urlencode``."""
    return None if value is None else unquote_plus(text_of("what is decoded", value))


@filter_("md5")
def md5(state: State, value: Any) -> Any:
    """Return the MD5 digest of a text, for old file formats; it protects nothing."""
    return _digest(state, value, "md5")


@filter_("sha1")
def sha1(state: State, value: Any) -> Any:
    """Return the SHA-1 digest of a text, for old file formats; it protects nothing."""
    return _digest(state, value, "sha1")


@filter_("sha256")
def sha256(state: State, value: Any) -> Any:
    """Return the SHA-256 digest of a text."""
    return _digest(state, value, "sha256")


@filter_("sha512")
def sha512(state: State, value: Any) -> Any:
    """Return the SHA-512 digest of a text."""
    return _digest(state, value, "sha512")


def _digest(state: State, value: Any, algorithm: str) -> Any:
    if value is None:
        return None
    data = java_text(value, state.budget).encode("utf-8", "surrogatepass")
    return hashlib.new(algorithm, data, usedforsecurity=False).hexdigest()


def _bytes(value: Any) -> bytes:
    return text_of("what is encoded", value).encode("utf-8", "surrogatepass")
