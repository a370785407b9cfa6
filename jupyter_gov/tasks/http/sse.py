"""Listens to a server that sends events."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output
from jupyter_gov.plugins.context import Metric, RunContext
from jupyter_gov.tasks.http.base import HttpTask
from jupyter_gov.tasks.http.client import shown
from jupyter_gov.tasks.http.request import BODY_LIMIT, failed


class SseOutput(Output):
    """What SseRequest hands back."""

    uri: str = Field(description="Address that was asked in the end.")
    size: int = Field(description="How many events came.")
    events: list[dict[str, Any]] | None = Field(
        default=None,
        description="Events: `id`, `name`, `data` (read as JSON if it is), `comment`; none beside a result.",
    )
    result: str | None = Field(default=None, description="What the jq program gave for each event, joined.")


class Refused(Output):
    """What is told of a server that sends no events."""

    uri: str
    code: int


class SseRequest(HttpTask):
    """Ask a web server for a stream of events (Server-Sent Events) and hand them back when it ends.

    With `concatJqExpression` a jq program reads each event, such as `.data.message`, and what it gives is joined to one
    text. All events together may have as many bytes as the answer of a Request; `maxEvents` ends the stream early.
    """

    type_name = "io.kestra.plugin.core.http.SseRequest"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: listen
type: io.kestra.plugin.core.http.SseRequest
uri: "{{ inputs.url }}"
maxEvents: 10
""",
    )

    max_events: Dynamic[Annotated[int, Field(ge=1)]] | None = Field(
        default=None, description="After how many events to hang up."
    )
    concat_jq_expression: str | None = Field(default=None, description="jq program over each event.")
    failed_on_missing_jq: Dynamic[bool] = Field(
        default=True,
        description="Whether an event for which the jq program gives no text, number or boolean is a failure.",
    )

    def run(self, ctx: RunContext) -> SseOutput:
        """Listen until the stream ends.

        Raises
        ------
        TaskError
            ``GOV880`` to ``GOV885``: see ``Exchange``; ``GOV887``: an event has no value for the jq program.
        """
        events: list[dict[str, Any]] = []
        with self.answer(ctx, limit=BODY_LIMIT) as (exchange, response):
            uri, code = shown(str(response.url)), response.status_code
            if self.refuses(code):
                text = b"".join(exchange.body(response)).decode("utf-8", "replace")
                raise failed(Refused(uri=uri, code=code), text)
            for event in events_of(exchange.body(response)):
                events.append(event)
                if self.max_events is not None and len(events) >= self.max_events:
                    break
        ctx.metric(Metric("size", "counter", len(events)))
        values = [] if self.concat_jq_expression is None else list(self._values(ctx, events))
        if values:
            return SseOutput(uri=uri, size=len(events), result="".join(values))
        return SseOutput(uri=uri, size=len(events), events=events)

    def _values(self, ctx: RunContext, events: Iterable[dict[str, Any]]) -> Iterator[str]:
        for place, event in enumerate(events, 1):
            found = ctx.render_typed(
                "{{ event | jq(program) }}", {"event": event, "program": self.concat_jq_expression}
            )
            value = found[-1] if found else None
            if isinstance(value, bool):
                yield "true" if value else "false"
            elif isinstance(value, str | int | float):
                yield str(value)
            elif self.failed_on_missing_jq:
                raise TaskError(
                    f"Event {place} has no text, number or boolean for {self.concat_jq_expression!r}.",
                    code="GOV887",
                    hint="Set `failedOnMissingJq: false` to leave such events out.",
                )
            else:
                ctx.logger.debug(f"Event {place} has no value for {self.concat_jq_expression!r} and is left out.")


def events_of(parts: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield the events of a stream, as the HTML standard reads it; one that is cut off at its end is none."""
    data: list[str] = []
    event: dict[str, Any] = {}
    last_id: str | None = None
    for line in _lines(parts):
        if not line:
            if data:
                yield {"id": last_id, "name": None, "comment": None, **event, "data": _read("\n".join(data))}
            data, event = [], {}
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                data.append(value)
            case "event":
                event["name"] = value
            case "":
                event["comment"] = value
            case "id" if "\0" not in value:
                last_id = value


def _lines(parts: Iterable[bytes]) -> Iterator[str]:
    rest, first = b"", True
    for part in parts:
        rest += part
        # A carriage return at the end may be the first half of a line break.
        whole = rest.endswith(b"\r")
        *lines, last = (rest[:-1] if whole else rest).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        rest = last + b"\r" if whole else last
        for line in lines:
            text = line.decode("utf-8", "replace")
            yield text.removeprefix("\ufeff") if first else text
            first = False
    if rest.endswith(b"\r"):
        yield rest[:-1].decode("utf-8", "replace")


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
