"""Who acts, and how sure we are of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Assurance(StrEnum):
    """How the identity of an actor was established, strongest first."""

    BROWSER = "browser"
    TOKEN = "token"  # noqa: S105 - the name of a level, not a secret
    OS = "os"
    ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or service as the server (never the client) knows it."""

    id: str
    name: str
    groups: frozenset[str] = frozenset()
    assurance: Assurance = Assurance.ANONYMOUS


SYSTEM = Actor(id="system", name="jupyter_gov", assurance=Assurance.OS)
"""The engine itself: timers, recovery, scheduled work."""
