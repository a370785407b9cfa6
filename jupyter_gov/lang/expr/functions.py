"""Functions that need nothing but their arguments."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import uuid
from typing import Any, Final

from jupyter_gov.lang.expr import ion, yaml_text
from jupyter_gov.lang.expr.arguments import flag_of, text_of, whole_of
from jupyter_gov.lang.expr.faults import ArgumentFault, Fault, LimitFault
from jupyter_gov.lang.expr.operators import less, span
from jupyter_gov.lang.expr.registry import function
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import scalar_text

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NANO: Final = _BASE62 + "-_"
_PORTS: Final = (49152, 65536)


@function("fromJson", "json", "jsonDecode")
def from_json(state: State, json: Any) -> Any:
    """Read JSON; null of null."""
    return None if json is None else parse_json(state, text_of("`json`", json))


def parse_json(state: State, text: str) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    ArgumentFault
        It is none.
    """
    state.budget.text(len(text))
    try:
        return json.loads(text)
    except ValueError as error:
        raise ArgumentFault(f"the text is no JSON: {error}") from None
    except RecursionError:
        raise LimitFault("the JSON is nested too deeply") from None


@function("yaml")
def from_yaml(state: State, yaml: Any) -> Any:
    """Read YAML."""
    return yaml_text.read(text_of("`yaml`", yaml), state.budget)


@function("fromIon", "ionDecode")
def from_ion(state: State, ion_: Any, all_rows: Any = False) -> Any:
    """Read Ion: the first value, or all as a list."""
    if ion_ is None:
        return None
    values = ion.read(text_of("`ion`", ion_), state.budget)
    if flag_of("`allRows`", all_rows):
        return values
    return values[0] if values else None


@function("range")
def range_(state: State, start: Any, end: Any, increment: Any = 1) -> list[Any]:
    """Return the numbers or letters from ``start`` to ``end``, both included."""
    return span(start, end, 1 if increment is None else increment, state.budget)


@function("max")
def max_(state: State, *values: Any) -> Any:
    """Return the largest number; null without one."""
    return _best(values, ">")


@function("min")
def min_(state: State, *values: Any) -> Any:
    """Return the smallest number; null without one."""
    return _best(values, "<")


def _best(values: tuple[Any, ...], operator: str) -> Any:
    found: Any = None
    for value in values:
        if found is None or less(value, found, operator):
            found = value
    return found


@function("randomInt")
def random_int(state: State, lower: Any, upper: Any) -> int:
    """Return a random whole number, ``upper`` excluded."""
    low, high = whole_of("`lower`", lower), whole_of("`upper`", upper)
    if high < low:
        raise ArgumentFault("`upper` is below `lower`")
    return low if high == low else low + secrets.randbelow(high - low)


@function("randomPort")
def random_port(state: State) -> int:
    """Return a random port of the dynamic range; nothing says that it is free."""
    low, high = _PORTS
    return low + secrets.randbelow(high - low)


@function("uuid")
def uuid_(state: State) -> str:
    """Return a random UUID."""
    return str(uuid.uuid4())


@function("id")
def id_(state: State) -> str:
    """Return a random short id."""
    number, letters = uuid.uuid4().int, []
    while number:
        number, rest = divmod(number, 62)
        letters.append(_BASE62[rest])
    return "".join(reversed(letters))


@function("ksuid")
def ksuid(state: State) -> str:
    """Return an id of 27 letters that sorts by time."""
    seconds = int(state.need_host("ksuid()").now().timestamp()) - 1_400_000_000
    number = int.from_bytes(max(seconds, 0).to_bytes(4, "big") + secrets.token_bytes(16), "big")
    letters = []
    for _ in range(27):
        number, rest = divmod(number, 62)
        letters.append(_BASE62[rest])
    return "".join(reversed(letters))


@function("nanoId")
def nano_id(state: State, length: Any = 21, alphabet: Any = _NANO) -> str:
    """Return a random id."""
    size, letters = whole_of("`length`", length), text_of("`alphabet`", alphabet)
    if not 0 <= size <= 1000 or not letters:
        raise ArgumentFault("`length` is at most 1000 and `alphabet` not empty")
    return "".join(secrets.choice(letters) for _ in range(size))


@function("encrypt")
def encrypt(state: State, key: Any, plaintext: Any) -> str:
    """Encrypt a text with a Base64 key by AES-GCM."""
    nonce = secrets.token_bytes(12)
    secret = _cipher(key).encrypt(nonce, text_of("`plaintext`", plaintext).encode("utf-8", "surrogatepass"), None)
    return base64.b64encode(nonce + secret).decode("ascii")


@function("decrypt")
def decrypt(state: State, key: Any, encrypted: Any) -> str:
    """Undo ``encrypt``."""
    cipher = _cipher(key)
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  (loaded late)

    data = _decoded("`encrypted`", encrypted)
    try:
        return str(cipher.decrypt(data[:12], data[12:], None).decode("utf-8"))
    except (InvalidTag, ValueError):
        raise ArgumentFault("the text was not encrypted with this key, or was changed") from None


def _cipher(key: Any) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  (loaded late)
    except ImportError:
        hint = "Install it: pip install cryptography."
        raise Fault("encrypt and decrypt need the package `cryptography`", code="GOV157", hint=hint) from None
    try:
        return AESGCM(_decoded("`key`", key))
    except ValueError:
        raise ArgumentFault("`key` must be 16, 24 or 32 bytes in Base64") from None


def _decoded(name: str, value: Any) -> bytes:
    try:
        return base64.b64decode(text_of(name, value), validate=True)
    except (binascii.Error, ValueError):
        raise ArgumentFault(f"{name} is no Base64") from None


@function("i18n")
def i18n(state: State, *names: Any) -> str:
    """Refuse: there are no translations in a flow."""
    raise Fault(f"there are no translations: `{scalar_text(names[0]) if names else ''}`")
