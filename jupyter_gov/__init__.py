"""AI governance that runs, inside Jupyter.

Importing this package costs nothing: the hooks below, which Jupyter and IPython call, import what they need when
they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import GovError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"

__all__ = ["GovError", "__version__", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Make ``%%govflow`` and ``%gov`` known to a kernel: what ``%load_ext jupyter_gov`` calls."""
    from jupyter_gov.kernel.extension import load  # noqa: PLC0415 - importing this package must stay free

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Stop the loop of this kernel and close its store: what ``%unload_ext jupyter_gov`` calls."""
    from jupyter_gov.kernel.extension import unload  # noqa: PLC0415 - see above

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter-gov"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from jupyter_gov.server.extension import GovExtension  # noqa: PLC0415 - see above

    return [{"module": "jupyter_gov", "app": GovExtension}]
