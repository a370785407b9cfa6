"""Finds secrets by name, at the last moment, in the process that needs them; providers are asked in a set order."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from jupyter_gov.errors import TaskError

_PREFIX = "SECRET_"
PROVIDERS = ("environment", "file", "keyring")
"""Names of the providers, as the setting ``secret_providers`` lists them."""
DEFAULT_PROVIDERS = PROVIDERS[:2]
"""Those that are asked unless somebody says otherwise: a locked keyring may open a window before whoever is there."""
DEFAULT_SERVICE = "jupyter_gov"
"""The service of the keyring whose entries are secrets."""


class Secrets(Protocol):
    """Where secrets come from."""

    def get(self, name: str, namespace: str) -> str:
        """Return a secret.

        Raises
        ------
        TaskError
            ``GOV860``: there is none of this name for this namespace, or it cannot be read. ``GOV888``, ``GOV889``: a
            place where it might be cannot be used.
        """
        ...


class Provider(Protocol):
    """One place where secrets are kept."""

    def place(self, name: str) -> str:
        """Return where ``name`` is looked for, as people say it; never the secret."""
        ...

    def find(self, name: str) -> str | None:
        """Return the secret, or None if it is not there.

        Raises
        ------
        TaskError
            The place cannot be used. It is not passed over: a secret that hides behind it would be another one.
        """
        ...


class ProvidedSecrets:
    """Asks providers in order; the first that knows the name answers.

    All namespaces share the secrets, but for those that the setting ``secret_namespaces`` keeps to some of them. That
    keeps apart what belongs apart; it keeps nobody out who may write flows, since a flow names its own namespace.

    Parameters
    ----------
    settings
        Settings of the installation; ``secrets.namespaces`` maps names to namespaces, never to values.
    """

    def __init__(self, providers: Sequence[Provider], settings: Mapping[str, Any]) -> None:
        self._providers = tuple(providers)
        kept: Mapping[str, Iterable[str]] = settings.get("secrets.namespaces") or {}
        self._kept = {name.upper(): tuple(places) for name, places in kept.items()}

    def get(self, name: str, namespace: str) -> str:
        """Return a secret.

        Raises
        ------
        TaskError
            ``GOV860``: there is none of this name, it is kept to other namespaces, or its variable is no base64.
            ``GOV888``: a file or folder of secrets cannot be used. ``GOV889``: the keyring cannot.
        """
        kept = self._kept.get(name.upper())
        if kept is not None and not any(_holds(place, namespace) for place in kept):
            raise TaskError(
                f"The secret '{name}' is kept from namespace '{namespace}'.",
                code="GOV860",
                hint="Use it from a namespace that the setting secret_namespaces lists for it, or add this one.",
            )
        for provider in self._providers:
            found = provider.find(name)
            if found is not None:
                return found
        places = ", ".join(provider.place(name) for provider in self._providers) or "no place at all"
        raise TaskError(
            f"Cannot find secret for key '{name}'.",
            code="GOV860",
            hint=f"The worker looked for it in {places}; the setting secret_providers names the places.",
        )


class EnvironmentProvider:
    """The environment variables ``SECRET_<NAME>`` (base64, as Kestra); names are compared in any case."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._encoded = {
            name[len(_PREFIX) :].upper(): value for name, value in environment.items() if name.startswith(_PREFIX)
        }

    def place(self, name: str) -> str:
        """Return the variable."""
        return f"the environment variable {_PREFIX}{name.upper()} (base64)"

    def find(self, name: str) -> str | None:
        """Return the decoded variable.

        Raises
        ------
        TaskError
            ``GOV860``: it is no base64 of a text.
        """
        key = name.upper()
        return None if key not in self._encoded else _decode(key, self._encoded[key])


def from_settings(environment: Mapping[str, str], settings: Mapping[str, Any]) -> Secrets:
    """Return the secrets of an installation: its providers in the order that it sets.

    A provider of files without a path to look at is left out.
    """
    from jupyter_gov.runtime.secret_files import FileProvider  # noqa: PLC0415 - few installations have more than
    from jupyter_gov.runtime.secret_keyring import KeyringProvider  # noqa: PLC0415 - the environment

    made: list[Provider] = []
    for name in settings.get("secrets.providers") or DEFAULT_PROVIDERS:
        path = settings.get("secrets.path")
        if name == "environment":
            made.append(EnvironmentProvider(environment))
        elif name == "keyring":
            made.append(KeyringProvider(settings.get("secrets.keyring_service") or DEFAULT_SERVICE))
        elif path:
            made.append(FileProvider(Path(path)))
    return ProvidedSecrets(made, settings)


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
