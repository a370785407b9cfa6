"""Filters files that hold one item per line, as JSON or Ion."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from jupyter_gov.errors import GovError, TaskError
from jupyter_gov.lang.expr import is_truthy, render_typed
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.storage.lines import rows

_OFTEN = 1000


class _ItemTask(RunnableTask):
    from_: Dynamic[str] = Field(alias="from", description="URI of a file with one item per line, as JSON or Ion.")

    def lines(self, ctx: RunContext) -> Iterator[tuple[int, bytes, Mapping[str, Any]]]:
        """Yield number, text and item of each line that is not blank."""
        with ctx.files.get(self.from_).open("rb") as stream:
            for number, line in enumerate(rows(stream, b"\n"), 1):
                if number % _OFTEN == 0:
                    ctx.cancellation.raise_if_requested()
                if line.strip():
                    yield number, line, item_of(line, number)

    def store(self, ctx: RunContext, path: Path) -> str:
        """Store what is kept, under a name that says what it is."""
        return ctx.files.put(path, f"items{Path(self.from_).suffix or '.ion'}")


class FilterOutput(Output):
    """What FilterItems hands back."""

    uri: str = Field(description="URI of the file with the items that are kept, as they were written.")
    processed_items_total: int = Field(description="Number of items in the file.")
    dropped_items_total: int = Field(description="Number of items that are not kept.")


class FilterItems(_ItemTask):
    """Keep the items of a file for which a condition holds, or all others.

    In the condition the keys of the item are variables. It holds if it gives anything but an empty text, `false` and
    `0`; whether it gives null or an error counts as said by `errorOrNullBehavior`.
    """

    type_name = "io.kestra.plugin.core.storage.FilterItems"
    aliases = ("io.kestra.core.tasks.storages.FilterItems",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: even
type: io.kestra.plugin.core.storage.FilterItems
from: "{{ inputs.items }}"
filterCondition: "{{ value % 2 == 0 }}"
""",
    )

    filter_condition: str = Field(description="Expression over the keys of an item.")
    filter_type: Literal["INCLUDE", "EXCLUDE"] = Field(
        default="INCLUDE", description="Whether items for which it holds are kept or left out."
    )
    error_or_null_behavior: Literal["FAIL", "INCLUDE", "EXCLUDE"] = Field(
        default="FAIL", description="What becomes of an item for which the condition gives an error or null."
    )

    def run(self, ctx: RunContext) -> FilterOutput:
        """Store the items that are kept.

        Raises
        ------
        TaskError
            ``GOV876``: a line is no item. ``GOV877``: the condition gives an error or null, and that is to fail.
        """
        target = ctx.working_dir / "filtered"
        seen = kept = 0
        with target.open("wb") as stream:
            for number, line, item in self.lines(ctx):
                seen += 1
                if self._keeps(ctx, item, number):
                    kept += 1
                    stream.write(line)
        uri = self.store(ctx, target)
        return FilterOutput(uri=uri, processed_items_total=seen, dropped_items_total=seen - kept)

    def _keeps(self, ctx: RunContext, item: Mapping[str, Any], number: int) -> bool:
        cause: GovError | None = None
        try:
            found = ctx.render_typed(self.filter_condition.strip(), item)
        except GovError as error:
            found, cause = None, error
        if found is not None:
            return _holds(found) == (self.filter_type == "INCLUDE")
        if self.error_or_null_behavior == "FAIL":
            why = cause.message if cause is not None else "it is null"
            raise TaskError(
                f"The condition has no value for the item in line {number}: {why}",
                code="GOV877",
                hint="Write `errorOrNullBehavior: INCLUDE` or EXCLUDE to go on with such items.",
            ) from cause
        return self.error_or_null_behavior == "INCLUDE"


class DeduplicateOutput(Output):
    """What DeduplicateItems hands back."""

    uri: str = Field(description="URI of the file with the items that are kept, as they were written.")
    num_keys: int = Field(description="Number of different keys.")
    processed_items_total: int = Field(description="Number of items in the file.")
    dropped_items_total: int = Field(description="Number of items that are not kept.")


class DeduplicateItems(_ItemTask):
    """Of the items of a file that have the same key keep the last one.

    The key is what the expression gives; in it the keys of the item are variables.
    """

    type_name = "io.kestra.plugin.core.storage.DeduplicateItems"
    aliases = ("io.kestra.core.tasks.storages.DeduplicateItems",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: newest
type: io.kestra.plugin.core.storage.DeduplicateItems
from: "{{ inputs.items }}"
expr: "{{ key }}"
""",
    )

    expr: str = Field(description="Expression that gives the key of an item.")

    def run(self, ctx: RunContext) -> DeduplicateOutput:
        """Store the last item of each key.

        Raises
        ------
        TaskError
            ``GOV876``: a line is no item. ``GOV877``: the expression cannot be calculated for an item.
        """
        last: dict[str, int] = {}
        seen = 0
        for number, _, item in self.lines(ctx):
            seen += 1
            last[self._key(ctx, item, number)] = number
        target = ctx.working_dir / "unique"
        kept = set(last.values())
        with target.open("wb") as stream:
            for number, line, _ in self.lines(ctx):
                if number in kept:
                    stream.write(line if line.endswith(b"\n") else line + b"\n")
        return DeduplicateOutput(
            uri=self.store(ctx, target),
            num_keys=len(last),
            processed_items_total=seen,
            dropped_items_total=seen - len(kept),
        )

    def _key(self, ctx: RunContext, item: Mapping[str, Any], number: int) -> str:
        try:
            return str(ctx.render(self.expr, item))
        except GovError as error:
            raise TaskError(
                f"The expression has no value for the item in line {number}: {error.message}",
                code="GOV877",
                hint="Name keys that every item has, or write `?? ''` after one.",
            ) from error


def item_of(line: bytes, number: int) -> Mapping[str, Any]:
    """Return the item in a line of a file.

    Raises
    ------
    TaskError
        ``GOV876``: the line holds no map of JSON or Ion.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise _no_item(number, "it is no UTF-8 text") from None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = _ion(text, number)
    if not isinstance(found, Mapping):
        raise _no_item(number, "an item is a map such as {a: 1}")
    return found


def _ion(text: str, number: int) -> Any:
    try:
        return render_typed("{{ fromIon(line) }}", {"line": text})
    except GovError as error:
        raise _no_item(number, error.message) from error


def _holds(found: Any) -> bool:
    if isinstance(found, bool | int | float):
        return bool(found)
    return is_truthy(found) if isinstance(found, str) else True


def _no_item(number: int, why: str) -> TaskError:
    return TaskError(
        f"Line {number} of the file holds no item: {why}.",
        code="GOV876",
        hint="The file must have one item of JSON or Ion per line.",
    )
