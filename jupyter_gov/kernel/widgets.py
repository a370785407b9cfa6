"""The one live view of an execution in a notebook, and what to show where it cannot live.

The browser part is built from ``labextension/src/widget`` into ``kernel/static``; an installation from a clone
without Node has no such files, and every view is then the static one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, cast

import anywidget
import traitlets

from jupyter_gov.errors import GovError
from jupyter_gov.kernel.snapshot_types import ErrorSnapshot, Snapshot, WidgetReply, WidgetRequest
from jupyter_gov.legible import legible

_STATIC = Path(__file__).parent / "static"
_ACTIONS = frozenset({"decide", "kill", "restart", "refresh"})

RequestHandler = Callable[[WidgetRequest], None]
"""Does what a button asks for; raises a ``GovError`` that goes back to the browser."""

Fallback = Callable[[], Mapping[str, str]]
"""Returns the static MIME bundle (``text/html`` and ``text/plain``) of the present state."""


def available() -> bool:
    """Return whether the browser part is installed."""
    return (_STATIC / "widget.js").is_file()


def _asset(name: str) -> str:
    path = _STATIC / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def error_snapshot(error: GovError) -> ErrorSnapshot:
    """Return an error as the browser shows it."""
    body = error.to_json()
    shown = ErrorSnapshot(code=body["code"], message=body["message"], hint=body["hint"])
    problems = body.get("problems")
    if problems:
        shown["problems"] = problems
    return cast("ErrorSnapshot", legible(shown))


class ExecutionWidget(anywidget.AnyWidget):
    """Shows one execution live, with the buttons that a person may press.

    Parameters
    ----------
    snapshot
        What to show first; assign ``widget.snapshot`` (from any thread) to show something newer.
    on_request
        Called in the kernel's main thread for each button that the browser could not answer through REST.
    fallback
        Makes the static form, which stands beside the live one in the saved notebook and instead of it where the
        browser part is not installed.
    """

    _esm: ClassVar[str] = _asset("widget.js") or "export default {}"
    _css: ClassVar[str] = _asset("widget.css")

    snapshot = traitlets.Dict().tag(sync=True)
    busy = traitlets.Bool(default_value=False).tag(sync=True)
    error = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)

    def __init__(
        self, snapshot: Snapshot, *, on_request: RequestHandler | None = None, fallback: Fallback | None = None
    ) -> None:
        super().__init__(snapshot=snapshot)
        self._on_request = on_request
        self._fallback = fallback
        self.on_msg(self._receive)

    def _receive(self, _widget: object, content: Mapping[str, Any], _buffers: object) -> None:
        if content.get("action") not in _ACTIONS or self._on_request is None:
            return
        request = cast("WidgetRequest", dict(content))
        try:
            self._on_request(request)
        except GovError as error:
            self._reply(request, error_snapshot(error))
        except Exception as error:
            # The browser waits for an answer; the kernel's log gets the traceback.
            message = f"The kernel could not do this: {type(error).__name__}."
            hint = "See the log of the Jupyter server."
            self._reply(request, ErrorSnapshot(code="GOV490", message=message, hint=hint))
            raise
        else:
            self._reply(request, None)

    def _reply(self, request: WidgetRequest, error: ErrorSnapshot | None) -> None:
        reply = WidgetReply(kind="reply", requestId=request.get("requestId", ""), ok=error is None, error=error)
        self.send(reply)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        static: dict[str, Any] = dict(self._fallback()) if self._fallback else {}
        static.setdefault("text/plain", "Execution")
        if not available():
            return static, {}
        live = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**live[0], **static}, live[1]
