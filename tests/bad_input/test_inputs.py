"""Values that are refused before an execution exists."""

from __future__ import annotations

import pytest

from jupyter_gov.errors import InputError, NotFoundError
from jupyter_gov.service.api import StartRequest
from tests.bad_input.cases import HEAD, INPUTS, LOG
from tests.bad_input.conftest import contents


@pytest.mark.parametrize("case", INPUTS, ids=lambda case: case.name)
def test_a_wrong_value_is_refused_and_changes_nothing(case, gov, actor, tmp_path):
    gov.flows.register(f"{HEAD}inputs:\n  - {case.declared}\n{LOG}", actor)
    database = tmp_path / "data" / "gov.db"
    before = contents(database)
    given = {} if case.given is None else {"x": case.given}
    with pytest.raises(InputError) as caught:
        gov.executions.start(StartRequest("n", "f", inputs=given), actor)
    assert caught.value.code == case.code
    assert len(str(caught.value)) < 400
    assert contents(database) == before
    if case.name.startswith("secret"):
        assert "hush" not in str(caught.value)
        assert caught.value.hint
    else:
        assert "`x`" in str(caught.value)


def test_an_unknown_input_is_refused_with_the_one_that_was_meant(gov, actor):
    gov.flows.register(f"{HEAD}inputs:\n  - {{id: region, type: STRING}}\n{LOG}", actor)
    with pytest.raises(InputError) as caught:
        gov.executions.start(StartRequest("n", "f", inputs={"region": "EU", "regoin": "EU"}, strict=True), actor)
    assert caught.value.code == "GOV205"
    assert "region" in str(caught.value)


def test_a_program_may_hand_over_more_than_is_declared_and_the_log_says_what_was_ignored(gov, actor):
    gov.flows.register(f"{HEAD}inputs:\n  - {{id: region, type: STRING}}\n{LOG}", actor)
    request = StartRequest("n", "f", inputs={"region": "EU", "regoin": "S3cret!"})
    execution = gov.executions.start(request, actor)
    assert execution.inputs == {"region": "EU"}
    (line,) = gov.executions.logs(execution.id, actor)
    assert line.level == "WARN"
    assert '"regoin" is not declared' in line.message
    assert "region" in line.message.replace("regoin", "")
    assert "S3cret" not in line.message


def test_all_problems_of_the_values_come_at_once(gov, actor):
    gov.flows.register(f"{HEAD}inputs:\n  - {{id: a, type: INT}}\n  - {{id: b, type: DATE}}\n{LOG}", actor)
    with pytest.raises(InputError) as caught:
        gov.executions.start(StartRequest("n", "f", inputs={"a": "x", "b": "y"}), actor)
    assert "`a`" in str(caught.value)
    assert "`b`" in str(caught.value)


def test_a_flow_that_does_not_exist_cannot_be_started(gov, actor, unchanged):
    with pytest.raises(NotFoundError):
        gov.executions.start(StartRequest("n", "nobody"), actor)


def test_labels_of_the_system_cannot_be_set_by_people(gov, actor, tmp_path):
    gov.flows.register(HEAD + LOG, actor)
    before = contents(tmp_path / "data" / "gov.db")
    with pytest.raises(InputError) as caught:
        gov.executions.start(StartRequest("n", "f", labels={"system.correlationId": "x"}), actor)
    assert caught.value.code == "GOV230"
    assert contents(tmp_path / "data" / "gov.db") == before
