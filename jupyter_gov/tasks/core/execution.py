"""Tasks that act on their own execution."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.lang.ports import Rename
from jupyter_gov.plugins.api import Dynamic, RunnableTask
from jupyter_gov.plugins.context import RunContext

_RESERVED = "system."


class Fail(RunnableTask):
    """End the execution as failed, always or if a condition holds.

    The errors branch of the flow runs as for any other failure.
    """

    type_name = "io.kestra.plugin.core.execution.Fail"
    aliases = ("io.kestra.core.tasks.executions.Fail",)
    renames: ClassVar[Mapping[str, Rename]] = {
        "message": Rename("errorMessage", "Kestra calls it errorMessage and refuses this spelling")
    }
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: stop-here
type: io.kestra.plugin.core.execution.Fail
condition: "{{ 1 > 2 }}"
errorMessage: The data has NULL user ids.
""",
    )

    condition: Dynamic[str] | None = Field(
        default=None,
        description="Fail only if this is true; everything but an empty text, `false` and `0` is.",
    )
    error_message: Dynamic[str] = Field(
        default="Task failure", description="Why it failed, for the people who read it."
    )

    def run(self, ctx: RunContext) -> None:
        """Fail, unless there is a condition that does not hold.

        Raises
        ------
        TaskError
            ``GOV805``: the flow says so.
        """
        if self.condition is not None and not is_truthy(self.condition):
            ctx.logger.debug("The condition does not hold: nothing failed.")
            return
        raise TaskError(self.error_message, code="GOV805")


class Labels(RunnableTask):
    """Add labels to the execution, or change the values of those that it has.

    A map, a list of `key` and `value`, or a text that holds either as JSON. Of two labels with the same key the later
    one stays. Numbers and booleans are kept as text.
    """

    type_name = "io.kestra.plugin.core.execution.Labels"
    aliases = ("io.kestra.core.tasks.executions.Labels",)
    inline = True
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: mark
type: io.kestra.plugin.core.execution.Labels
labels:
  risk: high
  reviewed: true
""",
        """\
id: mark-as-list
type: io.kestra.plugin.core.execution.Labels
labels:
  - key: risk
    value: "{{ flow.namespace }}"
""",
    )

    labels: Dynamic[dict[str, Any] | list[dict[str, Any]] | str] = Field(description="The labels.")

    def run(self, ctx: RunContext) -> None:
        """Set the labels.

        Raises
        ------
        TaskError
            ``GOV807``: a label is malformed, or its key is reserved.
        """
        ctx.set_labels(dict(_pairs(self.labels)))


def _pairs(labels: Any) -> Iterator[tuple[str, str]]:
    if isinstance(labels, str):
        labels = _from_json(labels)
    items: Iterable[tuple[Any, Any]]
    if isinstance(labels, Mapping):
        items = labels.items()
    elif isinstance(labels, list):
        items = [_key_and_value(item) for item in labels]
    else:
        raise _malformed("Labels are a map, a list of key and value, or a text that holds either as JSON")
    for key, value in items:
        yield _key(key), _value(key, value)


def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise _malformed(f"The labels are no JSON: {text[:80]!r}") from None


def _key_and_value(item: Any) -> tuple[Any, Any]:
    if not isinstance(item, Mapping) or set(item) != {"key", "value"}:
        raise _malformed(f"A label in a list has exactly a key and a value, not {item!r}")
    return item["key"], item["value"]


def _key(key: Any) -> str:
    text = str(key).strip()
    if not text:
        raise _malformed("A label needs a key")
    if text.startswith(_RESERVED):
        raise _malformed(f"The label {text!r} cannot be set: keys that start with {_RESERVED!r} are reserved")
    return text


def _value(key: Any, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise _malformed(f"The label {str(key)!r} needs a text, a number or a boolean, not {value!r}")


def _malformed(message: str) -> TaskError:
    return TaskError(f"{message}.", code="GOV807")
