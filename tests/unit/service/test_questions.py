"""Expressions tried out over an execution, inputs checked without a start, addresses."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from jupyter_gov.domain.sealed import MASK
from jupyter_gov.errors import GovError
from jupyter_gov.service.api import StartRequest
from tests.unit.service.place import ANN, Place, opened, refused

EACH = """\
inputs: [{id: pin, type: SECRET, defaults: "4711"}]
tasks:
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks: [{id: say, type: io.kestra.plugin.core.debug.Return, format: "got {{ taskrun.value }}"}]
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    yield from opened(tmp_path, encryption_key=base64.b64encode(os.urandom(32)).decode(), url="https://gov.example/")


def test_an_expression_sees_what_a_task_run_sees(place: Place) -> None:
    ended = place.start(EACH)
    second = [run for run in ended.ordered() if run.task_id == "say"][1]

    def ask(text: str, run: str | None = second.id) -> str:
        return place.gov.executions.eval(ended.id, text, ANN, task_run_id=run)

    assert ask("{{ taskrun.value }} {{ outputs.say[taskrun.value].value }}") == "b got b"
    assert ask("{{ flow.id }}", None) == "played"
    assert "nothing" in str(refused(lambda: ask("{{ nothing }}")))
    assert refused(lambda: ask("x", "no-such-run")).code == "GOV302"
    assert refused(lambda: place.gov.executions.eval("none", "x", ANN)).code == "GOV302"


@pytest.mark.parametrize(
    "expression",
    [
        "{{ secret('TOKEN') }}",
        "{{ secret('TOKEN') | upper }}",
        "{{ secret('TOKEN') | substringBefore('c') }}",
        "{{ secret('TOKEN') | split('') | join(' ') }}",
        "{{ secret('TOKEN') | base64encode }}",
        "{{ inputs.pin }}",
        "{{ inputs.pin | split('') | join('-') }}",
        "{{ render('{{ secret(\"TOKEN\") }}') }}",
    ],
)
def test_no_secret_is_found_out_by_trying(place: Place, monkeypatch: pytest.MonkeyPatch, expression: str) -> None:
    monkeypatch.setenv("SECRET_TOKEN", base64.b64encode(b"xyzzyc").decode())
    ended = place.start(EACH)
    shown = place.gov.executions.eval(ended.id, expression, ANN)
    letters = set("xyzzyc4711XYZZYC") - set("yc")
    assert not letters & set(shown), shown


def test_trying_an_expression_changes_nothing(place: Place) -> None:
    ended = place.start(EACH)
    before = place.gov.audit.entries(ANN)
    place.gov.executions.eval(ended.id, "{{ outputs }}", ANN)
    assert place.gov.audit.entries(ANN) == before


def test_an_execution_has_an_address_if_somebody_has_said_which(place: Place, tmp_path: Path) -> None:
    ended = place.start(EACH)
    assert place.gov.executions.url(ended.id, ANN) == f"https://gov.example/ui/executions/demo/played/{ended.id}"
    (code,) = [refused(partial(other.gov.executions.url, ended.id, ANN)).code for other in opened(tmp_path)]
    assert code == "GOV345"


CHECKED = """\
id: checked
namespace: demo
inputs:
  - {id: n, type: INT, max: 5}
  - {id: extra, type: STRING, dependsOn: {inputs: [n], condition: "{{ inputs.n == 1 }}"}, defaults: more}
  - {id: pin, type: SECRET, required: false}
  - {id: token, type: STRING, defaults: "{{ secret('TOKEN') }}"}
tasks: [{id: say, type: io.kestra.plugin.core.log.Log, message: hi}]
"""


def test_expressions_know_where_they_run_as_far_as_it_is_said(tmp_path: Path) -> None:
    text = "tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: '%s'}]\n"
    for place in opened(tmp_path, url="https://gov.example", environment="production"):
        ended = place.start(text % "{{ kestra.environment }} {{ kestra.url }}")
        assert [run.outputs for run in ended.ordered()] == [{"value": "production https://gov.example"}]
    for place in opened(tmp_path / "plain"):
        ended = place.start(text % "{{ kestra.url ?? `none` }}".replace("`", '"'))
        assert [run.outputs for run in ended.ordered()] == [{"value": "none"}]


def test_inputs_are_checked_without_a_start(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", base64.b64encode(b"xyzzyc").decode())
    place.gov.flows.register(CHECKED, ANN)
    request = StartRequest("demo", "checked", inputs={"n": "1", "pin": "4711"})
    n, extra, pin, token = place.gov.executions.check_inputs(request, ANN)
    assert (n.value, extra.enabled, extra.value) == (1, True, "more")
    assert (pin.value, token.value) == (MASK, MASK)
    n, extra, _, _ = place.gov.executions.check_inputs(StartRequest("demo", "checked", inputs={"n": 9}), ANN)
    assert [problem.code for problem in n.problems] == ["GOV203"]
    assert not extra.enabled
    assert not place.gov.executions.list(ANN)


def test_a_flow_that_is_not_there_is_said(place: Place) -> None:
    with pytest.raises(GovError) as caught:
        place.gov.executions.check_inputs(StartRequest("demo", "nobody"), ANN)
    assert caught.value.code == "GOV302"


def test_whatever_opens_a_secret_to_expressions_is_closed_to_who_tries_them() -> None:
    from jupyter_gov.runtime.host import Host
    from jupyter_gov.service.questions import _Onlooker

    opening = {name for name in vars(Host) if name == "secret" or name.startswith("open_")}
    assert {"secret", "open_sealed", "open_output"} <= opening <= set(vars(_Onlooker))
