"""Finds secrets by name, at the last moment, in the process that needs them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Protocol

from jupyter_gov.errors import TaskError

_PREFIX = "SECRET_"


class Secrets(Protocol):
    """Where secrets come from."""

    def get(self, name: str, namespace: str) -> str:
        """Return a secret.

        Raises
        ------
        TaskError
            ``GOV860``: there is none of this name, or it cannot be read.
        """
        ...


class EnvironmentSecrets:
    """Secrets from environment variables ``SECRET_<NAME>`` (base64, as Kestra), then from the setting ``secrets``.

    Parameters
    ----------
    environment
        The variables; names are compared in any case.
    settings
        Settings of the installation; ``secrets`` maps names to plain texts.
    """

    def __init__(self, environment: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        self._encoded = {
            name[len(_PREFIX) :].upper(): value for name, value in environment.items() if name.startswith(_PREFIX)
        }
        plain = settings.get("secrets") or {}
        self._plain = {str(name).upper(): str(value) for name, value in plain.items()}

    def get(self, name: str, namespace: str) -> str:
        """Return a secret; all namespaces share these.

        Raises
        ------
        TaskError
            ``GOV860``: there is none of this name, or its variable is no base64.
        """
        key = name.upper()
        if key in self._encoded:
            return _decode(key, self._encoded[key])
        if key in self._plain:
            return self._plain[key]
        raise TaskError(
            f"Cannot find secret for key '{name}'.",
            code="GOV860",
            hint=f"Set the environment variable {_PREFIX}{key} of the worker to the base64 text of the secret.",
        )


def _decode(key: str, encoded: str) -> str:
    try:
        return base64.b64decode("".join(encoded.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TaskError(
            f"The environment variable {_PREFIX}{key} holds no base64 of a UTF-8 text.",
            code="GOV860",
            hint=f"Make it by: printf %s 'the secret' | base64 -w0, and set {_PREFIX}{key} to that.",
        ) from error
