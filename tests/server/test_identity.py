"""Who the server takes people for, where it names its users."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from jupyter_server.auth import Authorizer, IdentityProvider, PasswordIdentityProvider, User
from jupyter_server.auth.identity import LegacyIdentityProvider
from jupyter_server.serverapp import ServerApp

from jupyter_gov.server.identity import names_users
from jupyter_gov.server.named_users import NamedUsersIdentityProvider
from tests.server.conftest import ASSIGNED, KEYS, OWNER, Ask, Fetch, open_gate
from tests.server.test_rest import decision

SignIn = Callable[[], Awaitable[dict[str, str]]]


class ReadersOnly(Authorizer):
    """Lets people read, and nothing else."""

    def is_authorized(self, handler: Any, user: User, action: str, resource: str) -> bool:
        return action == "read"


@pytest.fixture
def named_users() -> bool:
    return True


@pytest.fixture
def jp_base_url() -> str:
    return "/a%40b/"


@pytest.fixture
def sign_in(fetch: Fetch) -> SignIn:
    """Return the headers of a browser in which Ann has signed in through the login page."""

    async def signed_in() -> dict[str, str]:
        xsrf = cookies((await fetch("login")).headers)["_xsrf"]
        reply = await fetch(
            "login",
            method="POST",
            headers={"Cookie": f"_xsrf={xsrf}", "Content-Type": "application/x-www-form-urlencoded"},
            body=urlencode({"password": KEYS["ann"], "_xsrf": xsrf}),
            follow_redirects=False,
        )
        assert reply.code == 302
        jar = {"_xsrf": xsrf, **cookies(reply.headers)}
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in jar.items()), "X-XSRFToken": xsrf}

    return signed_in


def cookies(headers: Any) -> dict[str, str]:
    found = (re.match(r'([^=]+)="?([^;"]*)', header) for header in headers.get_list("Set-Cookie"))
    return {match.group(1): match.group(2) for match in found if match}


def token(name: str) -> dict[str, str]:
    return {"Authorization": f"token {KEYS[name]}"}


async def test_a_signed_in_browser_is_the_strongest(ask: Ask, service: Any, sign_in: SignIn) -> None:
    session = await sign_in()
    actor = (await ask("health", headers=session)).body["actor"]
    assert actor == {"id": "ann", "name": "Ann <b>Bold</b> (ann)", "groups": ["risk"], "assurance": "browser"}
    gate = await open_gate(service, ASSIGNED)
    reply = await ask(f"approvals/{gate.approval.id}/decision", headers=session, body=decision(gate, inputs={}))
    assert (reply.status, reply.body["statusBy"]) == (200, "ann")
    assert reply.body["votes"][0]["assurance"] == "browser"


async def test_a_token_is_never_a_browser(ask: Ask, service: Any, sign_in: SignIn) -> None:
    session = await sign_in()
    gate = await open_gate(service, ASSIGNED)
    # A script that has both a token and a copied cookie stays a script.
    both = {**session, **token("ann")}
    reply = await ask(f"approvals/{gate.approval.id}/decision", headers=both, body=decision(gate, inputs={}))
    assert (reply.status, reply.body["votes"][0]["assurance"]) == (200, "token")
    assert "Set-Cookie" not in reply.headers


async def test_without_the_page_s_proof_nothing_is_decided(ask: Ask, service: Any, sign_in: SignIn) -> None:
    session = await sign_in()
    gate = await open_gate(service)
    for headers in ({"Cookie": session["Cookie"]}, {**session, "X-XSRFToken": "2|0|0|0"}):
        reply = await ask(f"approvals/{gate.approval.id}/decision", headers=headers, body=decision(gate))
        assert (reply.status, reply.body["code"]) == (403, "GOV483")
    assert (await ask(f"approvals/{gate.approval.id}", headers=session)).body["status"] == "OPEN"


async def test_a_gate_is_for_the_people_it_is_assigned_to(ask: Ask, service: Any) -> None:
    gate = await open_gate(service, ASSIGNED)
    refused = await ask(f"approvals/{gate.approval.id}/decision", headers=token("bob"), body=decision(gate, inputs={}))
    assert (refused.status, refused.body["code"]) == (403, "GOV403")
    assert "group risk" in refused.body["message"]


@pytest.mark.parametrize("key", ["", "wrong", KEYS["ann"][:-1]])
async def test_a_wrong_key_is_nobody(ask: Ask, key: str) -> None:
    assert (await ask("health", headers={"Authorization": f"token {key}"})).status == 403


async def test_a_person_who_was_removed_is_out_at_once(ask: Ask, jp_serverapp: ServerApp, sign_in: SignIn) -> None:
    session = await sign_in()
    jp_serverapp.identity_provider.users = {}
    assert (await ask("health", headers=session)).status == 403


class TestAuthorizer:
    """The operator's own rules come before ours."""

    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["ServerApp"]["authorizer_class"] = ReadersOnly
        return jp_server_config

    async def test_it_may_forbid_decisions(self, ask: Ask, service: Any) -> None:
        gate = await open_gate(service)
        path = f"approvals/{gate.approval.id}"
        assert (await ask(path, headers=token("ann"))).status == 200
        reply = await ask(f"{path}/decision", headers=token("ann"), body=decision(gate))
        assert (reply.status, reply.body["code"]) == (403, "GOV483")
        assert (await ask(path, headers=token("ann"))).body["status"] == "OPEN"
        run = f"executions/{gate.approval.execution_id}"
        refused = await ask(f"{run}/kill", headers=token("ann"), body={})
        assert (refused.status, refused.body["code"]) == (403, "GOV483")
        assert (await ask(run, headers=token("ann"))).body["state"] == "PAUSED"


async def test_a_kill_carries_the_name_and_the_proof_of_the_page(ask: Ask, service: Any, sign_in: SignIn) -> None:
    session = await sign_in()
    gate = await open_gate(service)
    path = f"executions/{gate.approval.execution_id}"
    without = await ask(f"{path}/kill", headers={"Cookie": session["Cookie"]}, body={})
    assert (without.status, without.body["code"]) == (403, "GOV483")
    assert (await ask(f"{path}/kill", headers=session, body={})).status == 200
    entries = await service(lambda gov: gov.audit.entries(OWNER, f"execution/{gate.approval.execution_id}"))
    asked = next(entry for entry in entries if entry.action == "execution.kill_requested")
    assert (asked.actor_ref, asked.body["assurance"]) == ("ann", "browser")


class Renamed(PasswordIdentityProvider):
    """Changes nothing about who people are."""


class FromProxy(IdentityProvider):
    """Names users, as a proxy in front of the server does."""

    def get_user(self, handler: Any) -> User | None:
        return User(username=handler.request.headers["X-Forwarded-User"])


@pytest.mark.parametrize(
    ("provider", "named"),
    [
        (IdentityProvider, False),
        (PasswordIdentityProvider, False),
        (LegacyIdentityProvider, False),
        (Renamed, False),
        (FromProxy, True),
        (NamedUsersIdentityProvider, True),
    ],
)
def test_only_a_provider_with_its_own_idea_of_a_user_names_users(provider: type[IdentityProvider], named: bool) -> None:
    assert names_users(provider()) is named
