"""A fast writer of the canonical form (RFC 8785) for what the history is made of: texts, integers, booleans.

``json`` in C writes the same bytes as RFC 8785 as long as there are no fractions, no integers beyond 2**53 and only
ASCII keys (others sort differently); anything else goes the slow, general way. A property test holds the two together.
"""

from __future__ import annotations

from json import JSONEncoder
from json.encoder import encode_basestring
from typing import Any

import rfc8785

from jupyter_gov.domain.canonical import plain

_MAX_SAFE_INTEGER = 2**53 - 1
_encode = JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def _is_flat(value: Any) -> bool:
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return True
    if kind is int:
        return bool(-_MAX_SAFE_INTEGER <= value <= _MAX_SAFE_INTEGER)
    if kind is dict:
        return all(type(key) is str and key.isascii() and _is_flat(item) for key, item in value.items())
    if kind is list or kind is tuple:
        return all(map(_is_flat, value))
    return False


def canonical_text(value: Any) -> str:
    """Return the RFC 8785 text of ``value``; lone surrogates, which UTF-8 cannot hold, become ``?``."""
    if _is_flat(value):
        text: str = _encode(value)
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-8", "replace").decode()
        return text
    data = plain(value)
    try:
        return rfc8785.dumps(data).decode()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        return rfc8785.dumps(_without_surrogates(data)).decode()


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value


def leaf_text(  # noqa: PLR0917 - the hashed fields, in the order of the format
    stream: str, seq: int, prev_hash: str, ts_us: int, actor_ref: str, action: str, subject: str, body_digest: str
) -> str:
    """Return the RFC 8785 text of an entry's hashed fields, written straight in key order."""
    quote = encode_basestring
    return (
        f'{{"action":{quote(action)},"actor_ref":{quote(actor_ref)},"body_digest":{quote(body_digest)},'
        f'"prev_hash":{quote(prev_hash)},"seq":{seq},"stream":{quote(stream)},"subject":{quote(subject)},'
        f'"ts_us":{ts_us}}}'
    )
