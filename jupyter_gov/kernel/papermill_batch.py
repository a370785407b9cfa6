"""What ``papermill in.ipynb out.ipynb --engine jupyter_gov`` does: papermill's own run, put on record.

The kernel is the user's own, with her own environment: unlike the kernel of a task it may open the store, so that
cells with ``%%govflow`` work and wait at their gates. No cell has a time limit unless one is asked for.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.exceptions import PapermillExecutionError
from papermill.execute import raise_for_execution_errors
from papermill.log import logger
from papermill.utils import nb_kernel_name, nb_language

from jupyter_gov.domain.canonical import digest_bytes, plain
from jupyter_gov.domain.execution import Execution
from jupyter_gov.errors import InputError, TaskError
from jupyter_gov.runtime.notebook_parameters import declared, refuse_unknown
from jupyter_gov.runtime.notebook_report import plain as uncoloured
from jupyter_gov.runtime.notebook_report import scrub
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import NotebookRecord
from jupyter_gov.service.identity import local_actor

HEADLESS = "JUPYTER_GOV_HEADLESS"
"""Tells the magics in the kernel that nobody sits there who could click."""

_LAST_MESSAGES = 60
_STATES = {"completed": "SUCCESS", "failed": "FAILED", "running": "FAILED"}

_PACKAGES = """(lambda sys, metadata: __import__("json").dumps({
    "python": sys.version.split()[0],
    **{name: metadata.version(name) for module, names in metadata.packages_distributions().items()
       if module in sys.modules for name in names}}))(
    __import__("sys"), __import__("importlib.metadata").metadata)"""
"""Evaluated in the kernel after the last cell: which packages the notebook has really imported."""


def kernel_name(nb: Any, name: str | None = None) -> str:
    """Return the kernel that the notebook asks for, unless one is named."""
    return str(nb_kernel_name(nb, name))


def language_name(nb: Any, language: str | None = None) -> str:
    """Return the language of the notebook, unless one is named."""
    return str(nb_language(nb, language))


def execute(
    nb: Any,
    kernel_name: str,
    *,
    input_path: Any = None,
    on_recorded: Callable[[Execution], None] | None = None,
    **options: Any,
) -> Any:
    """Run a notebook that papermill has prepared, and record how it went.

    Parameters
    ----------
    input_path
        As papermill was given it.
    on_recorded
        Called with the execution that stands for this run in the history.
    options
        Of papermill's engine: output_path, progress_bar, log_output, execution_timeout …

    Raises
    ------
    InputError
        ``GOV841``: the notebook does not know a parameter; nothing ran.
    StoreError
        The run could not be recorded, so it did not begin.
    PapermillExecutionError
        A cell failed; the notebook is written and the failure recorded.
    """
    _check_parameters(nb, kernel_name)
    run = _Run(nb, kernel_name, input_path, options.get("output_path"))
    gov = open_gov()  # First: a run that cannot be recorded must not begin.
    try:
        try:
            with _terminable():
                run.execute(options)
        finally:
            execution = gov.executions.record_notebook(run.record(), local_actor())
            logger.info("Recorded as execution %s", execution.id)
            if on_recorded is not None:
                on_recorded(execution)
    finally:
        gov.close()
    return run.nb


class _Run:
    """One notebook run, and what will be on record of it."""

    def __init__(self, nb: Any, kernel: str, input_path: Any, output_path: str | None) -> None:
        self.nb = nb
        self._kernel = kernel
        self._input_path = input_path
        self._output_path = output_path
        self._input_digest = _source_digest(input_path, nb)
        self._imported: dict[str, str] = {}
        self._started = datetime.now(UTC)
        self._state = "KILLED"  # Unless it comes to an end of its own.
        self._failure: dict[str, Any] | None = None

    def execute(self, options: Mapping[str, Any]) -> None:
        try:
            self.nb = _Engine.execute_notebook(self.nb, self._kernel, imported=self._imported, **options)
            scrub(self.nb, _name(self._input_path), _name(self._output_path))
            # It writes the marked notebook itself; left to papermill, we would not know what was written.
            raise_for_execution_errors(self.nb, self._output_path)
            self._state = "SUCCESS"
        except PapermillExecutionError as error:
            self._state, self._failure = "FAILED", _failure(self.nb, error)
            raise
        except Exception as error:
            self._state, self._failure = "FAILED", {"message": f"{type(error).__name__}: {error}"}
            raise

    def record(self) -> NotebookRecord:
        return NotebookRecord(
            input_path=_name(self._input_path),
            output_path=_name(self._output_path),
            input_digest=self._input_digest,
            output_digest=digest_bytes(nbformat.writes(self.nb).encode()),
            parameters=plain(self.nb.metadata.papermill.get("parameters", {})),
            environment={**_versions(self._kernel), **self._imported},
            cells=tuple(_cells(self.nb)),
            state=self._state,
            started=self._started,
            ended=datetime.now(UTC),
            failure=self._failure,
        )


class _Engine(NBClientEngine):  # type: ignore[misc]
    """papermill's engine, but that the kernel knows that it runs unattended, and says at the end what it imported."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        imported: dict[str, str],
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **options: Any,
    ) -> None:
        client = _Client(
            nb_man,
            imported=imported,
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
            iopub_timeout=_LAST_MESSAGES,
            **options,
        )
        client.execute(env={**os.environ, HEADLESS: "1"})


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    def __init__(self, nb_man: Any, *, imported: dict[str, str], **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._imported = imported

    def papermill_execute_cells(self) -> None:
        super().papermill_execute_cells()
        if nb_language(self.nb, None).lower() == "python":
            message = self.kc.execute("", silent=True, store_history=False, user_expressions={"packages": _PACKAGES})
            reply = self.wait_for_reply(message) or {}
            self._imported.update(_packages(reply.get("content", {}).get("user_expressions", {})))


def _packages(expressions: Mapping[str, Any]) -> dict[str, str]:
    found = expressions.get("packages", {})
    if found.get("status") != "ok":
        return {}
    try:
        # What comes back is the repr of the text.
        versions = json.loads(ast.literal_eval(found["data"]["text/plain"]))
    except (ValueError, SyntaxError):
        return {}
    return {str(name): str(number) for name, number in versions.items()}


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM end the run as an interrupt does, so that its kernel is ended and the run recorded."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return

    def stop(number: int, _: Any) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _check_parameters(nb: Any, kernel: str) -> None:
    given = nb.metadata.papermill.get("parameters") or {}
    if not given:
        return
    try:
        refuse_unknown(declared(nb, kernel, language_name(nb)), given)
    except TaskError as error:
        raise InputError(error.message, code=error.code, hint=error.hint) from None


def _source_digest(input_path: Any, nb: Any) -> str:
    if isinstance(input_path, str) and Path(input_path).is_file():
        return digest_bytes(Path(input_path).read_bytes())
    return digest_bytes(nbformat.writes(nb).encode())


def _name(path: Any) -> str:
    # The name is enough to find it, and no path of this machine stands in the record.
    return Path(path).name if isinstance(path, str) else ""


def _versions(kernel: str) -> dict[str, str]:
    ours = {name: version(name) for name in ("jupyter_gov", "papermill", "nbclient")}
    return {**ours, "kernel": kernel, "platform": platform.platform()}


def _cells(nb: Any) -> Iterator[dict[str, Any]]:
    for number, cell in _numbered(nb):
        if cell.cell_type == "code" and cell.source.strip():
            said = cell.metadata.get("papermill", {})
            state = _STATES.get(said.get("status"), "NOT_RUN")
            yield {"number": number, "id": cell.get("id"), "state": state, "seconds": said.get("duration")}


def _numbered(nb: Any) -> Iterator[tuple[int | None, Any]]:
    """Yield the cells with their numbers in the source notebook, from 1; None for what papermill put in."""
    number = 0
    for cell in nb.cells:
        added = {"injected-parameters", "papermill-error-cell-tag"} & set(cell.metadata.get("tags", ()))
        number += not added
        yield (None if added else number), cell


def _failure(nb: Any, error: PapermillExecutionError) -> dict[str, Any]:
    failed = (number for number, cell in _numbered(nb) if cell.metadata.get("papermill", {}).get("status") == "failed")
    number = next(failed, None)
    where = "The injected parameters" if number is None else f"Cell {number} (In [{error.exec_count}])"
    return {
        "message": f"{where} failed: {error.ename}: {uncoloured(error.evalue)}",
        "cell": number,
        "executionCount": error.exec_count,
        "source": error.source,
        "traceback": uncoloured("\n".join(error.traceback)),
    }
