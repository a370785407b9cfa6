"""Flows that cannot be registered: the answer names code and line, and the store stays as it was."""

from __future__ import annotations

import pytest

from jupyter_gov.lang.diagnostics import FlowError
from tests.bad_input.cases import ESCAPES, FLOWS, HEAD, RETURN


@pytest.mark.parametrize("case", FLOWS, ids=lambda case: case.name)
def test_a_wrong_flow_is_refused_with_code_and_line(case, gov, actor, unchanged):
    with pytest.raises(FlowError) as caught:
        gov.flows.register(case.text, actor)
    errors = [found for found in caught.value.diagnostics if found.is_error]
    found = [(error.code, error.location.line if error.location else None) for error in errors]
    assert (case.code, case.line) in found, found
    shown = "\n".join(caught.value._render_traceback_())
    assert case.code in shown
    assert "Traceback" not in shown
    assert all(error.message for error in errors)


@pytest.mark.parametrize("template", ESCAPES)
def test_no_template_leaves_the_sandbox(template, gov, actor, tmp_path):
    from jupyter_gov.errors import GovError
    from jupyter_gov.service.api import StartRequest

    text = HEAD + RETURN + "|-\n      " + template + "\n"
    refusal = None
    try:
        gov.flows.register(text, actor)
    except GovError as error:
        refusal = error
    if refusal is not None:
        assert refusal.code.startswith("GOV1")
        return
    execution = gov.executions.start(StartRequest("n", "f"), actor)
    execution = gov.executions.wait(execution.id, actor, until=lambda found: found.state.is_terminal, timeout=30)
    assert execution.state == "FAILED"
    assert execution.failure is not None
    assert execution.failure.code.startswith("GOV1")


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x]\n"
        + "".join(
            f"b{n}: &b{n} [*{'a' if n == 0 else f'b{n - 1}'}, *{'a' if n == 0 else f'b{n - 1}'}]\n" for n in range(40)
        ),
        "x: " + "[" * 5000,
        "x: " + "{a: " * 3000,
        "\x00",
        "id: \x07",
        "? {a: b}\n: c\n",
        "x" * 3_000_000,
    ],
    ids=["billion-laughs", "deep-list", "deep-map", "nul", "bell", "map-as-key", "three-megabytes"],
)
def test_hostile_text_is_refused_quickly(text, gov, actor, unchanged):
    import time

    started = time.perf_counter()
    with pytest.raises(FlowError):
        gov.flows.register(text, actor)
    assert time.perf_counter() - started < 2
