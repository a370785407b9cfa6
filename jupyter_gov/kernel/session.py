"""What one kernel keeps for ``jupyter_gov``: its service, who sits at it, and the views that are alive."""

from __future__ import annotations

import atexit
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from jupyter_gov.config import JupyterGov, load_config_files
from jupyter_gov.domain.actor import Actor
from jupyter_gov.service.identity import local_actor

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_gov.kernel.screens import Screen
    from jupyter_gov.kernel.view import ExecutionView
    from jupyter_gov.service.api import Gov

MAX_LIVE = 20
"""Views watched at once; an older one becomes static, as it would on a page nobody looks at any more."""


class Session:
    """Everything the magics share; the service is opened when it is first needed.

    Parameters
    ----------
    shell
        The IPython shell of this kernel.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        config = load_config_files()
        config.merge(shell.config)
        self.settings = JupyterGov(config=config)
        self._gov: Gov | None = None
        self._live: list[ExecutionView] = []
        atexit.register(self.close)

    @property
    def gov(self) -> Gov:
        """The service; its loop runs from the first call on."""
        if self._gov is None:
            from jupyter_gov.service import open_gov  # noqa: PLC0415 - see screen

            settings = {name: getattr(self.settings, name) for name in JupyterGov.class_own_traits(config=True)}
            self._gov = open_gov(**settings)
            self._gov.start_loop()
        return self._gov

    @cached_property
    def actor(self) -> Actor:
        """The person whose kernel this is, as the host knows them."""
        return local_actor()

    @property
    def attended(self) -> bool:
        """Whether somebody sits there who could click: no batch, no conversion, no script."""
        if os.environ.get("JUPYTER_GOV_HEADLESS"):
            return False
        kernel = getattr(self.shell, "kernel", None)
        if kernel is None:
            return sys.stdin is not None and sys.stdin.isatty()
        # Batch clients (nbclient, papermill, nbconvert) say with each request that nobody can be asked.
        return bool(getattr(kernel, "_allow_stdin", True))

    @property
    def waits(self) -> bool:
        """Whether a cell stays at a gate unless it says otherwise: where nobody can click, and nobody forbade it."""
        return not self.attended and not os.environ.get("JUPYTER_GOV_NO_WAIT")

    @property
    def in_notebook(self) -> bool:
        """Whether outputs can be updated after they were shown."""
        return getattr(self.shell, "kernel", None) is not None

    def screen(self, view: ExecutionView, *, quiet: bool = False, style: str = "html") -> Screen:
        """Return where to show a run."""
        from jupyter_gov.kernel.screens import JsonScreen, LineScreen, NotebookScreen, QuietScreen  # noqa: PLC0415 - widgets and templates must not slow %load_ext

        screen: Screen
        if style == "json":
            return JsonScreen()
        if style == "text" or not self.in_notebook:
            screen = LineScreen()
        else:
            screen = NotebookScreen(live=self.attended and not quiet, on_request=view.answer)
        return QuietScreen(screen) if quiet else screen

    def watched(self, view: ExecutionView) -> None:
        """Remember a view that goes on living; let the oldest go when there are too many."""
        self._live = [known for known in self._live if known.is_live and known is not view]
        self._live.append(view)
        for oldest in self._live[:-MAX_LIVE]:
            oldest.detach()

    def close(self) -> None:
        """Detach all views, stop the loop and close the store."""
        for view in self._live:
            view.detach()
        for view in self._live:
            view.join(timeout=2.0)
        self._live.clear()
        if self._gov is not None:
            self._gov.close()
            self._gov = None
        atexit.unregister(self.close)
