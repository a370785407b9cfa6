"""Opens the service for one command, and says who sits at the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_gov.cli import slips
from jupyter_gov.config import JupyterGov
from jupyter_gov.domain.actor import Actor
from jupyter_gov.domain.execution import Execution
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import Gov
from jupyter_gov.service.identity import local_actor


@contextmanager
def opened(*, begins: bool = False) -> Iterator[tuple[Gov, Actor]]:
    """Yield the service and the local actor; close the service afterwards.

    Parameters
    ----------
    begins
        Whether the command may be the first one on a database; any other is refused where a named one is missing.

    Raises
    ------
    NotFoundError
        ``GOV353``: the database that somebody named does not exist.
    """
    if begins:
        slips.warn_of_variables()
    else:
        slips.require_database()
    gov = open_gov()
    try:
        yield gov, local_actor()
    finally:
        gov.close()


def carries_on(execution: Execution) -> bool:
    """Whether processes of this installation may carry an execution on, or only those of somebody else."""
    return execution.run_as == JupyterGov().resolved_run_as()
