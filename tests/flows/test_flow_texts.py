"""Our corpus of flows: each valid text with its warnings, each invalid one with code and line of every error."""

from pathlib import Path

import pytest

from jupyter_gov.lang.check import CheckedFlow, check
from jupyter_gov.lang.diagnostics import FlowError, render
from jupyter_gov.plugins.registry import Registry

HERE = Path(__file__).parent
REGISTRY = Registry()

# File -> (code, line) of everything that is said about it.
VALID: dict[str, list[tuple[str, int]]] = {
    "minimal": [],
    "everything": [],
    "without-effect": [
        ("GOV163", 3), ("GOV163", 9),
    ],
    "yaml-scalars": [("GOV161", 23)],
    "undeclared-inputs": [("GOV132", 8), ("GOV132", 8)],
    "guarded-references": [("GOV131", 6), ("GOV133", 6)],
    "older-spellings": [
        ("GOV164", 1), ("GOV160", 6), ("GOV161", 6), ("GOV160", 7), ("GOV160", 14), ("GOV160", 17), ("GOV162", 17),
        ("GOV160", 18),
    ],
}  # fmt: skip
INVALID: dict[str, list[tuple[str, int]]] = {
    "syntax": [("GOV101", 6)],
    "tab": [("GOV101", 4)],
    "unquoted-expression": [("GOV107", 6)],
    "duplicate-key": [("GOV103", 7)],
    "two-documents": [("GOV106", 5)],
    "merge-key": [("GOV108", 5)],
    "python-tag": [("GOV105", 6)],
    "billion-laughs": [("GOV102", 7)],
    "empty": [("GOV110", 1)],
    "no-map": [("GOV110", 1)],
    "missing-keys": [("GOV113", 1), ("GOV113", 1), ("GOV113", 1)],
    "no-tasks": [("GOV117", 3)],
    "unknown-key": [("GOV112", 3), ("GOV112", 7)],
    "unknown-type": [("GOV111", 5), ("GOV111", 8)],
    "trigger-as-task": [("GOV111", 4)],
    "task-without-head": [("GOV113", 4), ("GOV113", 6), ("GOV114", 8)],
    "misspelt-without-type": [
        ("GOV112", 5), ("GOV112", 6), ("GOV111", 8), ("GOV112", 9), ("GOV113", 11), ("GOV112", 11), ("GOV112", 12),
        ("GOV111", 12), ("GOV112", 14), ("GOV112", 15), ("GOV121", 16), ("GOV113", 17), ("GOV112", 18), ("GOV112", 19),
        ("GOV112", 19), ("GOV112", 21), ("GOV112", 21), ("GOV111", 22), ("GOV112", 22), ("GOV113", 23), ("GOV112", 23),
        ("GOV112", 25), ("GOV112", 25), ("GOV111", 26), ("GOV112", 26),
    ],
    "dag": [
        ("GOV144", 8), ("GOV143", 12), ("GOV113", 15), ("GOV112", 18), ("GOV114", 20), ("GOV114", 21), ("GOV144", 26),
        ("GOV117", 29), ("GOV114", 32),
    ],
    "gate-after-the-end": [("GOV118", 6), ("GOV118", 10)],
    "bad-ids": [("GOV116", 1), ("GOV116", 2), ("GOV116", 4), ("GOV116", 6), ("GOV116", 7)],
    "duplicate-ids": [("GOV115", line) for line in (5, 11, 13, 15, 18, 21)],
    "wrong-kinds": [
        ("GOV114", 3), ("GOV114", 4), ("GOV114", 8), ("GOV114", 9), ("GOV121", 10), ("GOV114", 11), ("GOV114", 14),
        ("GOV114", 16),
    ],
    "empty-branches": [("GOV117", 4), ("GOV117", 5), ("GOV117", 6), ("GOV117", 14)],
    "retry": [
        ("GOV120", 7), ("GOV111", 11), ("GOV113", 15), ("GOV121", 15), ("GOV113", 19), ("GOV120", 23),
    ],
    "inputs": [
        ("GOV113", 4), ("GOV111", 5), ("GOV123", 6), ("GOV120", 7), ("GOV120", 8), ("GOV120", 9), ("GOV120", 10),
        ("GOV112", 11), ("GOV115", 13), ("GOV142", 14), ("GOV114", 16),
    ],
    "references": [("GOV131", 11), ("GOV131", 14), ("GOV133", 19), ("GOV131", 21)],
    "expressions": [("GOV152", 6), ("GOV153", 11), ("GOV152", 14), ("GOV153", 15)],
    "triggers": [
        ("GOV122", 6), ("GOV122", 7), ("GOV120", 8), ("GOV111", 9), ("GOV113", 10), ("GOV120", 15), ("GOV117", 15), ("GOV114", 19),
        ("GOV120", 24), ("GOV120", 25), ("GOV113", 26),
    ],
    "calls-itself": [("GOV141", 4), ("GOV141", 5)],
    "not-supported": [("GOV118", 3), ("GOV117", 4)],
    "system-labels": [("GOV120", 3)],
    "plugin-defaults": [("GOV112", 5), ("GOV114", 5), ("GOV113", 6), ("GOV114", 8)],
    "gate-form": [("GOV114", 6), ("GOV111", 8), ("GOV153", 9)],
}  # fmt: skip


def checked(folder: str, name: str) -> CheckedFlow:
    path = HERE / folder / f"{name}.yaml"
    return check(path.read_text(encoding="utf-8"), REGISTRY, file=path.name)


def places(result: CheckedFlow, *, errors: bool) -> list[tuple[str, int]]:
    found = result.errors if errors else result.warnings
    return [(one.code, one.location.line if one.location else 0) for one in found]


@pytest.mark.parametrize("name", VALID)
def test_valid(name: str) -> None:
    result = checked("valid", name)
    assert result.flow is not None, render(result.diagnostics, result.source)
    assert places(result, errors=False) == VALID[name]
    assert result.raise_for_errors() is result.flow


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str) -> None:
    result = checked("invalid", name)
    assert places(result, errors=True) == INVALID[name]
    assert result.flow is None
    with pytest.raises(FlowError) as caught:
        result.raise_for_errors()
    assert caught.value.code == INVALID[name][0][0]
    text = str(caught.value)
    assert "^" in text
    assert "Traceback" not in text
    assert "pydantic" not in text.lower()


def test_every_text_is_in_the_table() -> None:
    assert {path.stem for path in (HERE / "valid").glob("*.yaml")} == set(VALID)
    assert {path.stem for path in (HERE / "invalid").glob("*.yaml")} == set(INVALID)


def test_everything_arrives_in_the_flow() -> None:
    flow = checked("valid", "everything").raise_for_errors()
    assert flow.labels == {"team": "risk", "year": "2026", "system.readOnly": "true"}
    assert [one.type for one in flow.inputs][:5] == ["STRING", "INT", "FLOAT", "BOOL", "BOOLEAN"]
    clock = next(one for one in flow.inputs if one.id == "clock")
    assert clock.defaults == "12:30"
    assert flow.variables["list"] == [1, "yes", 750]
    assert flow.retry is not None
    assert flow.retry.max_attempts == 3
    assert flow.concurrency is not None
    assert flow.concurrency.behavior == "CANCEL"
    assert set(flow.index) == {
        "first", "branch", "many", "few", "branch-failed", "cases", "on-test", "on-live", "on-other", "loop", "each",
        "gate", "on-error", "always", "after",
    }  # fmt: skip
    first = flow.index["first"]
    assert (first.timeout, first.run_if, first.allow_failure, first.log_level) == (
        "PT1M", "{{ inputs.dry }}", True, "DEBUG",
    )  # fmt: skip
    assert first.props == {"format": "{{ render(vars.greeting) }}"}
    assert first.retry is not None
    assert first.retry.warning_on_retry
    assert set(flow.index["cases"].slots) == {"cases:test", "cases:live", "defaults"}
    assert flow.index["many"].props == {"level": "WARN", "message": "{{ outputs.first.value }}"}
    assert flow.index["gate"].props["onResume"][0] == {"id": "reason", "type": "STRING", "required": True}
    assert [one.id for one in flow.triggers] == ["daily", "seconds", "hook", "upstream"]
    assert [one.disabled for one in flow.triggers] == [False, True, False, False]
    assert flow.triggers[0].props["timezone"] == "Europe/Berlin"
    assert flow.outputs[0].value == "{{ outputs.first.value }}"
    assert flow.undeclared_inputs == ()


def test_scalars_in_a_flow() -> None:
    flow = checked("valid", "yaml-scalars").raise_for_errors()
    assert flow.variables == {
        "on": 1, "yes": "no", "0750": 750, "date": "2024-01-31", "time": "12:30", "nothing": None, "text": "12",
        "anchor": {"x": 1}, "alias": {"x": 1},
    }  # fmt: skip
    assert [task.props["message"] for task in flow.tasks] == ["0750", "yes", "2024-01-31"]


def test_older_spellings_arrive_under_their_new_names() -> None:
    flow = checked("valid", "older-spellings").raise_for_errors()
    assert flow.labels == {"team": "risk"}
    assert flow.inputs[0].id == "old-name"
    assert flow.inputs[0].required is False
    hello = flow.index["hello"]
    assert hello.type == "io.kestra.plugin.core.log.Log"
    assert hello.props["level"] == "WARN"
    assert hello.retry is not None
    assert hello.retry.max_attempts == 2


def test_undeclared_inputs_are_noted() -> None:
    assert checked("valid", "undeclared-inputs").raise_for_errors().undeclared_inputs == ("data_uri", "declard")
