"""Python commands and Python scripts, run by the Python of the worker."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, note
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.script import packages
from jupyter_gov.tasks.script.base import Place, ScriptOutput, ScriptTask, python_program
from jupyter_gov.tasks.script.texts import Template, Texts


class PythonTask(ScriptTask):
    """What both Python tasks share: ``python`` is the Python of the worker, and its output is not held back."""

    dependencies: Dynamic[list[str]] = Field(
        default_factory=list,
        description="Packages that the script needs, as pip writes them. They are looked for in the Python of the "
        "worker and never installed; the task fails before it begins if one is missing.",
    )

    @field_validator("dependencies")
    @classmethod
    def _are_there(cls, value: list[str] | str, info: ValidationInfo) -> list[str] | str:
        absent = packages.missing(value) if isinstance(value, list) else []
        if absent:
            note(info, f"not in this Python: {', '.join(absent)}; nothing is installed, and the task fails without it")
        return value

    def run(self, ctx: RunContext) -> ScriptOutput:
        """Run the script if all that it needs is there.

        Raises
        ------
        TaskError
            ``GOV180``: a package is missing; else as every script.
        """
        absent = packages.missing(self.dependencies)
        if absent:
            message = f"The Python of this worker does not have what the script needs: {', '.join(absent)}."
            raise TaskError(message, code="GOV180", hint=packages.HINT)
        return super().run(ctx)

    def environment(self, ctx: RunContext, texts: Texts) -> dict[str, str]:
        """Return the environment, in which lines arrive as they are printed."""
        return {"PYTHONUNBUFFERED": "1", **super().environment(ctx, texts)}

    def python_first(self, place: Place) -> str:
        """Return the shell command that makes ``python`` and ``pip`` those of the worker."""
        program = Path(python_program())
        folders = [program.parent]
        if not (program.parent / "python").exists():
            folders.insert(0, place.shim("python", str(program)))
        path = os.pathsep.join(str(folder) for folder in folders)
        return f'export PATH={shlex.quote(path)}"${{PATH:+:$PATH}}"'


class Commands(PythonTask):
    """Run shell commands in which `python` and `pip` are those of the worker."""

    type_name = "io.kestra.plugin.scripts.python.Commands"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: run-a-module
type: io.kestra.plugin.scripts.python.Commands
inputFiles:
  main.py: |
    print("Hello from a file")
commands:
  - python main.py
""",
    )

    commands: list[str] | Template = Field(description="The commands.")

    @property
    def body(self) -> dict[str, Any]:
        """The commands."""
        return {"commands": self.commands}

    def prepare(self, ctx: RunContext, place: Place, texts: Texts) -> Sequence[str]:
        """Let the interpreter run the commands."""
        return self.shell(ctx, place, [self.python_first(place), *texts.before_commands, *texts.commands])


class Script(PythonTask):
    """Run a Python script with the Python of the worker.

    Results go back to the flow by a printed line: `print('::{"outputs": {"accuracy": 0.93}}::')`. Files that
    `inputFiles` names lie beside the script and can be imported.
    """

    type_name = "io.kestra.plugin.scripts.python.Script"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: train
type: io.kestra.plugin.scripts.python.Script
script: |
  import json
  print("Training ...")
  print("::" + json.dumps({"outputs": {"accuracy": 0.93}}) + "::")
""",
        """\
id: with-files
type: io.kestra.plugin.scripts.python.Script
inputFiles:
  prices.csv: |
    item,price
    tea,3
outputFiles:
  - total.txt
script: |
  import csv, pathlib
  with open("prices.csv") as file:
      total = sum(int(row["price"]) for row in csv.DictReader(file))
  pathlib.Path("total.txt").write_text(str(total))
""",
    )

    script: str = Field(description="The script.")

    @property
    def body(self) -> dict[str, Any]:
        """The script."""
        return {"script": self.script}

    def prepare(self, ctx: RunContext, place: Place, texts: Texts) -> Sequence[str]:
        """Run the script directly, or in the shell after `beforeCommands`."""
        path = place.write(texts.script, ".py")
        if not texts.before_commands:
            return [python_program(), str(path)]
        command = f"{shlex.quote(python_program())} {shlex.quote(str(path))}"
        return self.shell(ctx, place, [self.python_first(place), *texts.before_commands, command])
