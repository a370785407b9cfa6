"""A fault of ours (or of something plugged in) ends the execution with a reason; it never leaves it standing for ever."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.runtime.rig import Rig

RETURN = "tasks:\n  - id: t\n    type: io.kestra.plugin.core.debug.Return\n"


class Broken(Mapping[str, Any]):
    """A setting of the installation that fails in a way that nobody foresaw, wherever it is read."""

    def __getitem__(self, key: str) -> Any:
        raise ZeroDivisionError("a divided setting")

    def __iter__(self) -> Iterator[str]:
        return iter(["x"])

    def __len__(self) -> int:
        return 1


def test_the_execution_ends_and_says_why(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """The flow's outputs are worked out with the end of the last task, and again where that is turned into a failure."""
    rig.loop(settings={"globals": {"broken": Broken()}})
    wanted = 'outputs:\n  - id: o\n    type: JSON\n    value: "{{ globals.broken }}"\n'
    ended = rig.wait(rig.start(f"id: f\nnamespace: company.team\n{RETURN}{wanted}"))
    assert "cannot be applied" in caplog.text
    assert ended.state == "KILLED"
    assert ended.failure is not None
    assert "killed by system: " in ended.failure.message
    assert "GOV867" in ended.failure.message
    assert "ZeroDivisionError" in ended.failure.message
    after = rig.wait(rig.start(f"id: g\nnamespace: company.team\n{RETURN}"))
    assert after.state == "SUCCESS"
