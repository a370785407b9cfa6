"""The engine of ``papermill in.ipynb out.ipynb --engine jupyter_gov``, found through papermill's entry point.

papermill imports every engine of every package whenever it is imported itself: this module imports nothing of
consequence, so that it can neither break papermill nor slow it down.
"""

from __future__ import annotations

from typing import Any


class GovEngine:
    """Runs a notebook with papermill and puts the run on record."""

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute ``nb`` and record who ran it, with which parameters, how long each cell took, and the digests."""
        from jupyter_gov.kernel.papermill_batch import execute  # noqa: PLC0415 - see above

        return execute(nb, kernel_name, **options)

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> str:
        """Return the kernel that the notebook asks for, unless one is named."""
        from jupyter_gov.kernel.papermill_batch import kernel_name  # noqa: PLC0415

        return kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> str:
        """Return the language of the notebook, unless one is named."""
        from jupyter_gov.kernel.papermill_batch import language_name  # noqa: PLC0415

        return language_name(nb, language)
