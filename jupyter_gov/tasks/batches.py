"""The two parts of ForEachItem that work with files: the batches, and what the called executions handed back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from jupyter_gov.engine.flowables.foreachitem import MERGE, SPLIT, Batch
from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.storage.lines import encoded, rows
from jupyter_gov.tasks.storage.sizes import parse_size
from jupyter_gov.tasks.storage.split import MOST_PARTITIONS, cut, dealt


class SplitOutput(Output):
    """What the split hands on."""

    splits: str = Field(description="URI of a file with the URI of a batch on each line.")


class Split(RunnableTask):
    """Splits the items of a ForEachItem into batches. It is a part of that and no type of its own."""

    type_name = SPLIT
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = ()

    items: Dynamic[str] = Field(description="URI of the file.")
    batch: Batch = Field(default_factory=Batch, description="How much of the file goes into a batch.")

    def run(self, ctx: RunContext) -> SplitOutput:
        """Store the batches.

        Raises
        ------
        TaskError
            ``GOV874``: a size is wrong. ``GOV875``: a row is too long, or there are too many batches. ``GOV86x``: the
            file may not be read.
        """
        uri = self.items.strip()
        source, suffix = ctx.files.get(uri), Path(uri).suffix or ".txt"
        uris = []
        for number, part in enumerate(self._parts(source, ctx)):
            ctx.cancellation.raise_if_requested()
            uris.append(ctx.files.put(part, f"batch-{number:05}{suffix}"))
            part.unlink()
        listed = "".join(f"{one}\n" for one in uris)
        return SplitOutput(splits=ctx.files.put_bytes(listed.encode(), "splits.txt"))

    def _parts(self, source: Path, ctx: RunContext) -> Iterator[Path]:
        batch = self.batch
        partitions = None if batch.bytes_ else batch.partitions
        if batch.rows < 1 or (partitions is not None and not 1 <= partitions <= MOST_PARTITIONS):
            raise TaskError(
                f"A batch has 1 row or more, and a file 1 to {MOST_PARTITIONS} partitions.",
                code="GOV874",
                hint="Correct `batch`.",
            )
        with source.open("rb") as stream:
            found = rows(stream, encoded(batch.separator))
            if partitions is not None:
                yield from dealt(found, partitions, ctx.working_dir)
            elif batch.bytes_:
                yield from cut(found, ctx.working_dir, most_bytes=parse_size(batch.bytes_))
            else:
                yield from cut(found, ctx.working_dir, most_rows=batch.rows)


class MergeOutput(Output):
    """What the merge hands back."""

    subflow_outputs: str = Field(description="URI of a file with the outputs of one called execution on each line.")


class Merge(RunnableTask):
    """Puts what the called executions of a ForEachItem handed back into one file. It is a part of that."""

    type_name = MERGE
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = ()

    calls: str = Field(description="Id of the task that called.")

    def run(self, ctx: RunContext) -> MergeOutput | None:
        """Store the outputs, in the order of the batches."""
        target = ctx.working_dir / "outputs.ion"
        number = 0
        with target.open("w", encoding="utf-8") as stream:
            for outputs in ctx.called(self.calls):
                number += 1
                # A line of JSON is one of Ion too.
                stream.write(json.dumps(outputs, ensure_ascii=False) + "\n")
        return MergeOutput(subflow_outputs=ctx.files.put(target)) if number else None
