"""Use cases: what a person (or another program) can ask for. Start reading at ``flows`` and ``executions``.

``open_gov`` wires the local implementation over a store; the faces know only ``api``.
"""

from __future__ import annotations

from typing import Any

from jupyter_gov.service.api import Gov


def open_gov(**settings: Any) -> Gov:
    """Open the governance service of this installation.

    Parameters
    ----------
    settings
        Settings of ``config.JupyterGov`` that win over files and environment, such as ``db_url``; ``config`` may be a
        traitlets ``Config``.

    Raises
    ------
    StoreError
        The database cannot be opened; says why and how to repair it.
    """
    from jupyter_gov.service.wire import open_local  # noqa: PLC0415 - SQL and YAML cost most of a second

    return open_local(**settings)


__all__ = ["Gov", "open_gov"]
