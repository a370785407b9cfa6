"""Shell commands and shell scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from pydantic import Field

from jupyter_gov.plugins.context import RunContext
from jupyter_gov.tasks.script.base import Place, ScriptTask
from jupyter_gov.tasks.script.texts import Template, Texts


class Commands(ScriptTask):
    """Run shell commands, one after the other in one shell.

    The first command that fails ends the task, unless `failFast` is false.
    """

    type_name = "io.kestra.plugin.scripts.shell.Commands"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: count-lines
type: io.kestra.plugin.scripts.shell.Commands
inputFiles:
  names.txt: |
    Ada
    Grace
commands:
  - sort -r names.txt > sorted.txt
  - 'echo "::{\\"outputs\\": {\\"lines\\": $(grep -c . names.txt)}}::"'
outputFiles:
  - sorted.txt
""",
    )

    commands: list[str] | Template = Field(description="The commands.")

    @property
    def body(self) -> dict[str, Any]:
        """The commands."""
        return {"commands": self.commands}

    def prepare(self, ctx: RunContext, place: Place, texts: Texts) -> Sequence[str]:
        """Let the interpreter run the commands."""
        return self.shell(ctx, place, [*texts.before_commands, *texts.commands])


class Script(ScriptTask):
    """Run a shell script."""

    type_name = "io.kestra.plugin.scripts.shell.Script"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: greet
type: io.kestra.plugin.scripts.shell.Script
env:
  WHO: "{{ flow.id }}"
script: |
  for greeting in Hello Goodbye; do
    echo "$greeting, $WHO"
  done
""",
    )

    script: str = Field(description="The script.")

    @property
    def body(self) -> dict[str, Any]:
        """The script."""
        return {"script": self.script}

    def prepare(self, ctx: RunContext, place: Place, texts: Texts) -> Sequence[str]:
        """Let the interpreter run the script."""
        return self.shell(ctx, place, [*texts.before_commands, texts.script])
