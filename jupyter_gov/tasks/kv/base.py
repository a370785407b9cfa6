"""What the tasks of the key-value store share."""

from __future__ import annotations

from pydantic import Field

from jupyter_gov.plugins.api import Dynamic, RunnableTask


class ValueTask(RunnableTask):
    """A task that reads or writes values of a namespace."""

    namespace: Dynamic[str] | None = Field(
        default=None, description="Whose values; the namespace of the flow if left out."
    )


class KeyTask(ValueTask):
    """A task about one key."""

    key: Dynamic[str] = Field(description="The key.", min_length=1)
