"""Runs that only the processes of other people carry on."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from jupyter_gov.cli.follow import Wish, follow
from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor
from tests.cli.conftest import Cli
from tests.faces import decide, open_gate
from tests.small_flows import GATED

Write = Callable[[str, str], str]


@pytest.fixture
def of_bob(cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run that only processes of bob carry on, and that waits at a gate."""
    monkeypatch.setenv("JUPYTER_GOV_RUN_AS", "bob")
    started = cli("run", write("gated.yaml", GATED), "--no-wait", "--json").json["id"]
    monkeypatch.delenv("JUPYTER_GOV_RUN_AS")
    return started


def test_a_decision_is_on_record_though_nobody_acts_on_it(cli: Cli, of_bob: str) -> None:
    began = time.monotonic()
    approved = cli("approve", of_bob)
    assert time.monotonic() - began < 20
    assert approved.code == 0
    assert "processes of bob" in approved.err
    assert f"jupyter gov show {of_bob[-8:]}" in approved.err
    assert cli("approvals", "--all", "--json").json[0]["status"] == "APPROVED"


def test_json_says_what_was_decided_though_nobody_acts_on_it(cli: Cli, of_bob: str) -> None:
    rejected = cli("reject", of_bob, "--reason", "no", "--json")
    assert (rejected.code, rejected.json["status"]) == (0, "REJECTED")


def test_kill_says_so_too(cli: Cli, of_bob: str) -> None:
    killed = cli("kill", of_bob)
    assert (killed.code, "processes of bob" in killed.err) == (0, True)


def test_where_somebody_acts_the_end_is_waited_for(
    cli: Cli, write: Write, gov: Gov, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_GOV_RUN_AS", "bob")
    bobs = cli.start("run", write("gated.yaml", GATED))
    gate = open_gate(gov)
    monkeypatch.delenv("JUPYTER_GOV_RUN_AS")
    approved = cli("approve", gate.approval.id, "--json")
    assert (approved.code, approved.json["state"]) == (0, "SUCCESS"), approved.err
    assert cli.end(bobs).code == 0


def test_what_nobody_carries_on_is_left(of_bob: str, gov: Gov) -> None:
    actor, seen = local_actor(), list[str]()
    gate = open_gate(gov)
    wish = Wish(lambda found: seen.append(found.approval.id), timeout=1.0, patience=0.2)
    began = time.monotonic()
    follow(gov, actor, of_bob, wish)
    # Somebody may still answer: that is worth the whole time.
    assert time.monotonic() - began >= 0.9
    assert seen == [gate.approval.id]
    decide(gov, gate)
    assert not follow(gov, actor, of_bob, Wish(lambda found: None, patience=0.2)).state.is_terminal
