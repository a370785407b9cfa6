"""Who acts at a terminal or in a kernel is what the system says, never what the environment says."""

from __future__ import annotations

import os
import pwd

import pytest

from jupyter_gov import config
from jupyter_gov.config import JupyterGov
from jupyter_gov.domain.actor import Assurance
from jupyter_gov.domain.approval import Assignment, Verdict
from jupyter_gov.errors import AccessError
from jupyter_gov.service import open_gov
from jupyter_gov.service.access import Access
from jupyter_gov.service.api import StartRequest
from jupyter_gov.service.identity import local_actor
from tests.contract import build

ME = pwd.getpwuid(os.geteuid()).pw_name
FLOW = """\
id: release
namespace: n
tasks:
  - id: gate
    type: io.kestra.plugin.ee.flow.HumanTask
    assignment: {users: [alice]}
"""


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "JUPYTERHUB_USER", "JUPYTER_GOV_RUN_AS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["LOGNAME", "USER", "LNAME", "USERNAME"])
def test_the_environment_does_not_name_the_account(name, monkeypatch):
    monkeypatch.setenv(name, "alice")
    actor = local_actor()
    assert (actor.id, actor.name, actor.assurance) == (ME, ME, Assurance.OS)
    assert JupyterGov().resolved_run_as() == ME


def test_a_hub_user_of_the_environment_is_not_sure(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "alice")
    actor = local_actor()
    assert actor.assurance is Assurance.ANONYMOUS
    assert actor.id == f"{ME}:alice", "the account stands in it, and no account of the system can have this name"
    assert not actor.groups
    gate = build.approval(build.execution(), assignment=Assignment(users=frozenset({"alice", ME, actor.id})))
    assert Access().may_decide(actor, gate) is not None


def test_a_hub_user_who_is_the_account_is_as_sure_as_the_account(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", ME)
    assert local_actor().assurance is Assurance.OS
    assert JupyterGov().resolved_run_as() == local_actor().id == ME


def test_a_hub_user_only_narrows_whose_executions_are_carried_on(monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "bob")
    assert JupyterGov().resolved_run_as() == f"{ME}:bob"
    assert JupyterGov(run_as="pool").resolved_run_as() == "pool"
    monkeypatch.setenv("JUPYTER_GOV_RUN_AS", "other")
    assert JupyterGov().resolved_run_as() == "other"


def test_an_account_without_a_name(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_001)
    monkeypatch.setenv("LOGNAME", "alice")
    assert local_actor().id == "uid4000000001"


def test_without_accounts_the_environment_is_all_there_is(monkeypatch):
    monkeypatch.setattr(config, "pwd", None)
    monkeypatch.setenv("LOGNAME", "alice")
    assert local_actor().id == "alice"


@pytest.mark.parametrize("name", ["LOGNAME", "JUPYTERHUB_USER"])
def test_nobody_answers_for_somebody_else(name, tmp_path, monkeypatch):
    monkeypatch.setenv(name, "alice")
    gov, actor = open_gov(data_dir=str(tmp_path)), local_actor()
    try:
        gov.start_loop()
        gov.flows.register(FLOW, actor)
        execution = gov.executions.start(StartRequest("n", "release"), actor)
        gov.executions.wait(execution.id, actor, until=lambda found: found.state == "PAUSED", timeout=30)
        (detail,) = gov.approvals.list(actor)
        assert not detail.can_decide
        with pytest.raises(AccessError) as caught:
            gov.approvals.decide(
                detail.approval.id, Verdict.APPROVE, actor, subject_digest=detail.approval.subject_digest
            )
        assert caught.value.code == "GOV403"
    finally:
        gov.close()
