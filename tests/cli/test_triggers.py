"""``jupyter gov triggers``: what starts by itself, seen and changed from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

Write = Callable[[str, str], str]
NIGHTLY = """\
id: nightly
namespace: demo.team
inputs: [{id: size, type: INT, defaults: 1}]
tasks: [{id: t, type: io.kestra.plugin.core.debug.Return, format: "{{ trigger.date }}"}]
triggers:
  - {id: night, type: io.kestra.plugin.core.trigger.Schedule, cron: "@daily", timezone: UTC}
  - {id: never, type: io.kestra.plugin.core.trigger.Schedule, cron: "@daily", disabled: true}
  - {id: call, type: io.kestra.plugin.core.trigger.Webhook, key: nobody-guesses-this}
"""


@pytest.fixture
def registered(cli: Cli, write: Write) -> Cli:
    assert cli("register", write("nightly.yaml", NIGHTLY)).code == 0
    return cli


def test_they_are_listed(cli: Cli, registered: Cli) -> None:
    shown = cli("triggers").out
    assert "demo.team.nightly/night" in shown
    assert "off (in the text of its flow)" in shown
    assert "nobody-guesses-this" not in shown
    listed = cli("triggers", "--json").json
    assert {one["id"]: one["active"] for one in listed} == {"call": True, "never": False, "night": True}
    assert cli("triggers", "--namespace", "other", "--json").json == []


def test_where_there_is_none_it_says_what_to_do(cli: Cli, write: Write) -> None:
    plain = "id: plain\nnamespace: demo\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: hi}]\n"
    cli("register", write("plain.yaml", plain))
    assert "jupyter gov register" in cli("triggers").out


def test_off_and_on_again(cli: Cli, registered: Cli) -> None:
    off = cli("triggers", "toggle", "nightly/night", "--off")
    assert (off.code, off.out) == (0, "demo.team.nightly/night: off\n")
    on = cli("triggers", "toggle", "night", "--on", "--json").json
    assert (on["disabled"], on["next"] is not None) == (False, True)
    entries = cli("audit", "show", "--json", "-n", "100").json
    toggled = [one["body"]["disabled"] for one in entries if one["action"] == "trigger.toggled"]
    assert sorted(toggled) == [False, True]
    assert cli("audit", "verify").code == 0


def test_a_backfill_begins_is_held_and_ends(cli: Cli, registered: Cli) -> None:
    begun = cli("triggers", "backfill", "night", "--start", "2026-01-01", "-i", "size=3", "--json")
    assert begun.json["backfill"]["inputs"] == {"size": "3"}
    assert "backfill paused" in cli("triggers", "backfill", "night", "--change", "pause").out
    assert "backfill until" in cli("triggers", "backfill", "night", "--change", "resume").out
    assert cli("triggers", "backfill", "night", "--change", "cancel", "--json").json["backfill"] is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("toggle", "nobody", "--off"), 1, "GOV302"),
        (("toggle", "demo.team.nightly/nihgt", "--off"), 1, "did you mean"),
        (("backfill", "never", "--start", "2026-01-01"), 1, "text of its flow"),
        (("toggle", "never", "--on"), 1, "GOV380"),
        (("toggle", "night"), 2, "--on"),
        (("backfill", "night"), 2, "--start"),
        (("backfill", "night", "--start", "soon"), 2, "--start"),
        (("backfill", "never", "--start", "2026-01-01"), 1, "GOV381"),
        (("backfill", "night", "--start", "2026-02-01", "--end", "2026-01-01"), 1, "GOV383"),
        (("backfill", "night", "--start", "2026-02-01T01:00Z", "--end", "2026-02-01T02:00Z"), 1, "GOV383"),
        (("backfill", "night", "--change", "pause"), 1, "GOV384"),
        (("backfill", "call", "--start", "2026-01-01"), 1, "GOV385"),
    ],
)
def test_slips_are_named_and_change_nothing(
    cli: Cli, registered: Cli, words: tuple[str, ...], code: int, said: str
) -> None:
    before = cli("triggers", "--json").json
    ended = cli("triggers", *words)
    assert (ended.code, said in ended.err) == (code, True), ended.err
    assert cli("triggers", "--json").json == before


def test_a_second_backfill_is_refused(cli: Cli, registered: Cli) -> None:
    cli("triggers", "backfill", "night", "--start", "2026-01-01")
    assert "GOV382" in cli("triggers", "backfill", "night", "--start", "2026-01-01").err


def test_names_are_completed(cli: Cli, registered: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_JUPYTER_GOV_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "jupyter-gov triggers toggle demo")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert "demo.team.nightly/night" in cli().out
