"""Seals the values of SECRET inputs, and opens them for expressions (AES-256-GCM, NIST SP 800-38D)."""

from __future__ import annotations

import base64
import binascii
import os

from jupyter_gov.errors import InputError

_NONCE_BYTES = 12
_KEY_BYTES = 32
_HINT = (
    'Make one with `python -c "import os, base64; print(base64.b64encode(os.urandom(32)).decode())"` and set it as '
    "JUPYTER_GOV_ENCRYPTION_KEY, the same wherever flows run."
)


class Sealer:
    """Holds the installation's key.

    Parameters
    ----------
    key
        Base64 of 32 bytes; empty if there is none: then nothing can be sealed, and nothing is stored in the clear.
    """

    def __init__(self, key: str) -> None:
        self._key = key

    def seal(self, text: str) -> str:
        """Return the ciphertext of ``text``.

        Raises
        ------
        InputError
            ``GOV210``: there is no key, or it is no key.
        """
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - few flows have secrets

        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(self._bytes()).encrypt(nonce, text.encode(), None)).decode()

    def open(self, ciphertext: str) -> str:
        """Return the text that was sealed.

        Raises
        ------
        InputError
            ``GOV210``: no key; ``GOV211``: it was sealed with another key, or changed since.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see seal
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        key = self._bytes()
        try:
            data = base64.b64decode(ciphertext, validate=True)
            return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise InputError(
                "a secret input cannot be opened: it was sealed with another key, or changed", code="GOV211"
            ) from error

    def _bytes(self) -> bytes:
        if not self._key:
            raise InputError("a SECRET input needs an encryption key, and none is set", code="GOV210", hint=_HINT)
        try:
            key = base64.b64decode(self._key, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != _KEY_BYTES:
            raise InputError("the encryption key is not base64 of 32 bytes", code="GOV210", hint=_HINT)
        return key
