"""What a request is made of, for all tasks that make one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, RunnableTask, TypedModel
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.http.client import Exchange, header
from jupyter_gov.tasks.http.options import Options, Ssl
from jupyter_gov.tasks.workspace import URI_SCHEMES

if TYPE_CHECKING:
    import httpx

_MULTIPART = "multipart/form-data"


def _method(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


Method = Annotated[str, BeforeValidator(_method), Field(pattern="^[A-Z]{1,20}$")]


class Asking(TypedModel):
    """What a request is made of."""

    uri: Dynamic[str] = Field(description="Address, beginning with http:// or https://.")
    method: Dynamic[Method] = Field(default="GET", description="GET, POST, PUT, PATCH, DELETE, HEAD or OPTIONS.")
    params: Dynamic[dict[str, Any]] | None = Field(default=None, description="Query parameters: name -> value or list.")
    body: Dynamic[str | dict[str, Any] | list[Any]] | None = Field(
        default=None, description="Body: a text, or a map or list that is sent as JSON."
    )
    form_data: Dynamic[dict[str, Any]] | None = Field(
        default=None,
        description="Body of a form: name -> value. With contentType multipart/form-data a value may be the URI of a "
        "file, or a map of `name` and `content` (a URI).",
    )
    content_type: Dynamic[str] | None = Field(default=None, description="Type of the body; application/json if a text.")
    headers: Dynamic[dict[str, str]] = Field(default_factory=dict, description="Name -> value.")
    options: Options = Field(default_factory=Options, description="Time, size, identity, proxy.")
    ssl_options: Ssl | None = Field(default=None, description="TLS.")


class HttpTask(Asking, RunnableTask):
    """A task that asks a web server."""

    allow_failed: Dynamic[bool] = Field(default=False, description="Whether codes from 400 on are no failure.")

    @contextmanager
    def answer(self, ctx: RunContext, *, limit: int) -> Iterator[tuple[Exchange, httpx.Response]]:
        """Ask, and hand out the answer before its body is read; see ``Exchange.send``."""
        exchange = Exchange(ctx, self.options, limit=limit)
        with ExitStack() as stack:
            content = self._content(ctx, stack)
            headers = {**self._type_header(content), **self.headers}
            if self.params:
                content["params"] = {name: _parameter(value) for name, value in self.params.items()}
            ctx.logger.debug(f"{self.method} {self.uri}")
            answered = stack.enter_context(exchange.send(self.method, self.uri.strip(), headers, **content))
            yield exchange, answered

    def refuses(self, code: int) -> bool:
        """Return whether an answer of this code is a failure."""
        if code < 400 or self.allow_failed or self.options.allow_failed:
            return False
        return code not in (self.options.allowed_response_codes or ())

    def _content(self, ctx: RunContext, stack: ExitStack) -> dict[str, Any]:
        if self.form_data is not None:
            if (self.content_type or "").lower().startswith(_MULTIPART):
                return {"files": [(name, _part(ctx, stack, value)) for name, value in self.form_data.items()]}
            return {"data": {name: _parameter(value) for name, value in self.form_data.items()}}
        if self.body is None:
            return {}
        text = self.body if isinstance(self.body, str) else json.dumps(self.body, ensure_ascii=False)
        return {"content": text.encode()}

    def _type_header(self, content: Mapping[str, Any]) -> dict[str, str]:
        if "files" in content:
            return {}  # The boundary between the parts is part of the type, and not ours to choose.
        if self.content_type is not None:
            header("Content-Type", self.content_type)
            return {"Content-Type": self.content_type}
        return {"Content-Type": "application/json"} if "content" in content else {}


def _parameter(value: Any) -> Any:
    if isinstance(value, list):
        return [_parameter(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else "" if value is None else str(value)


def _part(ctx: RunContext, stack: ExitStack, value: Any) -> Any:
    name, content = None, value
    if isinstance(value, Mapping):
        name, content = value.get("name"), value.get("content")
        if content is None:
            raise TaskError("A file in `formData` needs a `content`, its URI.", code="GOV880")
    if isinstance(content, str) and content.startswith(URI_SCHEMES):
        stream = stack.enter_context(ctx.files.get(content).open("rb"))
        return (str(name or content.rpartition("/")[2]), stream)
    return (None if name is None else str(name), str(_parameter(content)).encode())
