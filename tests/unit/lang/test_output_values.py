"""Outputs of a flow are typed like its inputs; one that does not fit fails the execution and says why."""

from typing import Any

import pytest

from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.engine.outputs import resolve_outputs
from jupyter_gov.errors import ExecutionError
from jupyter_gov.lang.check import check
from jupyter_gov.lang.models.flow import OutputDef
from jupyter_gov.plugins.registry import Registry
from tests.property.world import World

HEAD = """\
id: a
namespace: b
variables: {n: 5, text: abc, list: [1, a], map: {k: [true]}, day: "2026-01-31", nothing: ~}
tasks:
  - {id: off, type: io.kestra.plugin.core.log.Log, message: hi, disabled: true}
outputs:
"""


def ended(*outputs: str) -> Execution:
    """Run a flow of these outputs to its end."""
    text = HEAD + "".join(f"  - {{{one}}}\n" for one in outputs)
    world = World(check(text, Registry()).raise_for_errors())
    world.start()
    assert world.execution.state.is_terminal
    return world.execution


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ('type: INT, value: "42"', 42), ('type: INT, value: "{{ vars.n }}"', 5), ("type: INT, value: 7", 7),
        ('type: FLOAT, value: "{{ vars.n }}"', 5.0), ('type: BOOL, value: "{{ vars.n == 5 }}"', True),
        ('type: STRING, value: "{{ vars.n }}"', "5"), ('type: STRING, value: {k: "{{ vars.n }}"}', '{"k":"5"}'),
        ('type: STRING, value: "{{ vars.map }}"', '{"k":[true]}'), ('type: JSON, value: "{{ vars.map }}"', {"k": [True]}),
        ("type: JSON, value: '{\"a\": 1}'", {"a": 1}), ('type: ARRAY, value: "{{ vars.list }}"', [1, "a"]),
        ("type: ARRAY, value: '[1, 2]'", [1, 2]), ("type: DURATION, value: P1D", "PT24H"),
        ('type: DATE, value: "{{ vars.day }}"', "2026-01-31"), ('value: "{{ vars.n }}"', "5"), ("value: [1]", [1]),
        ('type: INT, required: false, value: "{{ vars.nothing }}"', None),
        ('type: INT, required: false, value: "{{ vars.map.gone }}"', None),
        ('required: false, value: "{{ vars.list[7].x }}"', None),
    ],
)  # fmt: skip
def test_output_is_typed(written: str, expected: Any) -> None:
    execution = ended(f"id: o, {written}")
    assert (execution.state, execution.failure) == (State.SUCCESS, None)
    assert execution.outputs is not None
    assert execution.outputs["o"] == expected
    assert type(execution.outputs["o"]) is type(expected)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ('type: INT, value: "abc"', "o: Invalid output for `o`, Expected `INT` but received `abc`"),
        ('type: INT, value: "{{ vars.text }}"', "Expected `INT` but received `abc`"),
        ('type: INT, required: false, value: "abc"', "Expected `INT` but received `abc`"),
        ('type: INT, value: "{{ vars.nothing }}"', "Expected `INT` but received `null`"),
        ('type: JSON, value: "{{ vars.nothing }}"', "Expected `JSON` but received `null`"),
        ('type: BOOL, value: "{{ vars.n }}"', "Expected `BOOLEAN` but received `5`"),
        ('type: ARRAY, value: "{{ vars.map }}"', "Expected `ARRAY` but received `{k=[true]}`"),
        ('type: DATE, value: "31.1.2026"', "Expected `DATE` but received `31.1.2026`"),
        ('type: FILE, value: " "', "Expected `FILE`"),
    ],
)  # fmt: skip
def test_output_that_does_not_fit_fails_the_execution(written: str, message: str) -> None:
    execution = ended("id: fine, value: x", f"id: o, {written}")
    assert execution.state is State.FAILED
    assert execution.outputs is None
    assert execution.failure is not None
    assert execution.failure.code == "GOV208"
    assert message in execution.failure.message


def test_no_part_of_a_secret_is_quoted() -> None:
    secret = "s3cret" * 40
    with pytest.raises(ExecutionError) as caught:
        resolve_outputs([OutputDef(id="o", type="INT", value=secret)], {}, None, lambda value: value == secret)
    assert caught.value.code == "GOV208"
    assert "s3cret" not in caught.value.message


def test_all_outputs_that_do_not_fit_are_named() -> None:
    failure = ended(
        "id: o, type: INT, value: x", "id: p, type: DATE, value: y", "id: q, value: '{{ vars.map.gone }}'"
    ).failure
    assert failure is not None
    assert failure.code == "GOV208"
    assert [line.partition(":")[0] for line in failure.message.splitlines()] == ["o", "p", "q"]


def test_an_output_that_cannot_be_rendered_keeps_its_code() -> None:
    failure = ended('id: o, type: INT, value: "{{ vars.map.gone }}"').failure
    assert failure is not None
    assert failure.code == "GOV151"
    assert "gone" in failure.message


def test_a_failed_task_is_not_hidden_by_outputs_that_wanted_its_own() -> None:
    text = """\
id: a
namespace: b
tasks:
  - {id: work, type: io.kestra.plugin.core.debug.Return, format: hi}
outputs:
  - {id: o, type: INT, value: "{{ outputs.work.gone }}"}
"""
    world = World(check(text, Registry()).raise_for_errors())
    world.start()
    (run_id,) = world.running
    world.finish(run_id, State.FAILED)
    assert world.execution.failure is not None
    assert world.execution.failure.code == "GOV800"
