"""What is said after an interrupt can be done in the state that was reached."""

from __future__ import annotations

import pytest

from jupyter_gov.domain.states import State
from jupyter_gov.service.interrupts import hint


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.KILLED, "restart"),
        (State.FAILED, "restart"),
        (State.SUCCESS, "show x shows"),
        (State.KILLING, "show x --follow stays"),
        (State.RUNNING, "show x --follow stays"),
    ],
)
def test_the_hint_fits_the_state(state: State, word: str) -> None:
    assert f"jupyter gov {word}" in hint(state, "x", "jupyter gov", follow=" --follow")
