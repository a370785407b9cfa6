"""Loads and unloads the magics of one kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_gov.kernel import inspector
from jupyter_gov.kernel.completer import install, remove
from jupyter_gov.kernel.magics import ENTRY, GovMagics, rewrite
from jupyter_gov.kernel.session import Session

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_SESSION = "_jupyter_gov_session"


def load(shell: InteractiveShell) -> None:
    """Register magics, the rewriting of waiting cells, and completion; the store is opened when first needed."""
    session = Session(shell)
    magics = GovMagics(shell, session)
    shell.register_magics(magics)
    setattr(shell, ENTRY, magics.run_cell)
    setattr(shell, _SESSION, session)
    # `%config JupyterGov` lists and sets what the service is opened with.
    shell.configurables.append(session.settings)  # type: ignore[arg-type]  # annotated too narrowly
    if rewrite not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(rewrite)
    install(shell)
    inspector.install(shell)


def unload(shell: InteractiveShell) -> None:
    """Undo ``load``, stop the loop and close the store."""
    if rewrite in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.remove(rewrite)
    remove(shell)
    inspector.remove(shell)
    session = getattr(shell, _SESSION, None)
    if session is not None:
        session.close()
        shell.configurables.remove(session.settings)
        delattr(shell, _SESSION)
    if hasattr(shell, ENTRY):
        delattr(shell, ENTRY)
    for kind, name in (("cell", "govflow"), ("cell", "govtest"), ("cell", "gov"), ("line", "gov")):
        shell.magics_manager.magics[kind].pop(name, None)
