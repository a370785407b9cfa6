"""Secrets in the keyring of the operating system (or whatever backend the package ``keyring`` is set to)."""

from __future__ import annotations

from jupyter_gov.errors import TaskError

UNUSABLE = "GOV889"


class KeyringProvider:
    """The entries of one service; the user name of an entry is the name of the secret.

    The package is imported when a secret is asked for, since most installations do not have it.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def place(self, name: str) -> str:
        """Return the service."""
        return f"the entry {name} of the service {self._service} in the keyring"

    def find(self, name: str) -> str | None:
        """Return the secret, or None if the keyring has none of this name (as written, or in capitals).

        Raises
        ------
        TaskError
            ``GOV889``: the package is not installed, there is no keyring, or it is locked.
        """
        try:
            import keyring  # noqa: PLC0415 - see the class
            from keyring.errors import KeyringError  # noqa: PLC0415
        except ImportError as error:
            raise _unusable(
                "the package keyring is not installed.",
                "Install it: pip install 'jupyter_gov[keyring]'; or take keyring out of the setting secret_providers.",
            ) from error
        try:
            found = keyring.get_password(self._service, name)
            if found is None and name != name.upper():
                found = keyring.get_password(self._service, name.upper())
        except (KeyringError, OSError, RuntimeError) as error:
            # Only the kind of error: what a backend says may hold what it was given.
            raise _unusable(
                f"it does not answer ({type(error).__name__}).",
                "Unlock it, choose another backend of the package keyring, or take keyring out of secret_providers.",
            ) from error
        return found


def _unusable(problem: str, hint: str) -> TaskError:
    return TaskError(f"The keyring cannot be used: {problem}", code=UNUSABLE, hint=hint)
