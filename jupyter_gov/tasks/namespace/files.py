"""Uploads, downloads and deletes files of a namespace."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from jupyter_gov.errors import ConflictError, TaskError
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.namespace.patterns import matching
from jupyter_gov.tasks.namespace.spec import as_list
from jupyter_gov.tasks.workspace import URI_SCHEMES


class FilesOutput(Output):
    """What these tasks hand back."""

    files: dict[str, str] = Field(description="Path -> URI.")


class _FilesTask(RunnableTask):
    namespace: Dynamic[str] | None = Field(
        default=None, description="Whose files; the namespace of the flow if left out."
    )


class UploadFiles(_FilesTask):
    """Put files into a namespace, where later executions and other flows find them.

    Flows read them by `{{ read('path') }}` and take them by `namespaceFiles`.
    """

    type_name = "io.kestra.plugin.core.namespace.UploadFiles"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: publish
type: io.kestra.plugin.core.namespace.UploadFiles
filesMap:
  queries/users.sql: SELECT * FROM users
  data.csv: "{{ inputs.file }}"
destination: reports
""",
    )

    files: Dynamic[list[str] | str] | None = Field(
        default=None, description="Patterns of files in the working directory, inside a WorkingDirectory."
    )
    files_map: Dynamic[dict[str, Any] | str] | None = Field(
        default=None, description="Path -> URI of a file, or text; or such a map as JSON text."
    )
    destination: Dynamic[str] = Field(default="/", description="Folder of the namespace.")
    conflict: Dynamic[Literal["OVERWRITE", "ERROR", "SKIP"]] = Field(
        default="OVERWRITE", description="What becomes of a file that the namespace has already."
    )

    def run(self, ctx: RunContext) -> FilesOutput:
        """Upload the files.

        Raises
        ------
        TaskError
            ``GOV870``: no such namespace. ``GOV878``: a path or pattern is wrong. ``GOV86x``: a file may not be read.
        ConflictError
            ``GOV747``: there is such a file, and `conflict` is ERROR.
        """
        found: dict[str, str] = {}
        for name, source in self._sources(ctx):
            ctx.cancellation.raise_if_requested()
            path = f"{self.destination.strip('/')}/{name.lstrip('/')}".lstrip("/")
            try:
                overwrite = self.conflict == "OVERWRITE"
                found[path] = ctx.namespace_files.put(source, path, namespace=self.namespace, overwrite=overwrite)
            except ConflictError:
                if self.conflict == "ERROR":
                    raise
                ctx.logger.info(f"The namespace has a file '{path}' already: skipped.")
        return FilesOutput(files=found)

    def _sources(self, ctx: RunContext) -> Iterator[tuple[str, Path]]:
        folder = ctx.working_dir
        if self.files is not None:
            # Links could lead anywhere; what is uploaded is what lies in the directory.
            known = [one for one in folder.rglob("*") if one.is_file() and not one.is_symlink()]
            for name in matching(sorted(one.relative_to(folder).as_posix() for one in known), as_list(self.files)):
                yield name, folder / name
        for number, (name, content) in enumerate(_map(self.files_map).items()):
            if isinstance(content, str) and content.strip().startswith(URI_SCHEMES):
                yield name, ctx.files.get(content.strip())
            else:
                text = content if isinstance(content, str) else json.dumps(content)
                source = folder / f".upload-{number}"
                source.write_text(text, "utf-8")
                yield name, source
                source.unlink()


class DownloadFiles(_FilesTask):
    """Store files of a namespace as files of the execution, so that they stay as they are now."""

    type_name = "io.kestra.plugin.core.namespace.DownloadFiles"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: queries
type: io.kestra.plugin.core.namespace.DownloadFiles
files:
  - "**.sql"
""",
    )

    files: Dynamic[list[str] | str] = Field(description="Patterns of the files.")
    destination: Dynamic[str] = Field(default="", description="Put before the path of each in the output.")

    def run(self, ctx: RunContext) -> FilesOutput:
        """Store the files.

        Raises
        ------
        TaskError
            ``GOV870``: no such namespace. ``GOV878``: a pattern is wrong.
        """
        found = {}
        for path in matching(ctx.namespace_files.list(namespace=self.namespace), as_list(self.files)):
            ctx.cancellation.raise_if_requested()
            source = ctx.namespace_files.get(path, namespace=self.namespace)
            name = f"{self.destination.rstrip('/')}/{path}" if self.destination.strip("/") else path
            found[name] = ctx.files.put(source, path.rpartition("/")[2])
        return FilesOutput(files=found)


class DeleteFiles(_FilesTask):
    """Delete files of a namespace; the history keeps their digests."""

    type_name = "io.kestra.plugin.core.namespace.DeleteFiles"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: tidy
type: io.kestra.plugin.core.namespace.DeleteFiles
files: /tmp/**
""",
    )

    files: Dynamic[list[str] | str] = Field(description="Patterns of the files.")
    delete_parent_folder: Dynamic[bool] = Field(
        default=True, description="Accepted and ignored: folders are but parts of paths."
    )

    def run(self, ctx: RunContext) -> FilesOutput:
        """Delete the files.

        Raises
        ------
        TaskError
            ``GOV870``: no such namespace. ``GOV878``: a pattern is wrong.
        """
        found = {}
        for path in matching(ctx.namespace_files.list(namespace=self.namespace), as_list(self.files)):
            if ctx.namespace_files.delete(path, namespace=self.namespace):
                found[path] = ctx.namespace_files.uri(path, namespace=self.namespace)
        return FilesOutput(files=found)


def _map(written: Mapping[str, Any] | str | None) -> Mapping[str, Any]:
    found = written
    if isinstance(written, str):
        try:
            found = json.loads(written)
        except ValueError:
            found = written
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise TaskError("`filesMap` is neither a map from path to URI nor such a map as JSON text.", code="GOV878")
    return found
