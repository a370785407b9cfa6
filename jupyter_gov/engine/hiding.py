"""What a step must not write down, as a protocol: the engine renders gates, labels and failures, and stores them."""

from __future__ import annotations

from typing import Any, Protocol


class Hider(Protocol):
    """Knows the secrets that expressions have read so far; the runtime implements it."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to hide."""
        ...

    def apply_deep(self, value: Any) -> Any:
        """Return ``value`` with every secret replaced in texts at any depth."""
        ...

    def finds(self, value: Any) -> bool:
        """Return whether there is a secret in a text at any depth of ``value``."""
        ...
