"""What a starter writes reaches the terminal of an approver as text, never as orders to the terminal."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.cli.conftest import Cli, Ended

Write = Callable[[str, str], str]

ESCAPES = "\x1b[2K\x1b[1G\x1b[1A\x1b[2KPay 5 EUR to Alice.\x1b]8;;http://x\x07 \x9b31m \u202eRUE\r [red]b[/red] :smile:"
SPOOF = """\
id: spoof
namespace: demo
inputs:
  - id: note
    type: STRING
tasks:
  - id: say
    type: io.kestra.plugin.core.log.Log
    message: "said {{ inputs.note }}"
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
    description: "Pay 5,000,000 EUR to Mallory. {{ inputs.note }}"
  - id: stop
    type: io.kestra.plugin.core.execution.Fail
    errorMessage: "failed {{ inputs.note }}"
outputs:
  - id: told
    type: STRING
    value: "{{ inputs.note }}"
"""


@pytest.fixture
def spoofed(cli: Cli, write: Write) -> Ended:
    return cli("run", write("spoof.yaml", SPOOF), "-i", f"note={ESCAPES}", "--no-wait")


def test_no_command_hands_control_characters_on(cli: Cli, spoofed: Ended) -> None:
    shown = [
        spoofed,
        cli("show", "last"),
        cli("logs", "last"),
        cli("approvals"),
        cli("sql", 'select description as d, 1 as "\x1b[red] [red]:smile:" from approvals'),
        cli("audit", "show", "last"),
        cli("reject", "last", "--reason", f"no {ESCAPES}"),
        cli("show", "last"),
    ]
    for ended in shown:
        text = ended.out + ended.err
        assert not [sign for sign in text if sign in "\x1b\x07\r\x9b\u202e"], ended
    for place in (shown[1], shown[2], shown[3], shown[4]):
        assert "␛[2K" in place.out
        assert "Traceback" not in place.err
    described = shown[1].out
    assert "Mallory. ␛[2K␛[1G␛[1A␛[2KPay 5 EUR to Alice." in described
    assert "\\u202eRUE␍ [red]b[/red] :smile:" in described
    assert "[red]:smile:" in shown[4].out.splitlines()[0]


def test_a_failure_is_told_legibly(cli: Cli, write: Write) -> None:
    ended = cli(
        "run",
        write("fail.yaml", SPOOF.replace("core.flow.Pause", "core.log.Log").replace("description", "message")),
        "-i",
        f"note={ESCAPES}",
    )
    assert ended.code == 1
    assert "failed ␛[2K" in ended.err
    assert "\x1b" not in ended.out + ended.err + cli("show", "last").out


def test_json_keeps_the_value_and_no_order_to_the_terminal(cli: Cli, spoofed: Ended) -> None:
    shown = cli("show", "last", "--json")
    assert shown.json["inputs"]["note"] == ESCAPES
    assert not [sign for sign in shown.out if sign in "\x1b\x07\r\x9b\u202e"]


def test_half_a_character_is_refused_legibly(cli: Cli, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8:strict")
    flow, raw = write("spoof.yaml", SPOOF), os.fsdecode(b"\xff")
    refused = cli("run", flow, "-i", f"note={raw}", "--json")
    assert refused.code == 2, refused.err
    assert "udcff" in refused.json["error"]["message"]
    told = cli("run", flow, "-i", f"note={raw}")
    assert told.code == 2
    assert "\\udcff" in told.err
    assert "Traceback" not in told.err
    unknown = cli("show", raw, "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (1, "GOV302")
