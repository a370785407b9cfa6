"""A real Jupyter server with the extension, over a real store, for each test."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join

# Star import: the plugin's fixtures and hooks are wanted in this folder only.
from pytest_jupyter.jupyter_server import *  # noqa: F403

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.server.base import HOST
from jupyter_gov.server.named_users import hash_key
from jupyter_gov.service.api import ApprovalDetail, Gov, StartRequest

OWNER = Actor(id="owner", name="Owner", assurance=Assurance.OS)
KEYS = {"ann": "ann-" + "k" * 30, "bob": "bob-" + "k" * 30}

FLOW = """
id: release
namespace: tests
inputs:
  - {id: who, type: STRING, defaults: "<script>alert(1)</script>"}
tasks:
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
    description: "Release for {{ inputs.who }}?"
    onResume:
      - {id: amount, type: INT}
      - {id: note, type: STRING, required: false}
  - id: done
    type: io.kestra.plugin.core.log.Log
    message: "released {{ outputs.gate.onResume.amount }}"
"""

ASSIGNED = """
id: assigned
namespace: tests
tasks:
  - id: gate
    type: io.kestra.plugin.ee.flow.HumanTask
    assignment: {groups: [risk]}
"""


@dataclass(frozen=True)
class Reply:
    """Status and body of an answer, also of a refusal."""

    status: int
    body: Any
    headers: Mapping[str, str]


Ask = Callable[..., Awaitable[Reply]]
Fetch = Callable[..., Awaitable[Any]]
Service = Callable[[Callable[[Gov], Any]], Awaitable[Any]]


@pytest.fixture
def named_users() -> bool:
    """Whether the server names its users; overridden where it matters."""
    return False


@pytest.fixture
def jp_server_config(tmp_path: Path, named_users: bool) -> dict[str, Any]:
    server: dict[str, Any] = {"jpserver_extensions": {"jupyter_gov": True}}
    config: dict[str, Any] = {"ServerApp": server, "JupyterGov": {"data_dir": str(tmp_path / "gov")}}
    if named_users:
        server["identity_provider_class"] = "jupyter_gov.server.named_users.NamedUsersIdentityProvider"
        config["NamedUsersIdentityProvider"] = {
            "users": {
                "ann": {"key": hash_key(KEYS["ann"]), "name": "Ann <b>Bold</b>", "groups": ["risk"]},
                "bob": {"key": hash_key(KEYS["bob"])},
            }
        }
    return config


@pytest.fixture
def fetch(http_server_client: Any, jp_base_url: str) -> Fetch:
    """Send a request with exactly these headers: nobody is signed in by the tests' own client."""

    async def send(path: str, **query: Any) -> Any:
        options = {name: query.pop(name) for name in ("method", "headers", "body", "follow_redirects") if name in query}
        url = f"{url_path_join(jp_base_url, path)}?{urlencode(query)}"
        return await http_server_client.fetch(
            url, allow_nonstandard_methods=True, raise_error=False, request_timeout=30, **options
        )

    return send


@pytest.fixture
def ask(fetch: Fetch, jp_serverapp: ServerApp) -> Ask:
    """Send a request below the API's address; a refusal is an answer like any other."""
    token = {"Authorization": f"token {jp_serverapp.identity_provider.token}"}

    async def send(
        path: str,
        *,
        body: Any = None,
        method: str | None = None,
        headers: Mapping[str, str] | None = None,
        **query: str,
    ) -> Reply:
        data = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        found = await fetch(
            f"jupyter-gov/api/v1/{path}",
            method=method or ("GET" if data is None else "POST"),
            # Given headers replace the server's own token: they are somebody else's.
            headers={"Content-Type": "application/json", **(token if headers is None else headers)},
            body=data,
            **query,
        )
        text = found.body.decode()
        return Reply(found.code, json.loads(text) if text else None, found.headers)

    return send


@pytest.fixture
def service(jp_serverapp: ServerApp) -> Service:
    """Call the server's own service, as its loop and other people do."""
    return jp_serverapp.web_app.settings[HOST].call


async def open_gate(
    service: Callable[[Callable[[Gov], Any]], Awaitable[Any]], source: str = FLOW, **inputs: Any
) -> ApprovalDetail:
    """Run a flow up to its gate and return the gate."""

    def run(gov: Gov) -> ApprovalDetail:
        revision = gov.flows.register(source, OWNER)
        started = gov.executions.start(StartRequest(revision.namespace, revision.flow_id, inputs=inputs), OWNER)
        found = gov.executions.wait(
            started.id, OWNER, until=lambda now: now.state == "PAUSED" or now.state.is_terminal, timeout=30
        )
        assert found.state == "PAUSED", found.failure
        return gov.approvals.list(OWNER, execution_id=started.id)[0]

    return await service(run)
