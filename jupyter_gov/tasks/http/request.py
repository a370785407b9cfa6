"""Asks a server and hands its answer back."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.http.base import HttpTask
from jupyter_gov.tasks.http.client import shown

if TYPE_CHECKING:
    import httpx

BODY_LIMIT = 10 * 2**20
_SHOWN = 2000


class RequestOutput(Output):
    """What Request hands back."""

    uri: str = Field(description="Address that was asked in the end.")
    code: int = Field(description="Status code of the answer.")
    headers: dict[str, list[str]] = Field(description="Headers of the answer.")
    body: str | None = Field(description="Body of the answer as text.")
    encrypted_body: dict[str, str] | None = Field(default=None, description="Body, sealed, if `encryptBody` is set.")
    form_data: dict[str, Any] | None = Field(default=None, description="The form that was sent.")


class Request(HttpTask):
    """Ask a web server and hand back code, headers and body of its answer.

    An answer with a code from 400 on fails the task, unless `allowFailed` is set. Certificates are always checked, and
    proxies of the environment are not used. Where a server redirects to another one, only neutral headers go along.
    """

    type_name = "io.kestra.plugin.core.http.Request"
    aliases = ("io.kestra.plugin.fs.http.Request",)
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: ask
type: io.kestra.plugin.core.http.Request
uri: "{{ inputs.url }}"
method: POST
body: |
  {"flow": "{{ flow.id }}"}
headers:
  X-Team: governance
options:
  timeout:
    connectTimeout: PT5S
""",
    )

    encrypt_body: Dynamic[bool] = Field(
        default=False, description="Hand the body back sealed; needs the encryption key of the installation."
    )

    def run(self, ctx: RunContext) -> RequestOutput:
        """Ask the server.

        Raises
        ------
        TaskError
            ``GOV880`` to ``GOV885``: see ``Exchange``; ``GOV884``: its answer says that it failed.
        """
        with self.answer(ctx, limit=BODY_LIMIT) as (exchange, response):
            data = b"".join(exchange.body(response))
            text = _text(data, response, self.options.default_charset)
            output = RequestOutput(
                uri=shown(str(response.url)),
                code=response.status_code,
                headers=headers_of(response),
                body=None if self.encrypt_body else text,
                encrypted_body=ctx.seal(text) if self.encrypt_body else None,
                form_data=self.form_data,
            )
        if self.refuses(output.code):
            raise failed(output, "" if self.encrypt_body else text)
        return output


def failed(output: Output, text: str) -> TaskError:
    """Return the error of an answer that says that the request failed."""
    told = output.model_dump(by_alias=True)
    return TaskError(
        f"The server answered with code {told['code']}.",
        code="GOV884",
        hint="Set `allowFailed: true` to go on all the same.",
        outputs=told,
        details={"body": text[:_SHOWN]},
    )


def headers_of(response: httpx.Response) -> dict[str, list[str]]:
    """Return the headers of an answer, each with all its values."""
    found: dict[str, list[str]] = {}
    for name, value in response.headers.multi_items():
        found.setdefault(name, []).append(value)
    return found


def _text(data: bytes, response: httpx.Response, default: str) -> str:
    name = response.charset_encoding or default
    try:
        codecs.lookup(name)
    except LookupError:
        name = "utf-8"
    return data.decode(name, "replace")
