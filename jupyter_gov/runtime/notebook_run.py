"""One notebook on its way through papermill: our engine, its client, and what they tell while cells run.

The kernel's sockets live on the pool's loop. Each cell is a coroutine there; the thread that runs the notebook waits
for its end and meanwhile hands every message to the events, so that logs and progress are live and a slow log does
not hold up the kernels of others.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

import nbformat
import papermill
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat.validator import normalize
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError

from jupyter_gov.errors import TaskError
from jupyter_gov.notebook import METRIC_MIME, OUTPUT_MIME
from jupyter_gov.plugins.context import Metric, NotebookCell, NotebookEvents, NotebookRequest, NotebookResult
from jupyter_gov.runtime.kernel import Kernel
from jupyter_gov.runtime.kernels import KernelPool
from jupyter_gov.runtime.kernelspecs import KernelWant
from jupyter_gov.runtime.notebook_engine import unreadable
from jupyter_gov.runtime.notebook_parameters import check
from jupyter_gov.runtime.notebook_report import LineMaker, failure_of, redacted, save, thorough

ENGINE = "jupyter_gov.pooled"

_GRACE = 2.0
"""Seconds that an interrupted cell has before its kernel is killed."""

_LAST_MESSAGES = 60
"""Seconds to wait for the outputs of a cell that has already answered."""

_SHOWN = frozenset({"stream", "display_data", "execute_result"})

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())  # Otherwise Python prints the client's warnings on the worker's stderr.


class NotebookRun:
    """One notebook, read and checked; ``execute`` it once.

    Attributes
    ----------
    reason
        Why it was stopped from outside (``killed``, ``timeout``, ``lease``) or by us (``output``, ``dead``).
    """

    def __init__(
        self,
        request: NotebookRequest,
        wanted: KernelWant,
        pool: KernelPool,
        *,
        redact: Callable[[str], str],
        events: NotebookEvents,
        output_limit: int,
    ) -> None:
        self.pool = pool
        self.events = events
        self.reason: str | None = None
        self.outputs: dict[str, Any] = {}
        self.cells: dict[str, NotebookCell] = {}
        self.nb = _read(request.path, request.name)
        self.numbers = {cell.id: number for number, cell in enumerate(self.nb.cells, 1)}
        self.failed: str | None = None
        self.expected: list[tuple[Any, list[Any]]] = []
        self._request = request
        self._wanted = wanted
        self._redact = thorough(redact, request.own_environment)
        self._room = output_limit
        self._kernel: Kernel | None = None
        self._running: asyncio.Task[Any] | None = None
        spec = wanted.spec
        self._parameters = check(self.nb, wanted.key.kernel_name, spec.language, request.parameters, redact)

    def execute(self, kernel: Kernel, target: Path) -> NotebookResult:
        """Run all cells and write the executed notebook to ``target``, whatever happens."""
        self._kernel = kernel
        error: PapermillExecutionError | None = None
        try:
            papermill.execute_notebook(
                self.nb,
                None,
                parameters=self._parameters,
                engine_name=ENGINE,
                kernel_name=self._wanted.key.kernel_name,
                language=self._wanted.spec.language,
                progress_bar=False,
                autosave_cell_every=0,
                run=self,
            )
        except PapermillExecutionError as raised:
            error = raised
        finally:
            self._kernel = None  # From here on it cannot be stopped.
            for cell, outputs in self.expected:
                cell.outputs = outputs
            save(self.nb, target, name=self._request.name, redact=self._redact)
        failure = None if error is None else failure_of(self, kernel, error, self._redact)
        return NotebookResult(tuple(self.cells.values()), redacted(self.outputs, self._redact), failure, kernel.pooled)

    @property
    def kernel(self) -> Kernel:
        """The kernel of this run, once it is executed."""
        if self._kernel is None:
            raise RuntimeError("execute() gives the run its kernel")
        return self._kernel

    # -- called from any thread --------------------------------------------------------------------------------

    def stop(self, reason: str) -> None:
        """Interrupt the running cell, kill the kernel if that does not help, and run no other cell."""
        self.reason = reason
        if self._kernel is not None:
            with contextlib.suppress(TaskError):  # The pool is closed, and so is the kernel.
                self.pool.submit(self._stop(reason))

    # -- called from the engine, in the thread of ``execute`` ---------------------------------------------------

    def begin(self, nb: Any) -> None:
        """Take the notebook as papermill prepared it: with the parameters in it."""
        self.nb = nb
        for cell in filter(runs, nb.cells):
            self.cells[cell.id] = NotebookCell(cell.id, self.numbers.get(cell.id), "NOT_RUN")

    def hide_expected_errors(self) -> None:
        """Keep the errors of cells tagged ``raises-exception`` from papermill, which takes any for a failure."""
        for cell in self.nb.cells:
            if cell.cell_type == "code" and "raises-exception" in cell.metadata.get("tags", ()):
                self.expected.append((cell, cell.outputs))
                cell.outputs = [output for output in cell.outputs if output.output_type != "error"]

    def run_cell(self, client: PooledClient, cell: Any, index: int) -> None:
        """Run one cell to its end and meanwhile hand over what it says.

        Raises
        ------
        CellExecutionError
            It failed, was stopped, or its kernel died.
        """
        done = sum(found.state != "NOT_RUN" for found in self.cells.values())
        number, total = self.numbers.get(cell.id), len(self.cells)
        self.events.cell_started(number, done, total, _title(cell.source))
        messages: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        lines = LineMaker(self._line)
        started = time.monotonic()
        failed = True
        try:
            self._follow(client, cell, index, messages, lines)
            failed = False
        except CellExecutionError as error:
            failed = not (error.ename == "SystemExit" and error.evalue in ("", "0"))
            raise
        finally:
            lines.close()
            if failed:
                self.failed = cell.id
            state: Any = "FAILED" if failed else "SUCCESS"
            self.cells[cell.id] = NotebookCell(cell.id, number, state, round(time.monotonic() - started, 6))
            self.events.cell_ended(self.cells[cell.id], done + 1, total)

    def _follow(
        self, client: PooledClient, cell: Any, index: int, messages: SimpleQueue[Any], lines: LineMaker
    ) -> None:
        client.tell = lambda message: self._tell(message, messages, lines)
        if self.reason is None:
            future = self.pool.submit(self._one(client, cell, index))
            future.add_done_callback(lambda _: messages.put(None))
            while (hand_over := messages.get()) is not None:
                hand_over()
            try:
                future.result()
            except DeadKernelError:
                self._stop_for("dead")
            except CellTimeoutError:
                self._stop_for("output")
        if self.reason is not None:
            raise _stopped(cell, self.reason)

    def _stop_for(self, reason: str) -> None:
        # Why somebody stopped it explains why its kernel died.
        if self.reason is None:
            self.reason = reason

    # -- on the pool's loop --------------------------------------------------------------------------------------

    async def _one(self, client: PooledClient, cell: Any, index: int) -> None:
        self._running = asyncio.current_task()
        try:
            await client.async_execute_cell(cell, index)
        except asyncio.CancelledError:
            raise DeadKernelError from None
        finally:
            self._running = None

    async def _stop(self, reason: str) -> None:
        kernel, running = self._kernel, self._running
        if kernel is None:
            return
        if running is not None and reason != "lease":
            await kernel.interrupt()
            await asyncio.wait([running], timeout=_GRACE)
        await kernel.kill()
        if running is not None and not running.done():
            running.cancel()

    def _tell(self, message: Mapping[str, Any], messages: SimpleQueue[Any], lines: LineMaker) -> None:
        content = message["content"]
        match message["msg_type"]:
            case "stream":
                self._count(len(content["text"]))
                messages.put(lambda: lines.feed(content["name"], content["text"]))
            case "display_data" | "execute_result":
                data = content["data"]
                self._count(sum(len(item) for item in data.values() if isinstance(item, str)))
                messages.put(lambda: self._display(data))

    def _count(self, size: int) -> None:
        self._room -= size
        if self._room < 0 and self.reason is None:
            self.reason = "output"
            self._stopping = asyncio.ensure_future(self._stop("output"))

    def _display(self, data: Mapping[str, Any]) -> None:
        # A notebook may display anything under our types: what ``jupyter_gov.notebook`` did not make is no value.
        if OUTPUT_MIME in data:
            match data[OUTPUT_MIME]:
                case {"outputs": dict(found)}:
                    self.outputs.update(found)
        elif METRIC_MIME in data:
            match data[METRIC_MIME]:
                case {"name": str(name), "type": "counter" | "timer" as kind, "value": int() | float() as number}:
                    tags = data[METRIC_MIME].get("tags")
                    self.events.metric(Metric(name, kind, number, tags if isinstance(tags, dict) else {}))
        elif "text/plain" in data:
            for line in str(data["text/plain"]).splitlines():
                self._line("result", line)

    def _line(self, stream: Literal["stdout", "stderr", "result"], text: str) -> None:
        self.events.line(stream, self._redact(text))


class PooledClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client on a kernel that is connected already."""

    def __init__(self, nb_man: Any, run: NotebookRun, kernel: Kernel) -> None:
        # The client's own way to join streams takes quadratic time for long lines; ``save`` joins them.
        super().__init__(
            nb_man, km=kernel.manager, log=_log, coalesce_streams=False, iopub_timeout=_LAST_MESSAGES, timeout=None
        )
        self.kc = kernel.client
        self.run = run
        self.kernel = kernel
        self.tell: Callable[[Mapping[str, Any]], None] = lambda message: None

    def execute(self, **_: Any) -> Any:
        """Run papermill's loop over the cells; the kernel needs neither start nor end here."""
        self.reset_execution_trackers()
        self.papermill_execute_cells()
        self.nb.metadata["language_info"] = dict(self.kernel.language_info)
        self.set_widgets_metadata()
        self.run.hide_expected_errors()
        return self.nb

    def execute_cell(self, cell: Any, cell_index: int, **_: Any) -> Any:
        """Run a cell from the thread of the notebook."""
        if runs(cell):
            self.run.run_cell(self, cell, cell_index)
        return cell

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """Tell of a message before it becomes an output, since an output widget may swallow it."""
        if msg["msg_type"] in _SHOWN:
            if self.run.reason is not None:
                return None  # What still arrives of a flood is not worth keeping.
            self.tell(msg)
        return super().process_message(msg, cell, cell_index)


class PooledEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's engine for notebook tasks."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, *, run: NotebookRun, **_: Any) -> None:
        """Execute the cells in the kernel of this run."""
        run.begin(nb_man.nb)
        # papermill writes down where it read the notebook from, which here is the notebook itself.
        nb_man.nb.metadata.papermill.pop("input_path", None)
        PooledClient(nb_man, run, run.kernel).execute()


papermill_engines.register(ENGINE, PooledEngine)


def runs(cell: Any) -> bool:
    """Return whether a cell will be executed."""
    skipped = "skip-execution" in cell.metadata.get("tags", ())
    return cell.cell_type == "code" and bool(cell.source.strip()) and not skipped


def _read(path: Path, name: str) -> Any:
    try:
        nb = nbformat.reads(path.read_text("utf-8"), as_version=4)
        nb = nbformat.v4.upgrade(nb)
        _, nb = normalize(nb, version=4, version_minor=nb.nbformat_minor)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, nbformat.ValidationError) as error:
        raise unreadable(name, error) from error
    # What an earlier run of papermill left: paths, environment variables, marks of errors, outputs.
    nb.metadata.pop("papermill", None)
    for cell in nb.cells:
        cell.metadata.pop("papermill", None)
        if cell.cell_type == "code":
            cell.outputs = []
    return nb


def _title(source: str) -> str:
    return next((line.strip()[:60] for line in source.splitlines() if line.strip()), "")


def _stopped(cell: Any, reason: str) -> CellExecutionError:
    names = {"dead": "DeadKernelError", "output": "OutputLimitError", "timeout": "TimeoutError"}
    texts = {
        "dead": "the kernel died",
        "output": "the notebook wrote too much",
        "timeout": "the task's timeout has passed",
        "lease": "the worker lost the execution",
    }
    ename, evalue = names.get(reason, "KilledError"), texts.get(reason, "the task was killed")
    cell.outputs = [output for output in cell.outputs if output.output_type != "error"]
    cell.outputs.append(nbformat.v4.new_output("error", ename=ename, evalue=evalue, traceback=[f"{ename}: {evalue}"]))
    return CellExecutionError(evalue, ename, evalue)
