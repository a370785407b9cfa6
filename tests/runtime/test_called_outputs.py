"""The older ``outputs`` map of a Subflow: rendered as the called execution sees the world."""

from __future__ import annotations

import base64

import pytest

from jupyter_gov.domain.sealed import MASK
from jupyter_gov.domain.states import State
from tests.runtime.rig import Rig, run_of

CALLED = """\
id: called
namespace: company.team
variables: {who: child}
tasks:
  - id: work
    type: io.kestra.plugin.core.debug.Return
    format: done
"""
CALLS = """\
id: calls
namespace: company.team
variables: {who: parent}
tasks:
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: company.team
    flowId: called
    outputs:
      said: "{{ outputs.work.value }} by {{ vars.who }}"
"""
DECLARES = 'outputs: [{id: own, type: STRING, value: "its own"}]\n'


def test_they_are_rendered_in_the_context_of_the_called_execution(rig: Rig) -> None:
    rig.register(CALLED)
    rig.loop()
    ended = rig.wait(rig.start(CALLS))
    assert ended.state is State.SUCCESS
    assert (run_of(ended, "call").outputs or {})["outputs"] == {"said": "done by child"}


def test_one_that_cannot_be_rendered_fails_the_call_and_says_which_name_is_missing(rig: Rig) -> None:
    rig.register(CALLED)
    rig.loop()
    ended = rig.wait(rig.start(CALLS.replace("outputs.work", "outputs.nobody")))
    call = run_of(ended, "call")
    assert (ended.state, call.state) == (State.FAILED, State.FAILED)
    assert call.failure is not None
    assert "nobody" in call.failure.message
    assert "outputs of the called execution" in call.failure.message
    assert call.outputs == {"executionId": (call.outputs or {})["executionId"]}
    assert rig.get((call.outputs or {})["executionId"]).state is State.SUCCESS


def test_what_the_called_flow_declares_comes_first(rig: Rig) -> None:
    rig.register(CALLED + DECLARES)
    rig.loop()
    ended = rig.wait(rig.start(CALLS.replace("outputs.work", "outputs.nobody")))
    assert (run_of(ended, "call").outputs or {})["outputs"] == {"own": "its own"}


def test_a_secret_in_them_is_hidden(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", base64.b64encode(b"s3cret-of-the-team").decode())
    rig.register(CALLED)
    rig.loop()
    ended = rig.wait(rig.start(CALLS.replace("{{ vars.who }}", "{{ secret('TOKEN') }}")))
    assert (run_of(ended, "call").outputs or {})["outputs"] == {"said": f"done by {MASK}"}
