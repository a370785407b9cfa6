"""The notebook task: papermill executes a notebook in a kernel of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, Output, RunnableTask, is_template
from jupyter_gov.plugins.context import (
    Metric,
    NotebookCell,
    NotebookFailure,
    NotebookRequest,
    NotebookResult,
    RunContext,
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LEVELS: Mapping[str, Literal["INFO", "WARN", "DEBUG"]] = {"stdout": "INFO", "stderr": "WARN", "result": "DEBUG"}


class PapermillOutput(Output):
    """What a notebook hands back."""

    notebook: str = Field(description="URI of the executed notebook; also there when a cell failed.")
    outputs: dict[str, Any] = Field(description="What the notebook handed over by `jupyter_gov.notebook.output`.")
    metrics: dict[str, float] = Field(description="What it reported by `jupyter_gov.notebook.metric`, last value each.")
    cells: list[dict[str, Any]] = Field(
        description="Each code cell: `number` among all cells from 1 (null: the injected parameters), its "
        "`state` and `seconds`."
    )


class Papermill(RunnableTask):
    """Execute a notebook with papermill.

    The notebook runs in a fresh kernel, with the parameters injected after its cell that is tagged `parameters`. A
    parameter that this cell does not assign is an error, and so is a value of another type than it declares. What
    cells print goes to the log while they run. In the notebook,

        from jupyter_gov.notebook import output, metric
        output("auc", 0.93)

    hands a value to the flow: `outputs.<task id>.outputs.auc`. The executed notebook is kept in any case. When the
    task is killed or its timeout passes, the kernel is killed with everything that it started.

    Secrets go into environment variables, never into parameters, which are saved in the executed notebook.
    """

    type_name = "jupyter_gov.notebook.Papermill"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: train
type: jupyter_gov.notebook.Papermill
notebook: train.ipynb
parameters:
  rows: 1000
  model: logistic
""",
    )

    notebook: Dynamic[str] = Field(
        description="Path of the notebook, relative to the folder in which the flow was started, or URI of a file."
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict,
        description="Values for the parameters; one that is a single expression keeps the type of its value.",
    )
    kernel_name: Dynamic[str] | None = Field(
        default=None, description="Kernel to run it; by default the one that the notebook names."
    )
    cwd: Dynamic[str] | None = Field(
        default=None,
        description="Working directory of the kernel; by default the notebook's folder, for a URI the folder in which "
        "the flow was started.",
    )
    env: Dynamic[dict[str, str]] = Field(default_factory=dict, description="Further environment variables.")
    secrets: list[str] = Field(
        default_factory=list, description="Names of secrets; each is an environment variable of the same name."
    )
    output_name: Dynamic[str] | None = Field(
        default=None, description="File name of the executed notebook; by default that of the notebook."
    )

    @field_validator("secrets")
    @classmethod
    def _variable_names(cls, value: list[str]) -> list[str]:
        for name in value:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot be the name of an environment variable")
        return value

    @field_validator("env")
    @classmethod
    def _variables(cls, value: Any) -> Any:
        for name, text in value.items() if isinstance(value, dict) else ():  # Or one expression for all of them.
            if not (_NAME.fullmatch(name) or is_template(name)) or "\0" in text:
                raise ValueError(f"{name!r} cannot be an environment variable")
        return value

    @field_validator("output_name")
    @classmethod
    def _file_name(cls, value: str | None) -> str | None:
        if value is not None and not is_template(value) and (PurePosixPath(value).name != value or not value.strip()):
            raise ValueError("write a file name without folders, such as report.ipynb")
        return value

    def run(self, ctx: RunContext) -> PapermillOutput:
        """Execute the notebook and keep it, whether it fails or not.

        Raises
        ------
        TaskError
            ``GOV843`` a cell failed, ``GOV846`` the kernel died, ``GOV849`` it wrote too much; ``GOV84x`` before it
            began; ``GOV81x`` it was stopped.
        """
        path, name = self._source(ctx)
        request = NotebookRequest(
            path=path,
            name=name,
            cwd=self._folder(ctx, path),
            environment=ctx.environment,
            own_environment=self._own_environment(ctx),
            parameters=ctx.render_typed(self.parameters),
            kernel_name=self.kernel_name,
        )
        target = ctx.working_dir / (self.output_name or name)
        events = _Events(ctx)
        result = ctx.notebooks.run(
            request, target=target, cancellation=ctx.cancellation, redact=ctx.redact, events=events
        )
        output = _output(ctx.files.put(target), result, events.metrics)
        if result.failure is not None:
            raise _error(ctx, result.failure, output)
        return output

    def _source(self, ctx: RunContext) -> tuple[Path, str]:
        name = PurePosixPath(self.notebook.replace("\\", "/")).name
        return ctx.files.get(self.notebook), name or "notebook.ipynb"

    def _folder(self, ctx: RunContext, path: Path) -> Path:
        if self.cwd is not None:
            return (ctx.start_dir / self.cwd).resolve()
        return ctx.start_dir if "://" in self.notebook else path.parent

    def _own_environment(self, ctx: RunContext) -> dict[str, str]:
        own = {"JUPYTER_GOV_EXECUTION_ID": ctx.execution.id, "JUPYTER_GOV_TASK_RUN_ID": ctx.task_run.id}
        return {**own, **self.env, **{name: ctx.secret(name) for name in self.secrets}}


class _Events:
    """Hands what the notebook says to the run context."""

    def __init__(self, ctx: RunContext) -> None:
        self._ctx = ctx
        self.metrics: dict[str, float] = {}

    def line(self, stream: Literal["stdout", "stderr", "result"], text: str) -> None:
        self._ctx.logger.log(_LEVELS[stream], text)

    def cell_started(self, number: int | None, done: int, total: int, title: str) -> None:
        self._ctx.progress(done, total, f"{_cell(number)}: {title}")

    def cell_ended(self, cell: NotebookCell, done: int, total: int) -> None:
        self._ctx.progress(done, total, _cell(cell.number))
        self._ctx.logger.debug(f"{_cell(cell.number)}: {cell.state} after {cell.seconds:.3f} s")

    def metric(self, metric: Metric) -> None:
        self.metrics[metric.name] = metric.value
        self._ctx.metric(metric)


def _cell(number: int | None) -> str:
    return "parameters" if number is None else f"cell {number}"


def _output(uri: str, result: NotebookResult, metrics: dict[str, float]) -> PapermillOutput:
    cells = [
        {"number": cell.number, "id": cell.id, "state": cell.state, "seconds": cell.seconds} for cell in result.cells
    ]
    return PapermillOutput(notebook=uri, outputs=dict(result.outputs), metrics=metrics, cells=cells)


def _error(ctx: RunContext, failure: NotebookFailure, output: PapermillOutput) -> TaskError:
    if failure.traceback:
        ctx.logger.error(failure.traceback)
    return TaskError(
        failure.message,
        code=failure.code,
        hint=failure.hint or "The executed notebook is kept: open it at the marked cell.",
        outputs=output.model_dump(by_alias=True),
        details={
            "cell": failure.number,
            "executionCount": failure.execution_count,
            "source": failure.source,
            "traceback": failure.traceback,
            "notebook": output.notebook,
        },
    )
