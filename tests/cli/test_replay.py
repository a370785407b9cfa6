"""Beginning a run again from the command line."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.conftest import Cli

Write = Callable[[str, str], str]
FLOW = """\
id: two
namespace: company.team
tasks:
  - id: first
    type: io.kestra.plugin.core.debug.Return
    format: one
  - id: second
    type: io.kestra.plugin.core.debug.Return
    format: two
"""


def test_a_run_begins_again_as_a_new_one_from_a_task_or_from_the_start(cli: Cli, write: Write) -> None:
    assert cli("run", write("two.yaml", FLOW)).code == 0
    assert cli("replay", "last", "--from", "second").code == 0
    assert cli("replay", "last").code == 0
    assert len(cli("runs", "--json").json) == 3
    missing = cli("replay", "last", "--from", "third")
    assert (missing.code, "GOV312" in missing.err) == (1, True)
