"""Runs a notebook with papermill, on record, and says how it ended by its exit code."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import papermill
from papermill.exceptions import PapermillExecutionError, PapermillMissingParameterException

from jupyter_gov.cli import describe, host, leaving, screen, shapes, slips
from jupyter_gov.cli.commands.flows import read_text
from jupyter_gov.domain.execution import Execution
from jupyter_gov.errors import ExecutionError, InputError
from jupyter_gov.lang.models.scalars import core_value
from jupyter_gov.service.outcome import Exit
from jupyter_gov.service.words import decide_commands, short_id

_EXITS = {
    # What a %%govflow cell of the notebook raised says more than that a cell failed.
    "RunRefusedError": Exit.REFUSED,
    "WaitTimeoutError": Exit.WAITING,
    "UndecidedError": Exit.WAITING,
    "LeftWaitingError": Exit.WAITING,
    "AccessError": Exit.REFUSED,
}


_LINES = {"mininterval": 2.0, "bar_format": "{desc}: {n_fmt} of {total_fmt} cells, {elapsed}"}


class _Lines(io.StringIO):
    """What papermill's progress bar is written to where no terminal is: a line now and then, none twice."""

    _last = ""

    def write(self, text: str, /) -> int:
        line = text.strip()
        if line and line != self._last:
            self._last = line
            screen.say(line, stderr=True)
        return len(text)


def run_notebook(
    source: Path,
    output: Path | None,
    parameters: Mapping[str, str],
    *,
    wait: bool,
    timeout: str | None,
    quiet: bool,
    as_json: bool,
) -> int:
    """Execute a notebook and return the exit code.

    Raises
    ------
    ExecutionError
        ``GOV350``: there is no such notebook.
    InputError
        ``GOV841``: it does not know a parameter.
    """
    _require_notebook(source)
    slips.warn_of_variables()
    leaving.properly()
    target = output or source.with_name(f"{source.stem}-output.ipynb")
    recorded: list[Execution] = []
    code = Exit.DONE
    began = datetime.now(UTC)
    with _environment(JUPYTER_GOV_TIMEOUT=timeout, JUPYTER_GOV_NO_WAIT=None if wait else "1"):
        try:
            _execute(source, target, parameters, quiet=quiet or as_json, recorded=recorded)
        except PapermillExecutionError as error:
            code = _EXITS.get(error.ename, Exit.FAILED)
            if not as_json:
                _explain(error)
                _say_what_waits(began)
        except (KeyboardInterrupt, SystemExit):
            _say_what_waits(began)
            raise
    _report(recorded, target, as_json=as_json)
    return int(code)


def _require_notebook(source: Path) -> None:
    """Refuse what papermill could only answer with a traceback.

    Raises
    ------
    ExecutionError
        ``GOV350``: it cannot be read; ``GOV840``: it is no notebook; ``GOV844``: it names no kernel.
    """
    try:
        metadata = json.loads(read_text(source))["metadata"]
        spec, language = metadata.get("kernelspec", {}), metadata.get("language_info", {})
        complete = bool(spec.get("name")) and bool(spec.get("language") or language.get("name"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ExecutionError(
            f"{source} is not a readable notebook: {type(error).__name__}.",
            code="GOV840",
            hint="A notebook is a JSON file of format 4, as JupyterLab saves it.",
        ) from error
    if not complete:
        raise ExecutionError(
            f"{source} does not say which kernel it is for.",
            code="GOV844",
            hint="Open it in JupyterLab, choose a kernel and save it.",
        )


def _execute(
    source: Path,
    target: Path,
    parameters: Mapping[str, str],
    *,
    quiet: bool,
    recorded: list[Execution],
) -> None:
    options: dict[str, Any] = {"on_recorded": recorded.append}
    typed = {name: core_value(text) if text else "" for name, text in parameters.items()}
    try:
        papermill.execute_notebook(
            str(source),
            str(target),
            parameters=typed,
            engine_name="jupyter_gov",
            cwd=str(source.parent),
            progress_bar=not quiet and (sys.stderr.isatty() or dict(_LINES, file=_Lines())),
            log_output=False,
            **options,
        )
    except PapermillMissingParameterException as error:
        raise InputError(str(error), code="GOV841") from error


@contextmanager
def _environment(**wanted: str | None) -> Iterator[None]:
    """Set variables that the notebook's kernel inherits."""
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update({name: value for name, value in wanted.items() if value is not None})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _explain(error: PapermillExecutionError) -> None:
    screen.say(f"✖ cell {error.cell_index + 1} failed", style="red", stderr=True)
    for line in error.source.strip().splitlines()[:5]:
        screen.say(f"    {line}", stderr=True)
    screen.say(f"  {error.ename}: {error.evalue}", stderr=True)


def _say_what_waits(began: datetime) -> None:
    """Name the gates that were opened meanwhile: the end of a notebook decides nothing."""
    with host.opened() as (gov, actor):
        for gate in gov.approvals.list(actor):
            if gate.approval.opened_at >= began:
                approve, reject = decide_commands(gate.approval.id)
                where = f'gate "{gate.approval.task_id}" of {gate.approval.flow_id}'
                screen.say(f"‖ {where} still waits: {approve}  or  {reject}", style="yellow", stderr=True)


def _report(recorded: Sequence[Execution], target: Path, *, as_json: bool) -> None:
    if as_json:
        screen.emit({"output": str(target), "execution": shapes.execution(recorded[-1], []) if recorded else None})
        return
    for execution in recorded:
        describe.ending(execution, [])
        screen.say(f"  executed notebook: {target}")
        screen.say(f"  on record as {short_id(execution.id)}: jupyter gov show {short_id(execution.id)}")
