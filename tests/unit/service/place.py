"""A service over a store of its own, with a loop, and who asks it."""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.states import State
from jupyter_gov.errors import GovError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import Gov, StartRequest

ANN = Actor("ann", "Ann", frozenset({"risk"}), Assurance.TOKEN)
BOB = Actor("bob", "Bob", frozenset({"sales"}), Assurance.TOKEN)
PATIENCE = 30.0


@dataclass
class Place:
    """A service, the folder of its files and database, and an actor."""

    gov: Gov
    folder: Path
    actor: Actor = ANN

    def start(self, tasks: str, inputs: Mapping[str, Any] | None = None, until: State | None = None) -> Execution:
        """Start a flow ``demo.played`` of this text, and return the execution when it has ended or is in a state."""
        self.gov.flows.register(f"id: played\nnamespace: demo\n{tasks}", self.actor)
        made = self.gov.executions.start(StartRequest("demo", "played", inputs=inputs or {}), self.actor)
        return self.wait(made.id, until)

    def wait(self, execution_id: str, until: State | None = None) -> Execution:
        """Return an execution once it has ended, or is in a state."""

        def reached(execution: Execution) -> bool:
            return execution.state.is_terminal if until is None else execution.state is until

        found = self.gov.executions.wait(execution_id, self.actor, until=reached, timeout=PATIENCE)
        assert reached(found), f"{found.state} {found.failure}"
        return found

    def logs(self, execution_id: str) -> list[str]:
        """Return the log as ``LEVEL message``."""
        return [f"{line.level} {line.message}" for line in self.gov.executions.logs(execution_id, self.actor)]


def opened(folder: Path, **settings: Any) -> Iterator[Place]:
    """Yield a place whose loop runs; closed afterwards."""
    service = open_gov(data_dir=str(folder), run_as=getpass.getuser(), **settings)
    service.start_loop(background=True)
    yield Place(service, folder)
    service.close()


def refused(call: Any) -> GovError:
    """Return the error with which something was refused."""
    with pytest.raises(GovError) as caught:
        call()
    return caught.value
