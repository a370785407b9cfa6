"""Sets and deletes values of a namespace."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.scalars import IsoDuration
from jupyter_gov.plugins.api import Dynamic, Output
from jupyter_gov.plugins.context import RunContext, ValueKind
from jupyter_gov.tasks.kv.base import KeyTask, ValueTask
from jupyter_gov.tasks.kv.values import typed


class Set(KeyTask):
    """Keep a value in the namespace, for later executions and other flows.

    They read it as `{{ kv('key') }}`, or by a task of type `io.kestra.plugin.core.kv.Get`. Without `kvType` a value
    that is one expression keeps its type, and a text that holds a JSON list or map is stored as such. The value is
    stored in the clear, so one that holds a secret is refused; the history records a digest of it.
    """

    type_name = "io.kestra.plugin.core.kv.Set"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: remember
type: io.kestra.plugin.core.kv.Set
key: last-run
value: "{{ execution.startDate }}"
kvType: DATETIME
""",
        """\
id: lock
type: io.kestra.plugin.core.kv.Set
key: being-imported
value: "{{ execution.id }}"
overwrite: false
ttl: PT1H
""",
    )

    value: Any = Field(description="The value.")
    kv_type: Dynamic[ValueKind] | None = Field(
        default=None, description="STRING, NUMBER, BOOLEAN, DATETIME, DATE, DURATION or JSON; guessed if left out."
    )
    overwrite: Dynamic[bool] = Field(default=True, description="Whether a value that the key has may be replaced.")
    ttl: Dynamic[IsoDuration] | None = Field(
        default=None, description="How long the value is kept, such as PT5M; for good if left out."
    )

    def run(self, ctx: RunContext) -> None:
        """Store the value.

        Raises
        ------
        TaskError
            ``GOV870``: no such namespace. ``GOV871``: a secret in the value. ``GOV872``: not of its kind.
        ConflictError
            ``GOV745``: the key has a value and `overwrite` is false.
        """
        # As it is written: rendered to text first, a map or a number would no longer be one.
        kind, value = typed(self.key, ctx.render_typed(self.value), self.kv_type)
        stored = ctx.kv.set(
            self.key, value, kind=kind, namespace=self.namespace, ttl=self.ttl, overwrite=self.overwrite
        )
        ctx.logger.debug(f"The key '{self.key}' has version {stored.version} ({kind}).")


class DeleteOutput(Output):
    """What Delete hands back."""

    deleted: bool = Field(description="Whether the key had a value.")


class Delete(KeyTask):
    """Delete a value of the namespace."""

    type_name = "io.kestra.plugin.core.kv.Delete"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: forget
type: io.kestra.plugin.core.kv.Delete
key: last-run
""",
    )

    error_on_missing: Dynamic[bool] = Field(default=False, description="Fail if the key has no value.")

    def run(self, ctx: RunContext) -> DeleteOutput:
        """Delete the value.

        Raises
        ------
        TaskError
            ``GOV864``: there is none, and `errorOnMissing` is set.
        """
        deleted = ctx.kv.delete(self.key, namespace=self.namespace)
        if not deleted and self.error_on_missing:
            raise TaskError(
                missing(self.key, self.namespace or ctx.execution.namespace), code="GOV864", hint="Set it first."
            )
        return DeleteOutput(deleted=deleted)


class PurgeOutput(Output):
    """What PurgeKV hands back."""

    size: int = Field(description="How many values were deleted.")


class PurgeKV(ValueTask):
    """Delete the values of a namespace whose time to live is over.

    Nothing reads them any more, and each change of the namespace deletes some of them; this deletes all at once.
    """

    type_name = "io.kestra.plugin.core.kv.PurgeKV"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: tidy
type: io.kestra.plugin.core.kv.PurgeKV
""",
    )

    def run(self, ctx: RunContext) -> PurgeOutput:
        """Delete what is over."""
        return PurgeOutput(size=len(ctx.kv.purge(namespace=self.namespace)))


def missing(key: str, namespace: str) -> str:
    """Return what is said of a key without a value."""
    return f"No value found for key '{key}' in namespace '{namespace}' and `errorOnMissing` is set to true"
