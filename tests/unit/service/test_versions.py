"""What differs at run time between the versions of Kestra, and what stays whatever the setting says."""

from __future__ import annotations

from contextlib import closing

import pytest

from jupyter_gov.service.api import StartRequest
from jupyter_gov.service.identity import local_actor
from jupyter_gov.service.wire import open_local

ME = local_actor()


@pytest.mark.parametrize(
    ("version", "expression", "state"),
    [
        ("1.3", "kv('none')", "SUCCESS"),
        ("2.0", "kv('none')", "FAILED"),
        ("2.0", "kv('none', errorOnMissing=false)", "SUCCESS"),
        ("1.3", "kv('none', errorOnMissing=true)", "FAILED"),
        ("1.3", "inputs", "FAILED"),
        ("2.0", "inputs", "SUCCESS"),
    ],
)
def test_what_is_missing_differs_between_the_versions_of_kestra(version, expression, state, tmp_path):
    text = "id: f\nnamespace: n\ntasks:\n  - {id: t, type: io.kestra.plugin.core.debug.Return, format: '{{ %s }}'}\n"
    with closing(open_local(data_dir=str(tmp_path), kestra_version=version)) as gov:
        gov.flows.register(text.replace("'{{ %s }}'", f'"{{{{ {expression} }}}}"'), ME)
        gov.start_loop()
        started = gov.executions.start(StartRequest("n", "f"), ME)
        ended = gov.executions.wait(started.id, ME, until=lambda found: found.state.is_terminal, timeout=30)
    assert str(ended.state) == state


def test_a_stored_flow_still_runs_when_the_version_does_not_take_it_any_more(tmp_path):
    text = "id: f\nnamespace: n\ntasks:\n  - id: e\n    type: io.kestra.plugin.core.flow.ForEach\n    values: [1]\n"
    text += "    tasks: [{id: t, type: io.kestra.plugin.core.debug.Return}]\n"
    with closing(open_local(data_dir=str(tmp_path))) as gov:
        gov.flows.register(text, ME)
    with closing(open_local(data_dir=str(tmp_path), kestra_version="2.0")) as gov:
        assert [one.code for one in gov.flows.check(text).errors] == ["GOV172"]
        gov.start_loop()
        started = gov.executions.start(StartRequest("n", "f"), ME)
        ended = gov.executions.wait(started.id, ME, until=lambda found: found.state.is_terminal, timeout=30)
    assert str(ended.state) == "SUCCESS"
