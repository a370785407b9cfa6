"""Deleting a run from the command line."""

from __future__ import annotations

from collections.abc import Callable

from tests.cli.conftest import Cli
from tests.small_flows import HELLO

Write = Callable[[str, str], str]


def test_a_run_goes_when_somebody_is_sure_and_its_history_stays(cli: Cli, write: Write) -> None:
    assert cli("run", write("hello.yaml", HELLO)).code == 0
    (run,) = cli("runs", "--json").json
    asked = cli("delete", "last", stdin="n\n")
    assert asked.code == 1
    assert "cannot be undone" in asked.err
    assert len(cli("runs", "--json").json) == 1
    gone = cli("delete", "last", "--yes", "--reason", "asked for by the customer")
    assert gone.code == 0
    assert "its history stays" in gone.out
    assert cli("runs", "--json").json == []
    assert cli("show", run["id"]).code == 1
    told = cli("audit", "show", "--json").json
    (entry,) = [one for one in told if one["action"] == "execution.deleted"]
    assert run["id"] in entry["stream"]
    assert f"audit show {run['id']}" in gone.out
    assert "execution.deleted" in cli("audit", "show", run["id"]).out
    assert cli("audit", "show", run["id"] + "x").code == 1
    assert "asked for by the customer" in str(entry)
    assert cli("audit", "verify").code == 0


def test_what_is_not_there_is_said(cli: Cli) -> None:
    missing = cli("delete", "0123456789abcdef", "--yes")
    assert (missing.code, "GOV" in missing.err) == (1, True)
