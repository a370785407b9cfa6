"""Finds secrets by name, at the last moment, in the process that needs them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
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
            ``GOV860``: there is none of this name for this namespace, or it cannot be read.
        """
        ...


class EnvironmentSecrets:
    """Secrets from the environment variables ``SECRET_<NAME>`` (base64, as Kestra): the one place they come from.

    All namespaces share them, but for those that the setting ``secret_namespaces`` keeps to some namespaces. That keeps
    apart what belongs apart; it keeps nobody out who may write flows, since a flow names its own namespace.

    Parameters
    ----------
    environment
        The variables; names are compared in any case.
    settings
        Settings of the installation; ``secrets.namespaces`` maps names to namespaces, never to values.
    """

    def __init__(self, environment: Mapping[str, str], settings: Mapping[str, Any]) -> None:
        self._encoded = {
            name[len(_PREFIX) :].upper(): value for name, value in environment.items() if name.startswith(_PREFIX)
        }
        kept: Mapping[str, Iterable[str]] = settings.get("secrets.namespaces") or {}
        self._kept = {name.upper(): tuple(places) for name, places in kept.items()}

    def get(self, name: str, namespace: str) -> str:
        """Return a secret.

        Raises
        ------
        TaskError
            ``GOV860``: there is none of this name, it is kept to other namespaces, or its variable is no base64.
        """
        key = name.upper()
        if key not in self._encoded:
            raise TaskError(
                f"Cannot find secret for key '{name}'.",
                code="GOV860",
                hint=f"Set the environment variable {_PREFIX}{key} of the worker to the base64 text of the secret.",
            )
        if key in self._kept and not any(_holds(place, namespace) for place in self._kept[key]):
            raise TaskError(
                f"The secret '{name}' is kept from namespace '{namespace}'.",
                code="GOV860",
                hint="Use it from a namespace that the setting secret_namespaces lists for it, or add this one.",
            )
        return _decode(key, self._encoded[key])


def _holds(place: str, namespace: str) -> bool:
    return namespace == place or namespace.startswith(f"{place}.")


def _decode(key: str, encoded: str) -> str:
    try:
        return base64.b64decode("".join(encoded.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise TaskError(
            f"The environment variable {_PREFIX}{key} holds no base64 of a UTF-8 text.",
            code="GOV860",
            hint=f"Make it by: printf %s 'the secret' | base64 -w0, and set {_PREFIX}{key} to that.",
        ) from error
