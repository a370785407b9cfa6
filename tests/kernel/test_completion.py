"""Completion inside ``%%govflow`` cells: where the cursor stands, what is offered there, and through a real kernel."""

from __future__ import annotations

import pytest

from jupyter_gov.kernel.completer import suggestions
from jupyter_gov.kernel.yaml_context import place
from tests.kernel.conftest import Kernel

LOG = "io.kestra.plugin.core.log.Log"
FLOW = f"""\
id: a
namespace: b
inputs:
  - id: who
    type: STRING
variables:
  limit: 5
tasks:
  - id: first
    type: io.kestra.plugin.core.debug.Return
    format: x
  - id: choose
    type: io.kestra.plugin.core.flow.If
    condition: "true"
    then:
      - id: deep
        type: {LOG}
        """


@pytest.mark.parametrize(
    ("text", "keys", "key", "fragment", "path"),
    [
        ("", (), None, "", None),
        ("na", (), None, "na", None),
        (FLOW, ("tasks", "then"), None, "", None),
        (FLOW + "mes", ("tasks", "then"), None, "mes", None),
        ("tasks:\n  - id: x\n    type: io.ke", ("tasks",), "type", "io.ke", None),
        ("tasks:\n- id: x\n  type: L\n  ", ("tasks",), None, "", None),
        ("tasks:\n  - ", ("tasks",), None, "", None),
        ("tasks:\n  - id: x\nla", (), None, "la", None),
        ("tasks:\n  - id: x\n    message: '{{ outputs.fi", ("tasks",), None, "fi", "outputs.fi"),
        ("tasks:\n  - id: x\n    message: \"{{ outputs['fi", ("tasks",), None, "fi", "outputs['fi"),
        ("a: '{{ x }} and {{ in", (), None, "in", "in"),
        ("a: '{{ x }} and ", (), "a", "'{{ x }} and", None),
    ],
)
def test_place(text: str, keys: tuple[str, ...], key: str | None, fragment: str, path: str | None) -> None:
    found = place(text)
    assert (found.keys, found.key, found.fragment, found.path) == (keys, key, fragment, path)


def offered(text: str) -> set[str]:
    return set(suggestions(place(text), text))


@pytest.mark.parametrize(
    ("text", "expected", "unexpected"),
    [
        ("", {"id:", "namespace:", "tasks:", "inputs:"}, {"message:"}),
        ("id: a\n", {"namespace:"}, {"id:"}),
        (FLOW, {"message:", "level:", "retry:", "runIf:"}, {"format:", "id:", "type:"}),
        (FLOW + "level: ", {"INFO", "ERROR"}, set()),
        ("tasks:\n  - id: x\n    type: ", {LOG, "jupyter_gov.notebook.Papermill"}, set()),
        ("inputs:\n  - id: x\n    type: ", {"STRING", "SELECT", "FILE"}, {LOG}),
        ("inputs:\n  - id: x\n    ", {"type:", "required:", "defaults:"}, {"tasks:"}),
        (FLOW + "message: '{{ ", {"inputs", "outputs", "vars"}, set()),
        (FLOW + "message: '{{ outputs.", {"first", "choose", "deep"}, {"who"}),
        (FLOW + "message: '{{ inputs.", {"who"}, {"first"}),
        (FLOW + "message: '{{ vars.", {"limit"}, set()),
        ("tasks:\n  - id: x\n    retry:\n      ", {"type:", "interval:", "maxAttempts:"}, set()),
        ("tasks:\n  - id: x\n    disabled: ", {"true", "false"}, set()),
        ("tasks:\n  - id: x\n    type: unknown.Type\n    ", {"retry:"}, set()),
    ],
)
def test_suggestions(text: str, expected: set[str], unexpected: set[str]) -> None:
    found = offered(text)
    assert expected <= found
    assert not unexpected & found


def complete(kernel: Kernel, code: str) -> list[str]:
    reply = kernel.client.complete(code, len(code), reply=True, timeout=30)
    return reply["content"]["matches"]


def test_the_kernel_completes_in_a_flow_cell_and_python_elsewhere(kernel: Kernel) -> None:
    flow = f"%%govflow --wait\nid: a\nnamespace: b\ntasks:\n  - id: x\n    type: {LOG}\n    mes"
    assert complete(kernel, flow) == ["message:"]
    assert complete(kernel, flow.replace(LOG + "\n    mes", "io.kestra.plugin.core.log.L")) == [LOG]
    assert complete(kernel, flow + "sage: hi\n    zzz") == []
    assert "print(" in " ".join(complete(kernel, "prin")) or "print" in complete(kernel, "prin")
