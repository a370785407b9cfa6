"""What all script tasks share: properties, files, environment, and how a run is judged."""

from __future__ import annotations

import re
import shutil
import signal
import sys
import uuid
from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask, note
from jupyter_gov.plugins.context import ProcessResult, RunContext
from jupyter_gov.tasks.namespace.spec import NamespaceFiles, write_namespace_files
from jupyter_gov.tasks.script.protocol import Listener
from jupyter_gov.tasks.script.runner import TaskRunner
from jupyter_gov.tasks.script.texts import Template, Texts
from jupyter_gov.tasks.workspace import store_outputs, write_inputs

_LAST_LINES = 20
_COMMAND_OPTION = re.compile(r"-[A-Za-z]*c")


class ScriptOutput(Output):
    """What a script hands back."""

    vars: dict[str, Any] = Field(description='What the script reported in lines `::{"outputs": {...}}::`.')
    exit_code: int = Field(description="Exit code; negative: the number of the signal that ended it.")
    output_files: dict[str, str] = Field(description="Name -> URI of the files that match `outputFiles`.")
    std_out_line_count: int = Field(description="Number of lines on standard output.")
    std_err_line_count: int = Field(description="Number of lines on standard error.")


class ScriptTask(RunnableTask):
    """Properties of every script task.

    Lines of standard output go to the log as INFO, those of standard error as WARN, while the script runs. A line
    `::{"outputs": {"rows": 3}, "metrics": [{"name": "rows", "type": "counter", "value": 3}]}::` on standard output is
    not logged but read: its outputs are `outputs.<task id>.vars`.
    """

    renames: ClassVar[Any] = {}

    task_runner: TaskRunner | None = Field(default=None, description="Where it runs; only Process is offered.")
    runner: Literal["PROCESS", "DOCKER"] | None = Field(
        default=None, description="Older spelling of taskRunner.", deprecated=True
    )
    docker: dict[str, Any] | None = Field(default=None, description="Older options of containers.", deprecated=True)
    container_image: Dynamic[str] | None = Field(
        default=None, description="Accepted and ignored: no container is used."
    )
    env: dict[str, str] | Template = Field(default_factory=dict, description="Further environment variables.")
    input_files: Dynamic[dict[str, str] | str] | None = Field(
        default=None, description="Files to write before the start: name -> text or URI; or such a map as JSON text."
    )
    output_files: Dynamic[list[str]] = Field(
        default_factory=list, description="Files to keep, as names or patterns such as `*.csv` or `plots/**`."
    )
    namespace_files: NamespaceFiles | None = Field(
        default=None, description="Files of the namespace to copy into the working directory first."
    )
    before_commands: list[str] | Template = Field(
        default_factory=list, description="Shell commands to run first, in the same shell."
    )
    interpreter: Dynamic[list[str]] = Field(default=["/bin/sh", "-c"], description="Shell that runs the commands.")
    fail_fast: Dynamic[bool] = Field(default=True, description="Stop at the first command that fails (`set -e`).")
    warning_on_std_err: Dynamic[bool] = Field(
        default=True, description="End WARNING instead of SUCCESS if anything was written to standard error."
    )
    target_os: Dynamic[Literal["AUTO", "LINUX", "WINDOWS"]] = Field(
        default="AUTO", alias="targetOS", description="Accepted and ignored: scripts run where the worker runs."
    )

    @field_validator("container_image", "docker")
    @classmethod
    def _no_container(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None:
            note(info, "ignored: the script runs as a process on the host of the worker, with the programs found there")
        return value

    @field_validator("runner")
    @classmethod
    def _only_processes(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value == "DOCKER":
            raise ValueError("containers are not offered; remove `runner` if the script may run on the worker's host")
        if value is not None:
            note(info, "older spelling; scripts run as processes anyway: remove it")
        return value

    @field_validator("interpreter")
    @classmethod
    def _some_interpreter(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError("name a program, such as [/bin/sh, -c]")
        return value

    @abstractmethod
    def prepare(self, ctx: RunContext, place: Place, texts: Texts) -> Sequence[str]:
        """Write what is to be run into ``place`` and return the command."""

    @property
    @abstractmethod
    def body(self) -> dict[str, Any]:
        """The property that says what to run, as written."""

    def environment(self, ctx: RunContext, texts: Texts) -> dict[str, str]:
        """Return the environment of the script."""
        return {**ctx.environment, "WORKING_DIR": str(ctx.working_dir), **texts.env}

    def run(self, ctx: RunContext) -> ScriptOutput:
        """Run the script, and keep its files whether it fails or not.

        Raises
        ------
        TaskError
            ``GOV815``: it failed. ``GOV81x``: it could not be started, was stopped, or wrote too much.
        """
        write_namespace_files(ctx, self.namespace_files)
        write_inputs(ctx, self.input_files)
        raw = {"env": self.env, "before_commands": self.before_commands, **self.body}
        texts = Texts.rendered(ctx, self.output_files, **raw)
        place = Place(ctx)
        listener = Listener(ctx)
        last: deque[str] = deque(maxlen=_LAST_LINES)

        def on_stderr(line: str) -> None:
            last.append(line)
            listener.err(line)

        try:
            result = ctx.processes.run(
                self.prepare(ctx, place, texts),
                cwd=ctx.working_dir,
                env=self.environment(ctx, texts),
                on_stdout=listener.out,
                on_stderr=on_stderr,
            )
        finally:
            place.clean()
        output = ScriptOutput(
            vars=listener.vars,
            exit_code=result.exit_code,
            output_files=store_outputs(ctx, self.output_files),
            std_out_line_count=result.stdout_lines,
            std_err_line_count=result.stderr_lines,
        )
        self._judge(ctx, result, output, last)
        return output

    def _judge(self, ctx: RunContext, result: ProcessResult, output: ScriptOutput, last: Sequence[str]) -> None:
        if result.exit_code:
            raise TaskError(
                _why(result.exit_code),
                code="GOV815",
                hint="The lines that it wrote to its error stream say more." if last else None,
                outputs=output.model_dump(by_alias=True),
                details={"exitCode": result.exit_code, "stderr": "\n".join(last)},
            )
        if result.stderr_lines and self.warning_on_std_err:
            ctx.warn(f"The script wrote {result.stderr_lines} lines to its error stream (warningOnStdErr).")

    def shell(self, ctx: RunContext, place: Place, commands: Sequence[str]) -> list[str]:
        """Return the command that lets the interpreter run ``commands``.

        Raises
        ------
        TaskError
            ``GOV817``: the interpreter takes its commands as an argument, and they hold a secret, which everybody
            on the host could read there.
        """
        lines = ["set -e"] if self.fail_fast else []
        text = "\n".join([*lines, *commands])
        *program, last = self.interpreter
        if program and _COMMAND_OPTION.fullmatch(last):
            # From a file instead of an argument, which every user of the host could read.
            options = [last[:-1]] if len(last) > 2 else []
            return [*program, *options, str(place.write(text + "\n", ".sh"))]
        if ctx.redact(text) != text:
            raise TaskError(
                f"The commands hold a secret, and {self.interpreter[0]!r} would show them in the list of processes.",
                code="GOV817",
                hint="Pass the secret by `env` and let the commands read the variable.",
            )
        return [*self.interpreter, text]


def _why(exit_code: int) -> str:
    if exit_code > 0:
        return f"The script failed with exit code {exit_code}."
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = str(-exit_code)
    why = " The system kills so when memory runs out." if name == "SIGKILL" else ""
    return f"The script was ended by the signal {name}.{why}"


class Place:
    """Our own files beside the user's: scripts that nobody else may read, gone before outputs are collected."""

    def __init__(self, ctx: RunContext) -> None:
        self._folder = ctx.working_dir
        self._written: list[Path] = []

    def write(self, text: str, suffix: str) -> Path:
        """Write a script into the working directory, so that it finds the input files beside it."""
        path = self._folder / f".script-{uuid.uuid4().hex[:8]}{suffix}"
        path.touch(mode=0o600)
        path.write_text(text, "utf-8")
        self._written.append(path)
        return path

    def shim(self, name: str, program: str) -> Path:
        """Return a folder in which ``name`` runs ``program``."""
        folder = self._folder / f".bin-{uuid.uuid4().hex[:8]}"
        folder.mkdir()
        path = folder / name
        path.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n', "utf-8")
        path.chmod(0o700)
        self._written.append(folder)
        return folder

    def clean(self) -> None:
        """Remove everything again."""
        for path in self._written:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def python_program() -> str:
    """Return the Python that runs this worker."""
    return sys.executable
