"""``jupyter gov``: the same use cases from a terminal, for people and for scripts."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; the entry point of ``jupyter-gov``."""
    from jupyter_gov.cli import app  # noqa: PLC0415 - importing the package must stay free

    sys.exit(app.main())
