"""What is said of a notebook afterwards: the saved file without secrets and paths, and the failing cell."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal

import nbformat

from jupyter_gov.domain.sealed import MASK
from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.context import NotebookFailure

if TYPE_CHECKING:
    from papermill.exceptions import PapermillExecutionError

    from jupyter_gov.runtime.kernel import Kernel
    from jupyter_gov.runtime.notebook_run import NotebookRun

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_LINE_LIMIT = 2**16
_VALUE_LIMIT = 300

_STOPPED = {
    "killed": ("GOV811", "The notebook was stopped since the task was killed."),
    "timeout": ("GOV812", "The notebook was stopped since the task's timeout has passed."),
    "lease": ("GOV814", "The notebook was stopped since this worker no longer owns the execution."),
}


def plain(text: str) -> str:
    """Return text without terminal colours and other escape sequences."""
    return _ESCAPES.sub("", text)


class LineMaker:
    """Makes lines of what a cell writes piece by piece; of a progress bar only the last version is kept."""

    def __init__(self, sink: Callable[[Literal["stdout", "stderr"], str], None]) -> None:
        self._sink = sink
        self._rest: dict[Literal["stdout", "stderr"], str] = {}

    def feed(self, stream: Literal["stdout", "stderr"], text: str) -> None:
        """Take a piece; whole lines go on at once."""
        *lines, rest = (self._rest.pop(stream, "") + text).split("\n")
        for line in lines:
            self._send(stream, line)
        if len(rest) > _LINE_LIMIT:
            self._send(stream, rest)
        elif rest:
            self._rest[stream] = rest

    def close(self) -> None:
        """Hand over what has no line end."""
        for stream, rest in self._rest.items():
            self._send(stream, rest)
        self._rest = {}

    def _send(self, stream: Literal["stdout", "stderr"], line: str) -> None:
        shown = line.rstrip("\r").rpartition("\r")[2]
        self._sink(stream, plain(shown))


def thorough(redact: Callable[[str], str], environment: Mapping[str, str]) -> Callable[[str], str]:
    """Return a ``redact`` that also knows how the secrets among ``environment`` look when a notebook shows them.

    ``repr``, JSON and HTML write quotes, line ends and letters in other ways, and a mask of the plain text misses it.
    """
    shown: set[str] = set()
    for value in environment.values():
        if redact(value) != value:
            forms = {repr(value)[1:-1], json.dumps(value)[1:-1], html.escape(value), ascii(value)[1:-1]}
            forms.update(line.strip() for line in value.splitlines())
            shown.update(form for form in forms if form and redact(form) == form)
    if not shown:
        return redact
    pattern = re.compile("|".join(re.escape(form) for form in sorted(shown, key=len, reverse=True)))
    return lambda text: redact(pattern.sub(MASK, text))


def failure_of(
    run: NotebookRun, kernel: Kernel, error: PapermillExecutionError, redact: Callable[[str], str]
) -> NotebookFailure:
    """Say which cell failed and why."""
    number = run.numbers.get(run.failed or "")
    where = _where(number, error.exec_count, run.reason)
    code, message, hint = _why(run, kernel, error, where)
    trace = plain("\n".join(error.traceback))
    return NotebookFailure(
        code,
        redact(message),
        hint=hint,
        number=number,
        execution_count=error.exec_count,
        source=redact(error.source),
        traceback=redact(trace),
    )


def _where(number: int | None, execution_count: int | None, reason: str | None) -> str:
    cell = "the cell with the injected parameters" if number is None else f"cell {number}"
    return f"{cell} (In [{execution_count}])" if execution_count and reason is None else cell


def _why(run: NotebookRun, kernel: Kernel, error: PapermillExecutionError, where: str) -> tuple[str, str, str | None]:
    if run.reason is None:
        value = plain(error.evalue)
        value = value if len(value) <= _VALUE_LIMIT else f"{value[:_VALUE_LIMIT]}…"
        said = f"{error.ename}: {value}" if value else error.ename
        return "GOV843", f"{where[0].upper()}{where[1:]} failed: {said}", None
    if run.reason == "dead":
        return "GOV846", f"The kernel died in {where}{kernel.cause_of_death()}.", "Out of memory? See the log."
    if run.reason == "output":
        return (
            "GOV849",
            f"The notebook was stopped in {where} since it wrote more than it may.",
            "Write less, or write large results to a file.",
        )
    code, message = _STOPPED.get(run.reason, _STOPPED["killed"])
    return code, message, f"It was in {where}."


def save(nb: Any, target: Path, *, name: str, redact: Callable[[str], str]) -> None:
    """Write the executed notebook, with secrets masked, and without paths and environment in its metadata.

    Raises
    ------
    TaskError
        ``GOV850``: the file cannot be written.
    """
    scrub(nb, PurePath(name).name, target.name)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    clean = redacted(nb, redact)
    # An invalid output of a kernel is kept as it is: better an odd notebook than none.
    text = nbformat.writes(nbformat.from_dict(clean))
    try:
        target.write_text(text, "utf-8")
    except OSError as error:
        raise TaskError(
            f"The executed notebook cannot be written to {str(target.parent)!r}: {error.strerror}.",
            code="GOV850",
            hint="Free some space, or set another folder for working directories.",
        ) from error


def _joined(outputs: list[Any]) -> list[Any]:
    """Return the outputs with neighbouring pieces of one stream as one; a mask could miss a secret that is cut."""
    joined: list[Any] = []
    for key, group in groupby(outputs, key=lambda output: output.get("name") if "text" in output else id(output)):
        first, *others = group
        if others and isinstance(key, str):
            first["text"] = "".join([first["text"], *(other["text"] for other in others)])
        joined.append(first)
    return joined


def scrub(nb: Any, input_name: str, output_name: str) -> None:
    """Leave names instead of paths in papermill's metadata, and no environment variables."""
    found = nb.metadata.get("papermill")
    if found is not None:
        found.pop("environment_variables", None)
        found["input_path"] = input_name
        found["output_path"] = output_name


def redacted(value: Any, redact: Callable[[str], str]) -> Any:
    """Return a copy with every text masked, but pictures, which are long and hold no text."""
    match value:
        case str():
            return redact(value)
        case dict():
            return {
                redact(key): item if key.startswith("image/") and key != "image/svg+xml" else redacted(item, redact)
                for key, item in value.items()
            }
        case list():
            return [redacted(item, redact) for item in value]
        case _:
            return value
