"""Stores the answer of a server as a file."""

from __future__ import annotations

from email.message import Message
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import unquote

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.http.base import HttpTask
from jupyter_gov.tasks.http.request import failed, headers_of

if TYPE_CHECKING:
    import httpx

FILE_LIMIT = 4 * 2**30
_LONGEST_NAME = 200


class DownloadOutput(Output):
    """What Download hands back."""

    uri: str | None = Field(description="URI of the file.")
    code: int = Field(description="Status code of the answer.")
    length: int = Field(description="Bytes of the file.")
    headers: dict[str, list[str]] = Field(description="Headers of the answer.")


class Download(HttpTask):
    """Ask a web server and store the body of its answer as a file; see Request for how it is asked."""

    type_name = "io.kestra.plugin.core.http.Download"
    aliases = ("io.kestra.plugin.fs.http.Download",)
    repeatable = True
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: fetch
type: io.kestra.plugin.core.http.Download
uri: "{{ inputs.url }}"
""",
    )

    fail_on_empty_response: Dynamic[bool] = Field(default=True, description="Fail if the answer has no body.")

    def run(self, ctx: RunContext) -> DownloadOutput:
        """Store the answer.

        Raises
        ------
        TaskError
            ``GOV880`` to ``GOV885``: see ``Exchange``; ``GOV884``: its answer says that it failed. ``GOV886``: it is
            empty.
        """
        target = ctx.working_dir / ".download"
        length = 0
        with self.answer(ctx, limit=FILE_LIMIT) as (exchange, response):
            total = int(told) if (told := response.headers.get("content-length", "")).isdigit() else 0
            with target.open("wb") as stream:
                for part in exchange.body(response):
                    length += stream.write(part)
                    ctx.progress(length, max(total, length), "bytes")
            output = DownloadOutput(uri=None, code=response.status_code, length=length, headers=headers_of(response))
            name = _name(response)
        if self.refuses(output.code):
            with target.open("rb") as stream:
                raise failed(output, stream.read(2000).decode("utf-8", "replace"))
        if length == 0 and self.fail_on_empty_response:
            raise TaskError(
                "The answer of the server is empty.",
                code="GOV886",
                hint="Set `failOnEmptyResponse: false` if that is all right.",
                outputs=output.model_dump(by_alias=True),
            )
        return output.model_copy(update={"uri": ctx.files.put(target, name)})


def _name(response: httpx.Response) -> str:
    """Return the name that the server gives the file, or that stands in its address."""
    told = Message()
    told["Content-Disposition"] = response.headers.get("content-disposition", "")
    name = told.get_filename() or unquote(PurePosixPath(response.url.path).name)
    plain = PurePosixPath(name.replace("\\", "/")).name
    return plain[-_LONGEST_NAME:] or "download"
