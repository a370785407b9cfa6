"""What every route shares: the actor, bounded JSON bodies, the service off the event loop, errors as JSON."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, cast

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel, ValidationError
from tornado import web

from jupyter_gov.domain.actor import Actor
from jupyter_gov.errors import (
    AccessError,
    ConflictError,
    ExecutionError,
    GovError,
    InputError,
    InstallationError,
    LanguageError,
    NotFoundError,
    StoreError,
)
from jupyter_gov.server.host import ServiceHost
from jupyter_gov.server.identity import actor_of
from jupyter_gov.server.readable import json_of

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)

Method = TypeVar("Method", bound=Callable[..., Awaitable[None] | None])

HOST = "jupyter_gov_host"
MAX_BODY = 1_000_000

_STATUS_OF_ERROR: tuple[tuple[type[GovError], int], ...] = (
    (AccessError, 403),
    (NotFoundError, 404),
    (InputError, 422),
    (LanguageError, 422),
    (ExecutionError, 409),
    (ConflictError, 409),
    (StoreError, 503),
    (InstallationError, 503),
)
_STATUS_OF_CODE = {"GOV404": 404, "GOV409": 409, "GOV412": 412}
_REFUSALS = {
    400: ("GOV480", "The request is malformed.", None),
    403: (
        "GOV483",
        "The Jupyter server refused this request.",
        "Sign in again and reload the page; if it persists, ask who administers the server.",
    ),
    404: ("GOV484", "There is nothing at this address.", None),
    405: ("GOV485", "This address does not answer this method.", None),
}


class Refusal(web.HTTPError):
    """A request refused for the reason that ``error`` gives."""

    def __init__(self, status: int, error: GovError) -> None:
        super().__init__(status, error.message)
        self.error = error


def status_of(error: GovError) -> int:
    """Return the HTTP status that tells a client what kind of mistake ``error`` is."""
    if error.code in _STATUS_OF_CODE:
        return _STATUS_OF_CODE[error.code]
    return next((status for kind, status in _STATUS_OF_ERROR if isinstance(error, kind)), 400)


def permitted(action: str, resource: str) -> Callable[[Method], Method]:
    """Let a method answer only signed-in users whom the server's ``Authorizer`` allows ``action`` on ``resource``."""

    def wrap(method: Method) -> Method:
        # Both arguments, always: without them the decorator would keep what the first request had.
        return cast("Method", web.authenticated(authorized(action=action, resource=resource)(method)))

    return wrap


class GovHandler(APIHandler):
    """Base of all routes; each method carries ``@permitted(action, resource)``."""

    request_id: str = ""

    async def prepare(self) -> None:  # type: ignore[override] # as APIHandler's own
        """Refuse a body that is too large or not JSON, once the user is known."""
        self.request_id = uuid.uuid4().hex[:12]
        self.set_header("X-Request-Id", self.request_id)
        self.set_header("Cache-Control", "no-store")
        await super().prepare()
        if self._finished or self.request.method in {"GET", "HEAD", "OPTIONS"}:
            return
        if len(self.request.body) > MAX_BODY:
            message = f"The body has {len(self.request.body)} bytes; at most {MAX_BODY} are accepted."
            raise Refusal(413, GovError(message, code="GOV481"))
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            message = f"The body must be application/json, not {kind or 'without a type'}."
            raise Refusal(415, GovError(message, code="GOV482", hint="Set the Content-Type header."))

    @property
    def actor(self) -> Actor:
        """Who sent the request: the server's word, never the client's."""
        return actor_of(self)

    async def call(self, function: Callable[[Any], T]) -> T:
        """Return ``function(service)``, or refuse the request with the service's reason."""
        host: ServiceHost = self.settings[HOST]
        try:
            return await host.call(function)
        except GovError as error:
            raise Refusal(status_of(error), error) from error

    def read_body(self, model: type[M]) -> M:
        """Return the body as ``model``.

        Raises
        ------
        Refusal
            ``GOV480`` when it is no JSON object (400), ``GOV486`` when a field is wrong (422).
        """
        try:
            data = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:
            raise Refusal(400, GovError(f"The body is not JSON: {error}", code="GOV480")) from error
        try:
            return model.model_validate(data)
        except ValidationError as error:
            raise Refusal(422, InvalidBodyError(error)) from error

    def read_query(self, model: type[M]) -> M:
        """Return the query string as ``model``; refuse what it does not know."""
        try:
            return model.model_validate({key: self.get_query_argument(key) for key in self.request.query_arguments})
        except ValidationError as error:
            raise Refusal(422, InvalidBodyError(error)) from error

    def reply(self, body: BaseModel) -> None:
        """Send ``body`` as JSON; it never fails, since what it tells of may have been done already."""
        self.finish(json_of(body))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Send the error as ``{code, message, hint, location, request_id}``."""
        exc_info = kwargs.get("exc_info")
        body = self._error_body(status_code, exc_info[1] if exc_info else None)
        self.log.warning("jupyter_gov request %s refused: %s %s", self.request_id, status_code, body["code"])
        self.finish(json.dumps({**body, "request_id": self.request_id}))

    def _error_body(self, status: int, error: BaseException | None) -> dict[str, Any]:
        if isinstance(error, Refusal):
            return _with_fields(error.error.to_json())
        if isinstance(error, web.HTTPError) and status in _REFUSALS:
            code, message, hint = _REFUSALS[status]
            said = (error.log_message or "") % error.args if error.args else (error.log_message or "")
            return GovError(f"{message} {said}".strip(), code=code, hint=hint).to_json()
        message = f"The server failed on this request; its log has the details under {self.request_id}."
        return GovError(message, code="GOV487").to_json()


class MissingHandler(GovHandler):
    """Answers addresses below ours that no route has, so that a client always gets JSON."""

    @permitted("read", "gov:health")
    def get(self, *_path: str) -> None:
        """Refuse."""
        raise web.HTTPError(404)

    head = post = put = patch = delete = get


class InvalidBodyError(GovError):
    """Fields of a request are missing, unknown or of the wrong kind."""

    default_code = "GOV486"

    def __init__(self, error: ValidationError) -> None:
        found = error.errors(include_url=False, include_input=False)[:20]
        self.problems = [{"field": ".".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in found]
        super().__init__("; ".join(f"{one['field'] or 'body'}: {one['message']}" for one in self.problems))

    def to_json(self) -> dict[str, Any]:
        """Return the body with its fields' problems."""
        return {**super().to_json(), "problems": self.problems}


def _with_fields(body: dict[str, Any]) -> dict[str, Any]:
    """Name the field of each problem as forms know it: by the id of the input."""
    problems = body.get("problems")
    if not problems:
        return body
    fields = [{"field": one.get("field", one.get("input", "")), "message": one["message"]} for one in problems]
    return {**body, "problems": fields}
