"""``jupyter gov``: the same use cases from a terminal, for people and for scripts."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the entry point of ``jupyter-gov``."""
    from jupyter_gov.cli import leaving  # noqa: PLC0415 - importing the package must stay free

    leaving.quietly()
    try:
        from jupyter_gov.cli import app  # noqa: PLC0415 - most of the time that a person waits

        code = app.main()
    except (Exception, KeyboardInterrupt) as error:
        if not leaving.was_interrupted(error):
            raise
        code = leaving.INTERRUPTED
    sys.exit(code)
