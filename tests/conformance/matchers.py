"""Compares a value with what a case wants: a plain value, a matcher such as ``{contains: x}``, a placeholder ``<…>``."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from jupyter_gov.domain.sealed import is_sealed
from tests.conformance.failure import Unmet
from tests.conformance.values import typed


class Surroundings(Protocol):
    """What some matchers ask: the names known at run time, stored files, secrets."""

    def spell(self, text: str) -> str:
        """Return a text with its placeholders replaced."""
        ...

    def stored_text(self, uri: str) -> str: ...

    def secret(self, name: str) -> str: ...

    @property
    def key(self) -> str: ...


class _Missing:
    def __repr__(self) -> str:
        return "nothing"


MISSING = _Missing()
Matcher = Callable[[Any, Any, Surroundings], bool]
MATCHERS: dict[str, Matcher] = {}


def matcher(name: str) -> Callable[[Matcher], Matcher]:
    """Register a matcher under its name in the corpus."""

    def keep(function: Matcher) -> Matcher:
        MATCHERS[name] = function
        return function

    return keep


def mismatch(wanted: Any, got: Any, around: Surroundings, *, exact: bool = False) -> str | None:
    """Return how a value differs from what is wanted, None if it does not."""
    if matches(wanted, got, around, exact=exact):
        return None
    shown = around.spell(wanted) if isinstance(wanted, str) else wanted
    return f"expected {shown!r}, got {got!r}"


def matches(wanted: Any, got: Any, around: Surroundings, *, exact: bool = False) -> bool:
    """Return whether a value is what a case wants.

    Parameters
    ----------
    exact
        Whether a map may hold no other keys than the wanted ones; else only an empty map is taken at its word.
    """
    if isinstance(wanted, Mapping):
        return _matches_map(wanted, got, around, exact)
    if isinstance(wanted, list):
        items = list(got) if isinstance(got, (list, tuple)) else None
        return (
            items is not None
            and len(items) == len(wanted)
            and all(matches(one, other, around, exact=exact) for one, other in zip(wanted, items, strict=True))
        )
    return same(around.spell(wanted) if isinstance(wanted, str) else wanted, got)


def _matches_map(wanted: Mapping[Any, Any], got: Any, around: Surroundings, exact: bool) -> bool:
    if set(wanted) == {"$type", "value"}:
        return _same_typed(str(wanted["$type"]), wanted["value"], got, around)
    if wanted and all(name in MATCHERS for name in wanted):
        return all(MATCHERS[name](value, got, around) for name, value in wanted.items())
    if not isinstance(got, Mapping) or ((exact or not wanted) and set(map(str, wanted)) != set(map(str, got))):
        return False
    found = {str(key): value for key, value in got.items()}
    return all(matches(value, found.get(str(key), MISSING), around, exact=exact) for key, value in wanted.items())


def _same_typed(kind: str, wanted: Any, got: Any, around: Surroundings) -> bool:
    if got is None or got is MISSING:
        return False
    try:
        return bool(typed(kind, around.spell(str(wanted))) == typed(kind, got))
    except Unmet:
        return False


def same(wanted: Any, got: Any) -> bool:
    """Return whether two plain values are equal; true is not 1, and the text 1 is not the number."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    return type(wanted) is type(got) and wanted == got if isinstance(wanted, str) else bool(wanted == got)


def at_path(values: Any, path: str) -> Any:
    """Return the value at a dotted path, whose parts may hold dots themselves; ``MISSING`` if there is none."""
    if isinstance(values, Mapping):
        for key in values:
            if path == str(key):
                return values[key]
        for key in sorted(map(str, values), key=len, reverse=True):
            if path.startswith(f"{key}."):
                found = at_path(values[key], path[len(key) + 1 :])
                if found is not MISSING:
                    return found
    if isinstance(values, (list, tuple)):
        head, _, rest = path.partition(".")
        if head.isdigit() and int(head) < len(values):
            return values[int(head)] if not rest else at_path(values[int(head)], rest)
    return MISSING


def fields(wanted: Mapping[str, Any], got: Any, around: Surroundings, where: str) -> Iterator[str]:
    """Yield what differs, field by dotted field; what the case does not name is not looked at."""
    for path, value in wanted.items():
        found = at_path(got, str(path))
        if reason := mismatch(value, found, around):
            yield f"{where}.{path}: {reason}"


def is_matcher(wanted: Any) -> bool:
    """Return whether a mapping says how to compare rather than which keys must be there."""
    return isinstance(wanted, Mapping) and bool(wanted) and all(name in MATCHERS for name in wanted)


# --- the matchers -----------------------------------------------------------------------------------------------


def _text(wanted: Any, around: Surroundings) -> str:
    return around.spell(str(wanted))


@matcher("contains")
def _contains(wanted: Any, got: Any, around: Surroundings) -> bool:
    if isinstance(wanted, list):
        return all(_contains(one, got, around) for one in wanted)
    if isinstance(got, (list, tuple)):
        return any(matches(wanted, one, around) for one in got)
    return isinstance(got, str) and _text(wanted, around) in got


@matcher("starts_with")
def _starts(wanted: Any, got: Any, around: Surroundings) -> bool:
    return isinstance(got, str) and got.startswith(_text(wanted, around))


@matcher("ends_with")
def _ends(wanted: Any, got: Any, around: Surroundings) -> bool:
    return isinstance(got, str) and got.endswith(_text(wanted, around))


@matcher("matches")
def _matches(wanted: Any, got: Any, around: Surroundings) -> bool:
    return isinstance(got, str) and re.fullmatch(_text(wanted, around), got, re.DOTALL) is not None


@matcher("not")
def _not(wanted: Any, got: Any, around: Surroundings) -> bool:
    return got is not MISSING and not matches(wanted, got, around)


@matcher("one_of")
def _one_of(wanted: Any, got: Any, around: Surroundings) -> bool:
    return any(matches(one, got, around) for one in wanted)


@matcher("null")
def _null(wanted: Any, got: Any, around: Surroundings) -> bool:
    return (got is None or got is MISSING) is bool(wanted)


@matcher("exists")
def _exists(wanted: Any, got: Any, around: Surroundings) -> bool:
    return (got is not None and got is not MISSING) is bool(wanted)


@matcher("key_present")
def _key_present(wanted: Any, got: Any, around: Surroundings) -> bool:
    return (got is not MISSING) is bool(wanted)


@matcher("not_empty")
def _not_empty(wanted: Any, got: Any, around: Surroundings) -> bool:
    return (got is not MISSING and bool(got)) is bool(wanted)


@matcher("iso_datetime_near_now_seconds")
def _near_now(wanted: Any, got: Any, around: Surroundings) -> bool:
    try:
        moment = datetime.fromisoformat(str(got))
    except ValueError:
        return False
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return abs((datetime.now(UTC) - moment).total_seconds()) <= float(wanted)


@matcher("stored_file_content")
def _stored(wanted: Any, got: Any, around: Surroundings) -> bool:
    return isinstance(got, str) and matches(wanted, around.stored_text(got), around)


@matcher("equals_secret")
def _equals_secret(wanted: Any, got: Any, around: Surroundings) -> bool:
    return same(around.secret(str(wanted)), got)


@matcher("decrypts_to")
def _decrypts(wanted: Any, got: Any, around: Surroundings) -> bool:
    ciphertext = got["value"] if is_sealed(got) else got
    return isinstance(ciphertext, str) and opened(ciphertext, around.key) == wanted


def opened(ciphertext: str, key: str) -> str | None:
    """Return the text in a sealed value, opened here and not by the code under test: AES-256-GCM, nonce first."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        data = base64.b64decode(ciphertext, validate=True)
        return AESGCM(base64.b64decode(key)).decrypt(data[:12], data[12:], None).decode()
    except (InvalidTag, ValueError):
        return None
