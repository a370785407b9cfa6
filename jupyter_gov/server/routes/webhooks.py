"""The one address that strangers may call: a webhook, by whoever knows its key."""

from __future__ import annotations

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler
from tornado import web

from jupyter_gov.errors import GovError
from jupyter_gov.server.base import MAX_BODY, GovHandler, Refusal
from jupyter_gov.server.models import WebhookOut

LIMITER = "jupyter_gov_webhook_limiter"
"""Key of the server's settings under which the limiter stands."""
_MINUTE = 60.0
_REMEMBERED = 10_000
_HIDDEN = "[key]"


class Limiter:
    """Lets each address call so many times a minute; what was not used is saved up to a minute's worth.

    Behind a proxy that hides its callers, all of them are one address.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> float:
        """Count a call; return 0 if it may go on, else the seconds until the next one may."""
        now = self._clock()
        left, at = self._left.pop(address, (self._most, now))
        left = min(self._most, left + (now - at) * self._most / _MINUTE)
        allowed = left >= 1
        self._left[address] = (left - 1 if allowed else left, now)
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) * _MINUTE / self._most


@web.stream_request_body
class WebhookHandler(GovHandler):
    """``GET|POST|PUT executions/webhook/{namespace}/{flow}/{key}``: no one signs in, the key is what counts.

    The same answer for a wrong key and for a flow that does not exist; the key stands in no log.
    """

    _track_activity = False

    def initialize(self, **_: Any) -> None:
        """Take the key out of the address before anything can write it into a log."""
        self._chunks: list[bytes] = []
        self._size = self._wait = 0
        request = self.request
        request.path = f"{request.path.rpartition('/')[0]}/{_HIDDEN}"
        self._query = request.query
        request.uri = request.path
        request.headers.pop("Referer", None)

    def check_xsrf_cookie(self) -> None:
        """Ask for no token of a page: nobody is signed in here, so there is nothing to forge."""

    async def prepare(self) -> None:  # type: ignore[override] # as APIHandler's own
        """Refuse who calls too often, and what is too large, before reading it."""
        self.set_header("Cache-Control", "no-store")
        self.request_id = uuid.uuid4().hex[:12]
        self.set_header("X-Request-Id", self.request_id)
        wait = self.settings[LIMITER].wait(self.request.remote_ip or "")
        if wait:
            self._wait = int(wait) + 1
            raise Refusal(429, GovError("Too many calls of webhooks from this address.", code="GOV493"))
        if self.request.connection is not None:
            self.request.connection.set_max_body_size(MAX_BODY)  # type: ignore[attr-defined]  # HTTP/1's has it
        length = self.request.headers.get("Content-Length", "")
        self._bound(int(length) if length.isdigit() else 0)
        await APIHandler.prepare(self)

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body."""
        self._size += len(chunk)
        self._bound(self._size)
        self._chunks.append(chunk)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say also when to call again."""
        if self._wait:
            self.set_header("Retry-After", str(self._wait))
        super().write_error(status_code, **kwargs)

    def _bound(self, size: int) -> None:
        if size > MAX_BODY:
            message = f"The body has {size} bytes or more; at most {MAX_BODY} are accepted."
            raise Refusal(413, GovError(message, code="GOV481"))

    @allow_unauthenticated
    async def get(self, namespace: str, flow_id: str, key: str) -> None:
        """Start what the webhook starts and show it; nothing (204) if its conditions do not hold."""
        method, parameters = self.request.method or "GET", parse_qs(self._query, keep_blank_values=True)
        headers = {name: self.request.headers.get_list(name) for name in self.request.headers}
        body = b"".join(self._chunks).decode("utf-8", "replace")
        found = await self.call(
            lambda gov: gov.triggers.webhook(
                namespace, flow_id, key, method=method, parameters=parameters, headers=headers, body=body
            )
        )
        if found is None:
            self.set_status(204)
            await self.finish()
        else:
            self.reply(WebhookOut.of(found))

    post = put = get


ROUTES = [(r"executions/webhook/([\w.-]+)/([\w-]+)/([^/]+)", WebhookHandler)]
