"""One request and its answer: bounded, over checked TLS, by no proxy that nobody asked for, and stopped at once."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.http.options import Options

if TYPE_CHECKING:
    import httpx

MOST_REDIRECTS = 10
_SCHEMES = ("http", "https")
_HOST = re.compile(rb"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+")
_NEUTRAL = frozenset(
    {"host", "accept", "accept-encoding", "connection", "user-agent", "content-type", "content-length"}
)
"""Headers that may go to another server than the one that the flow names."""


class Exchange:
    """Asks a server for one task.

    Parameters
    ----------
    limit
        Most bytes of the answer, unless the options say otherwise.
    """

    def __init__(self, ctx: RunContext, options: Options, *, limit: int) -> None:
        self._ctx = ctx
        self._options = options
        self._limit = options.max_content_length or limit
        self._socket: socket.socket | None = None

    @contextlib.contextmanager
    def send(self, method: str, uri: str, headers: Mapping[str, str], **content: Any) -> Iterator[httpx.Response]:
        """Ask, follow redirects, and hand out the answer before its body is read.

        Raises
        ------
        TaskError
            ``GOV880``: it cannot be asked so. ``GOV881``: no answer. ``GOV882``: a redirect that is not followed.
            ``GOV883``: no safe connection.
        """
        import httpx  # noqa: PLC0415 - few flows ask servers, and this takes a while

        checked_url(uri)
        with self._errors(uri), self._client() as client:
            self._ctx.cancellation.on_request(self._hang_up)
            request = client.build_request(method, uri, headers=self._headers(headers), **content)
            response = self._follow(client, request)
            try:
                yield response
            finally:
                with contextlib.suppress(httpx.HTTPError):
                    response.close()

    def body(self, response: httpx.Response) -> Iterator[bytes]:
        """Yield the parts of the body.

        Raises
        ------
        TaskError
            ``GOV885``: it is longer than allowed.
        """
        told = response.headers.get("content-length", "")
        if told.isdigit() and int(told) > self._limit:
            raise self._too_long()
        length = 0
        for part in response.iter_bytes():
            self._ctx.cancellation.raise_if_requested()
            # What was compressed counts in full: a small answer may unpack to anything.
            length += len(part)
            if length > self._limit:
                raise self._too_long()
            yield part

    def _client(self) -> httpx.Client:
        import httpx  # noqa: PLC0415 - see send

        options = self._options
        timeout = httpx.Timeout(options.read_seconds, connect=options.connect_seconds)
        way = options.way
        # Without trust_env: which proxy is used, and whose password is sent, must stand in the flow.
        return httpx.Client(
            verify=ssl.create_default_context(),
            timeout=timeout,
            trust_env=False,
            proxy=None if way is None else httpx.Proxy(_proxy_url(way.address or "", way.port), auth=_proxy_auth(way)),
        )

    def _headers(self, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        found = dict(headers)
        if not any(name.lower() == "user-agent" for name in found):
            found["User-Agent"] = "jupyter_gov"
        identity = self._options.identity
        if identity is not None:
            secret = identity.token if identity.type == "BEARER" else identity.password
            self._ctx.mask(secret or "")
            found["Authorization"] = _authorization(identity.type, identity.username, secret)
        return [(name.encode(), header(name, value)) for name, value in found.items()]

    def _follow(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        for _ in range(MOST_REDIRECTS + 1):
            request.extensions = {**request.extensions, "trace": self._trace}
            self._ctx.cancellation.raise_if_requested()
            response = client.send(request, stream=True, follow_redirects=False)
            following = response.next_request
            if following is None or not self._options.follow_redirects:
                return response
            response.close()
            request = _redirected(request, following)
        raise TaskError(f"The server redirects more than {MOST_REDIRECTS} times.", code="GOV882")

    def _trace(self, event: str, info: Mapping[str, Any]) -> None:
        # The only way to the socket, which must be shut down to wake a thread that waits for it.
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            self._socket = found if isinstance(found, socket.socket) else None
            if self._ctx.cancellation.requested:
                self._hang_up()

    def _hang_up(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    @contextlib.contextmanager
    def _errors(self, uri: str) -> Iterator[None]:
        import httpx  # noqa: PLC0415 - see send

        try:
            yield
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            self._ctx.cancellation.raise_if_requested()
            raise _translated(error, shown(uri), self._options) from error

    def _too_long(self) -> TaskError:
        return TaskError(
            f"The answer has more than {self._limit} bytes.",
            code="GOV885",
            hint="Raise `options.maxContentLength`, or use io.kestra.plugin.core.http.Download.",
        )


def checked_url(uri: str) -> None:
    """Refuse what is no address of a web server.

    Raises
    ------
    TaskError
        ``GOV880``.
    """
    import httpx  # noqa: PLC0415 - see Exchange.send

    try:
        url = httpx.URL(uri.strip())
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise _unaskable(uri, str(error)) from None
    if url.scheme not in _SCHEMES or not _HOST.fullmatch(url.raw_host):
        raise _unaskable(uri, "it must start with http:// or https://, and name a host")


def shown(uri: str) -> str:
    """Return an address without the user and password that it may hold."""
    import httpx  # noqa: PLC0415 - see Exchange.send

    try:
        return str(httpx.URL(uri).copy_with(username=None, password=None)) if "@" in uri else uri
    except httpx.InvalidURL:
        return uri.rpartition("@")[2]


def header(name: str, value: str) -> bytes:
    """Return the value of a header.

    Raises
    ------
    TaskError
        ``GOV880``: it has a line break, by which a text could become headers of its own, or the name is no name.
    """
    plain = name.replace("-", "").replace("_", "")
    if not plain.isascii() or not plain.isalnum() or any(ord(char) < 32 or ord(char) == 127 for char in value.strip()):
        raise TaskError(
            f"The header {name!r} is malformed.",
            code="GOV880",
            hint="Names have letters, digits and dashes; values are one line without control characters.",
        )
    return value.strip().encode("utf-8")


def _redirected(before: httpx.Request, after: httpx.Request) -> httpx.Request:
    url = after.url
    if url.scheme not in _SCHEMES or (before.url.scheme == "https" and url.scheme == "http"):
        raise TaskError(
            f"The server redirects to {shown(str(url))!r}, which is not followed.",
            code="GOV882",
            hint="Only http and https are followed, and never from https to http.",
        )
    if (before.url.scheme, before.url.host, before.url.port) != (url.scheme, url.host, url.port):
        # What identifies us to one server is none of another's business.
        for name in [one for one in after.headers if one.lower() not in _NEUTRAL]:
            del after.headers[name]
    return after


def _authorization(kind: str, username: str | None, secret: str | None) -> str:
    import base64  # noqa: PLC0415 - see Exchange.send

    if kind == "BEARER":
        return f"Bearer {secret}"
    return "Basic " + base64.b64encode(f"{username or ''}:{secret or ''}".encode()).decode()


def _proxy_url(address: str, port: int | None) -> str:
    base = address if "://" in address else f"http://{address}"
    return base if port is None else f"{base.rstrip('/')}:{port}"


def _proxy_auth(way: Any) -> tuple[str, str] | None:
    return (quote(way.username), way.password or "") if way.username else None


def _unaskable(uri: str, why: str) -> TaskError:
    return TaskError(f"{shown(uri)[:200]!r} cannot be asked: {why}.", code="GOV880", hint="Check `uri`.")


def _translated(error: Exception, uri: str, options: Options) -> TaskError:
    import httpx  # noqa: PLC0415 - see Exchange.send

    if isinstance(error, httpx.ConnectTimeout):
        why = f"no connection within {options.connect_seconds:g} s"
    elif isinstance(error, httpx.TimeoutException):
        why = f"nothing came for {options.read_seconds:g} s"
    elif isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return _unaskable(uri, str(error))
    elif "SSL" in str(error) or "certificate" in str(error).lower() or isinstance(error, ssl.SSLError):
        return TaskError(
            f"There is no safe connection to {uri!r}: {error}.",
            code="GOV883",
            hint="Certificates are always checked; set SSL_CERT_FILE on the worker to trust one of your own.",
        )
    else:
        why = str(error) or type(error).__name__
    return TaskError(f"{uri!r} does not answer: {why}.", code="GOV881", hint="Check `uri`, and the server.")
