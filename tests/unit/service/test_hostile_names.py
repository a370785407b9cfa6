"""Names and patterns of files that somebody careless or hostile writes: a clear refusal, never an error of ours."""

from __future__ import annotations

import json

import pytest

from jupyter_gov.domain.execution import Failure
from jupyter_gov.domain.states import State
from tests.unit.service.place import Place

FOLDER = """\
tasks:
  - id: folder
    type: io.kestra.plugin.core.flow.WorkingDirectory
    %s
    tasks: [{id: say, type: io.kestra.plugin.core.log.Log, message: hi}]
"""
SPLIT = "tasks: [{id: cut, type: io.kestra.plugin.core.storage.Split, rows: 1, from: %s}]\n"


def failure(place: Place, tasks: str) -> Failure:
    ended = place.start(tasks)
    assert ended.state is State.FAILED
    found = ended.ordered()[0].failure
    assert found is not None
    return found


@pytest.mark.parametrize(
    "names", [["n" * 300], ["d/" * 502 + "x"], ["a", "a/c"], ["a/c", "a"], ["../x"], ["/etc/x"], ["a\0b"]]
)
def test_input_files(place: Place, names: list[str]) -> None:
    files = json.dumps(dict.fromkeys(names, "text"))
    assert failure(place, FOLDER % f"inputFiles: {files}").code == "GOV816"


@pytest.mark.parametrize("pattern", ["***", "a**", "x" * 5000, "../*", "**/../..", "\0"])
def test_output_files(place: Place, pattern: str) -> None:
    assert failure(place, FOLDER % f"outputFiles: {json.dumps([pattern])}").code == "GOV816"


@pytest.mark.parametrize("path", ["\0", "x" * 5000, "/" + "x/" * 3000])
def test_paths_that_cannot_be(place: Place, path: str) -> None:
    assert failure(place, SPLIT % json.dumps(path)).code in {"GOV861", "GOV862"}
