"""What runs once the end of an execution is decided."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from jupyter_gov.domain.states import State
from jupyter_gov.engine import ending
from tests.runtime.rig import Rig

TEXT = """\
id: told
namespace: company.team
tasks:
  - id: work
    type: io.kestra.plugin.core.debug.Return
afterExecution:
  - id: inline
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ execution.state }}}}"
  - id: wait
    type: probe.Touch
    file: {file}
  - id: last
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ outputs.inline.value }}}}!"
"""


def test_it_runs_to_its_end_though_the_execution_has_ended(rig: Rig, tmp_path: Path) -> None:
    rig.loop()
    execution_id = rig.start(TEXT.format(file=tmp_path / "trace"))
    ended = rig.wait(execution_id, lambda found: found.is_over)
    assert ended.state is State.SUCCESS
    assert [run.task_id for run in ended.ordered()] == ["work", "inline", "wait", "last"]
    last = ended.find("last")
    assert last is not None
    assert last.outputs == {"value": "SUCCESS!"}
    assert (tmp_path / "trace").exists()


def test_another_loop_goes_on_with_it(rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "WATCH", timedelta(seconds=1))
    first = rig.loop(workers=0)
    execution_id = rig.start(TEXT.format(file=tmp_path / "trace"))
    rig.wait(execution_id, State.SUCCESS)
    first.stop()
    assert not rig.get(execution_id).is_over
    rig.loop()
    ended = rig.wait(execution_id, lambda found: found.is_over)
    assert ended.state is State.SUCCESS
    assert {str(run.state) for run in ended.ordered()} == {"SUCCESS"}
