"""The bytes of an entry that are hashed."""

from __future__ import annotations

from json.encoder import encode_basestring as _quote


def leaf_text(  # noqa: PLR0917 - the hashed fields, in the order of the format
    stream: str, seq: int, prev_hash: str, ts_us: int, actor_ref: str, action: str, subject: str, body_digest: str
) -> str:
    """Return the RFC 8785 text of an entry's hashed fields.

    The schema is flat and without fractions, so it is written straight in key order: verification does little else. A
    property test holds it to a general RFC 8785 library.
    """
    return (
        f'{{"action":{_quote(action)},"actor_ref":{_quote(actor_ref)},"body_digest":{_quote(body_digest)},'
        f'"prev_hash":{_quote(prev_hash)},"seq":{seq},"stream":{_quote(stream)},"subject":{_quote(subject)},'
        f'"ts_us":{ts_us}}}'
    )
