"""Splits a file into several, at the ends of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.storage.lines import encoded, rows
from jupyter_gov.tasks.storage.sizes import parse_size

MOST_PARTS = 100_000
MOST_PARTITIONS = 500

Rows = Annotated[int, Field(ge=1)]
Parts = Annotated[int, Field(ge=1, le=MOST_PARTITIONS)]


class SplitOutput(Output):
    """What Split hands back."""

    uris: list[str] = Field(description="URIs of the parts, in order; together they are the file.")


class Split(RunnableTask):
    """Split a file into parts of so many rows, of so many bytes, or into so many parts.

    Rows stay whole: a row that is longer than `bytes` is a part of its own. With `partitions` the rows are dealt out in
    turn; empty parts are left out.
    """

    type_name = "io.kestra.plugin.core.storage.Split"
    aliases = ("io.kestra.core.tasks.storages.Split",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: batches
type: io.kestra.plugin.core.storage.Split
from: "{{ inputs.file }}"
rows: 1000
""",
        """\
id: small
type: io.kestra.plugin.core.storage.Split
from: "{{ inputs.file }}"
bytes: 10MB
""",
    )

    from_: Dynamic[str] = Field(alias="from", description="URI of the file.")
    bytes_: Dynamic[str] | None = Field(default=None, alias="bytes", description="Most bytes of a part, such as 10MB.")
    partitions: Dynamic[Parts] | None = Field(default=None, description="Number of parts.")
    rows: Dynamic[Rows] | None = Field(default=None, description="Rows of a part.")
    separator: Dynamic[str] = Field(default="\n", description="What ends a row; a line break if left out.")

    def run(self, ctx: RunContext) -> SplitOutput:
        """Store the parts.

        Raises
        ------
        TaskError
            ``GOV874``: not exactly one of `rows`, `bytes` and `partitions`. ``GOV875``: a row is too long, or there
            are too many parts. ``GOV86x``: the file may not be read.
        """
        source = ctx.files.get(self.from_)
        suffix = Path(self.from_).suffix or ".txt"
        uris = []
        for number, part in enumerate(self._parts(source, ctx)):
            ctx.cancellation.raise_if_requested()
            uris.append(ctx.files.put(part, f"part-{number:05}{suffix}"))
            part.unlink()
        return SplitOutput(uris=uris)

    def _parts(self, source: Path, ctx: RunContext) -> Iterator[Path]:
        given = [self.rows, self.bytes_, self.partitions]
        if sum(one is not None for one in given) != 1:
            raise TaskError(
                "A file is split by exactly one of `rows`, `bytes` and `partitions`.",
                code="GOV874",
                hint="Write one of them.",
            )
        with source.open("rb") as stream:
            found = rows(stream, encoded(self.separator))
            if self.partitions is not None:
                yield from dealt(found, self.partitions, ctx.working_dir)
            else:
                most_bytes = None if self.bytes_ is None else parse_size(self.bytes_)
                yield from cut(found, ctx.working_dir, most_rows=self.rows, most_bytes=most_bytes)


def cut(
    found: Iterator[bytes], folder: Path, *, most_rows: int | None = None, most_bytes: int | None = None
) -> Iterator[Path]:
    """Write rows into files one after the other, and yield each when it is full; the caller removes it.

    Raises
    ------
    TaskError
        ``GOV875``: too many parts.
    """
    path, number, count, size = folder / ".part", 0, 0, 0
    target: BinaryIO | None = None
    try:
        for row in found:
            full = count == most_rows or (most_bytes is not None and count > 0 and size + len(row) > most_bytes)
            if target is not None and full:
                target.close()
                target = None
                yield path
            if target is None:
                number += 1
                if number > MOST_PARTS:
                    raise _too_many()
                target, count, size = path.open("wb"), 0, 0
            target.write(row)
            count, size = count + 1, size + len(row)
    finally:
        if target is not None:
            target.close()
    if number:
        yield path


def dealt(found: Iterator[bytes], partitions: int, folder: Path) -> Iterator[Path]:
    """Deal rows out to files in turn, and yield those that got any."""
    paths = [folder / f".part-{number}" for number in range(partitions)]
    with ExitStack() as stack:
        targets = [stack.enter_context(path.open("wb")) for path in paths]
        for number, row in enumerate(found):
            targets[number % partitions].write(row)
    yield from (path for path in paths if path.stat().st_size)


def _too_many() -> TaskError:
    return TaskError(
        f"The file has more than {MOST_PARTS} parts.", code="GOV875", hint="Write more `rows` or `bytes` for a part."
    )
