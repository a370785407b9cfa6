"""The working directory that several tasks share."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.engine.flowables.directory import CLOSE, OPEN, Directory
from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.scalars import IsoDuration
from jupyter_gov.plugins.api import Dynamic, GovModel, Output
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.namespace.patterns import matching
from jupyter_gov.tasks.namespace.spec import NamespaceFiles, write_namespace_files
from jupyter_gov.tasks.workspace import store_outputs, write_inputs

MOST_BYTES = 4 * 2**30
"""Bytes of files that a cache may keep."""
MOST_FILES = 100_000


class Cache(GovModel):
    """Files of the folder that the next execution of the flow finds again."""

    patterns: Dynamic[list[str]] = Field(description="Patterns of the files that are kept.")
    ttl: Dynamic[IsoDuration] | None = Field(
        default=None, description="How long they are kept after they last changed; until they are deleted if left out."
    )


class DirectoryOutput(Output):
    """What WorkingDirectory hands back."""

    output_files: dict[str, str] = Field(description="Name -> URI of the files that match `outputFiles`.")


class WorkingDirectory(Directory):
    """Runs its tasks one after the other in one folder, so that each finds the files of those before it.

    The folder is one worker's and is deleted behind the last task; `outputFiles` and `cache` name what shall stay.
    When that worker dies, the folder is gone with it: the tasks that had ended stay ended, the others fail (GOV818),
    unless none had begun yet. A restart runs all tasks of the folder again. `errors` and `finally` run outside of it.
    """

    type_name = "io.kestra.plugin.core.flow.WorkingDirectory"
    aliases = ("io.kestra.core.tasks.flows.WorkingDirectory", "io.kestra.core.tasks.flows.Worker")
    kept: ClassVar[tuple[str, ...]] = ("outputFiles", "cache")
    errands: ClassVar[Mapping[str, frozenset[str]]] = {
        OPEN: frozenset({"inputFiles", "namespaceFiles", "cache"}),
        CLOSE: frozenset({"outputFiles", "cache"}),
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: together
type: io.kestra.plugin.core.flow.WorkingDirectory
inputFiles:
  numbers.txt: "1 2 3"
outputFiles:
  - "*.json"
tasks:
  - id: count
    type: io.kestra.plugin.scripts.shell.Commands
    commands:
      - wc -w < numbers.txt > words
  - id: report
    type: io.kestra.plugin.scripts.shell.Commands
    commands:
      - echo "{\\"words\\":$(cat words)}" > report.json
""",
        """\
id: cached
type: io.kestra.plugin.core.flow.WorkingDirectory
cache:
  patterns:
    - data/**
  ttl: PT1H
tasks:
  - id: load
    type: io.kestra.plugin.scripts.shell.Commands
    commands:
      - test -e data/numbers.txt || (mkdir -p data && echo 42 > data/numbers.txt)
""",
    )

    input_files: Dynamic[dict[str, Any] | str] | None = Field(
        default=None, description="Name -> text or URI of a file, written before the first task; or such a map as JSON."
    )
    output_files: Dynamic[list[str]] | None = Field(
        default=None, description="Files that are stored behind the last task, as names or patterns."
    )
    namespace_files: NamespaceFiles | None = Field(default=None, description="Files of namespaces that are copied in.")
    cache: Cache | None = Field(default=None, description="Files that the next execution of the flow finds again.")

    def do(self, errand: str, ctx: RunContext) -> DirectoryOutput | None:
        """Fill the folder, or keep what shall stay of it.

        Raises
        ------
        TaskError
            ``GOV816``, ``GOV878``: a name or pattern is wrong. ``GOV86x``: a file may not be read. ``GOV819``: there is
            too much to be cached.
        """
        if errand == OPEN:
            self._restore(ctx)
            write_namespace_files(ctx, self.namespace_files)
            write_inputs(ctx, self.input_files)
            return None
        outputs = None
        if self.output_files:
            outputs = DirectoryOutput(output_files=store_outputs(ctx, self.output_files))
        self._save(ctx)
        return outputs

    def _restore(self, ctx: RunContext) -> None:
        archive = None if self.cache is None else ctx.cache.get()
        if archive is None:
            return
        with tarfile.open(archive) as stored:
            # They come from an earlier execution of this flow; what leads out of the folder is refused all the same.
            stored.extractall(ctx.working_dir, filter="data")

    def _save(self, ctx: RunContext) -> None:
        if self.cache is None:
            return
        folder = ctx.working_dir
        names = matching(_files(folder), self.cache.patterns)
        if not names:
            return
        size = sum((folder / name).lstat().st_size for name in names)
        if size > MOST_BYTES or len(names) > MOST_FILES:
            raise TaskError(
                f"The cache would keep {len(names)} files of {size} bytes; {MOST_FILES} files and {MOST_BYTES} bytes "
                "are allowed.",
                code="GOV819",
                hint="Name fewer files in `patterns`.",
            )
        archive = folder / ".jupyter-gov-cache"
        try:
            with archive.open("wb") as target:
                _pack(folder, names, target)
            ctx.cache.put(archive, ttl=self.cache.ttl)
        finally:
            archive.unlink(missing_ok=True)


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or path.is_file():
            yield path.relative_to(folder).as_posix()


def _pack(folder: Path, names: list[str], target: io.BufferedIOBase) -> None:
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name in names:
            entry = archive.gettarinfo(folder / name, arcname=name)
            # The same files give the same bytes: a cache is stored again only when something in it has changed.
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
            if entry.isreg():
                with (folder / name).open("rb") as source:
                    archive.addfile(entry, source)
            elif entry.issym():
                archive.addfile(entry)
