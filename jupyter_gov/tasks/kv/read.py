"""Reads values of a namespace."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output
from jupyter_gov.plugins.context import RunContext, StoredValue
from jupyter_gov.tasks.kv.base import KeyTask, ValueTask
from jupyter_gov.tasks.kv.write import missing


class GetOutput(Output):
    """What Get hands back."""

    value: Any = Field(description="The value; null if there is none. Dates, times and durations are ISO texts.")


class _Reader(KeyTask):
    error_on_missing: Dynamic[bool] = Field(default=False, description="Fail if the key has no value.")

    def found(self, ctx: RunContext) -> StoredValue | None:
        """Return the value.

        Raises
        ------
        TaskError
            ``GOV864``: there is none, and `errorOnMissing` is set.
        """
        value = ctx.kv.get(self.key, namespace=self.namespace)
        if value is None and self.error_on_missing:
            raise TaskError(
                missing(self.key, self.namespace or ctx.execution.namespace), code="GOV864", hint="Set it first."
            )
        return value


class Get(_Reader):
    """Read a value of the namespace, which an execution before this one has set.

    The expression `{{ kv('key') }}` does the same where a task is too much.
    """

    type_name = "io.kestra.plugin.core.kv.Get"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: last
type: io.kestra.plugin.core.kv.Get
key: last-run
""",
    )

    def run(self, ctx: RunContext) -> GetOutput:
        """Return the value."""
        found = self.found(ctx)
        return GetOutput(value=None if found is None else found.value)


class VersionOutput(Output):
    """What Version hands back."""

    version: int | None = Field(description="1 after the first Set, one higher with each change; null without value.")


class Version(_Reader):
    """Tell how often a value of the namespace was changed."""

    type_name = "io.kestra.plugin.core.kv.Version"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: changed
type: io.kestra.plugin.core.kv.Version
key: last-run
""",
    )

    def run(self, ctx: RunContext) -> VersionOutput:
        """Return the version."""
        found = self.found(ctx)
        return VersionOutput(version=None if found is None else found.version)


class GetKeysOutput(Output):
    """What GetKeys hands back."""

    keys: list[str] = Field(description="The keys, in order.")


class GetKeys(ValueTask):
    """List the keys of the namespace that have a value."""

    type_name = "io.kestra.plugin.core.kv.GetKeys"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: models
type: io.kestra.plugin.core.kv.GetKeys
prefix: model-
""",
    )

    prefix: Dynamic[str] | None = Field(default=None, description="Only keys that start with this.")

    def run(self, ctx: RunContext) -> GetKeysOutput:
        """Return the keys."""
        return GetKeysOutput(keys=ctx.kv.keys(self.prefix or "", namespace=self.namespace))
