"""Joins, reverses, measures, writes and deletes stored files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.storage.lines import encoded, reversed_rows
from jupyter_gov.tasks.workspace import store_outputs, write_inputs


class UriOutput(Output):
    """What a task hands back that made one file."""

    uri: str = Field(description="URI of the file.")


class Concat(RunnableTask):
    """Join files into one, in the order given; the separator follows every file, the last one too."""

    type_name = "io.kestra.plugin.core.storage.Concat"
    aliases = ("io.kestra.core.tasks.storages.Concat",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: joined
type: io.kestra.plugin.core.storage.Concat
files:
  - "{{ inputs.file }}"
  - "{{ inputs.file }}"
extension: .csv
""",
    )

    files: Dynamic[list[str] | str] = Field(description="URIs of the files: a list, or such a list as JSON text.")
    separator: Dynamic[str] | None = Field(default=None, description="Text after each file.")
    extension: Dynamic[str] = Field(default=".tmp", description="How the name of the file ends.")

    def run(self, ctx: RunContext) -> UriOutput:
        """Store the joined file.

        Raises
        ------
        TaskError
            ``GOV86x``: a file may not be read.
        """
        target = ctx.working_dir / "concat"
        after = (self.separator or "").encode()
        with target.open("wb") as joined:
            for uri in uri_list(self.files):
                ctx.cancellation.raise_if_requested()
                with ctx.files.get(uri).open("rb") as part:
                    shutil.copyfileobj(part, joined)
                joined.write(after)
        return UriOutput(uri=ctx.files.put(target, f"concat{self.extension}"))


class Reverse(RunnableTask):
    """Store the rows of a file from the last to the first."""

    type_name = "io.kestra.plugin.core.storage.Reverse"
    aliases = ("io.kestra.core.tasks.storages.Reverse",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: newest-first
type: io.kestra.plugin.core.storage.Reverse
from: "{{ inputs.file }}"
""",
    )

    from_: Dynamic[str] = Field(alias="from", description="URI of the file.")
    separator: Dynamic[str] = Field(default="\n", description="What ends a row; a line break if left out.")
    charset: Dynamic[str] = Field(default="UTF-8", description="Character set of the file.")

    def run(self, ctx: RunContext) -> UriOutput:
        """Store the reversed file.

        Raises
        ------
        TaskError
            ``GOV874``: no such character set. ``GOV875``: a row is too long. ``GOV86x``: the file may not be read.
        """
        source = ctx.files.get(self.from_)
        separator = encoded(self.separator, self.charset)
        target = ctx.working_dir / "reversed"
        with target.open("wb") as stream:
            for row in reversed_rows(source, separator):
                stream.write(row)
                stream.write(separator)
        return UriOutput(uri=ctx.files.put(target, f"reversed{Path(self.from_).suffix}"))


class SizeOutput(Output):
    """What Size hands back."""

    size: int = Field(description="Bytes of the file.")


class Size(RunnableTask):
    """Tell how many bytes a file has."""

    type_name = "io.kestra.plugin.core.storage.Size"
    aliases = ("io.kestra.core.tasks.storages.Size",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: size
type: io.kestra.plugin.core.storage.Size
uri: "{{ inputs.file }}"
""",
    )

    uri: Dynamic[str] = Field(description="URI of the file.")

    def run(self, ctx: RunContext) -> SizeOutput:
        """Return the size.

        Raises
        ------
        TaskError
            ``GOV86x``: the file may not be read.
        """
        return SizeOutput(size=ctx.files.get(self.uri).stat().st_size)


class Write(RunnableTask):
    """Store a text as a file."""

    type_name = "io.kestra.plugin.core.storage.Write"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: note
type: io.kestra.plugin.core.storage.Write
content: "Made by {{ flow.id }}"
extension: .txt
""",
    )

    content: Dynamic[str] = Field(description="The text.")
    extension: Dynamic[str] = Field(default="", description="How the name of the file ends, such as .txt.")

    def run(self, ctx: RunContext) -> UriOutput:
        """Store the text."""
        if ctx.redact(self.content) != self.content:
            raise TaskError(
                "The text holds a secret, and files are stored in the clear.",
                code="GOV859",
                hint="Let the task that needs the secret read it by `{{ secret('NAME') }}`.",
            )
        return UriOutput(uri=ctx.files.put_bytes(self.content.encode(), f"file{self.extension}"))


class DeleteOutput(Output):
    """What Delete hands back."""

    uri: str = Field(description="URI of the file.")
    deleted: bool = Field(description="Whether it was there.")


class Delete(RunnableTask):
    """Delete a stored file of this execution or of its parent: nothing can read it by its URI any more.

    The history keeps its digest, and its bytes go when files are cleaned up that nothing refers to.
    """

    type_name = "io.kestra.plugin.core.storage.Delete"
    aliases = ("io.kestra.core.tasks.storages.Delete",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: away
type: io.kestra.plugin.core.storage.Delete
uri: "{{ inputs.file }}"
""",
    )

    uri: Dynamic[str] = Field(description="URI of the file.")
    error_on_missing: Dynamic[bool] = Field(default=False, description="Fail if it is not there.")

    def run(self, ctx: RunContext) -> DeleteOutput:
        """Delete the file.

        Raises
        ------
        TaskError
            ``GOV861``: it is not there, and `errorOnMissing` is set. ``GOV862``: it is no file of this execution.
        """
        deleted = ctx.files.delete(self.uri)
        if not deleted and self.error_on_missing:
            raise TaskError(
                f"Unable to find the file '{self.uri}', and `errorOnMissing` is set to true.", code="GOV861"
            )
        return DeleteOutput(uri=self.uri, deleted=deleted)


class PurgeOutput(Output):
    """What PurgeCurrentExecutionFiles hands back."""

    uris: list[str] = Field(description="URIs of the files that were deleted.")


class PurgeCurrentExecutionFiles(RunnableTask):
    """Delete all stored files of this execution: its inputs, and what its tasks made; see Delete."""

    type_name = "io.kestra.plugin.core.storage.PurgeCurrentExecutionFiles"
    aliases = ("io.kestra.core.tasks.storages.PurgeExecution", "io.kestra.plugin.core.storage.PurgeExecution")
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: tidy
type: io.kestra.plugin.core.storage.PurgeCurrentExecutionFiles
""",
    )

    def run(self, ctx: RunContext) -> PurgeOutput:
        """Delete the files."""
        return PurgeOutput(uris=ctx.files.delete_all())


class LocalFilesOutput(Output):
    """What LocalFiles hands back."""

    uris: dict[str, str] = Field(description="Name -> URI of the files that match `outputs`.")


class LocalFiles(RunnableTask):
    """Write files into the working directory, and store files of it.

    Only of use inside a WorkingDirectory, whose tasks share one directory.
    """

    type_name = "io.kestra.plugin.core.storage.LocalFiles"
    aliases = ("io.kestra.core.tasks.storages.LocalFiles",)
    deprecated = "use inputFiles and outputFiles of the task or of the WorkingDirectory around it"
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: files
type: io.kestra.plugin.core.storage.LocalFiles
inputs:
  hello.txt: "Hello {{ flow.id }}"
outputs:
  - "*.txt"
""",
    )

    inputs: Dynamic[dict[str, Any] | str] | None = Field(
        default=None, description="Name -> text or URI of a file; or such a map as JSON text."
    )
    outputs: Dynamic[list[str]] | None = Field(default=None, description="Files to store, as names or patterns.")

    def run(self, ctx: RunContext) -> LocalFilesOutput:
        """Write and store the files.

        Raises
        ------
        TaskError
            ``GOV816``: a name leads out of the working directory. ``GOV86x``: a file may not be read.
        """
        write_inputs(ctx, self.inputs)
        return LocalFilesOutput(uris=store_outputs(ctx, self.outputs or []))


def uri_list(written: list[str] | str) -> list[str]:
    """Return URIs of a list, of JSON text of one, or of a single one.

    Raises
    ------
    TaskError
        ``GOV874``: it is neither.
    """
    if isinstance(written, list):
        return written
    if not written.lstrip().startswith("["):
        return [written.strip()]
    try:
        found = json.loads(written)
    except ValueError:
        found = None
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise TaskError("`files` is neither a URI nor a JSON list of URIs.", code="GOV874")
    return found
