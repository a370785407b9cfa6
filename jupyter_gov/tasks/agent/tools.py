"""What an agent may do: tools that a flow gives it, each with limits and a record of every call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.scalars import IsoDuration, parse_duration
from jupyter_gov.plugins.api import Dynamic, note
from jupyter_gov.plugins.nested import NestedType
from jupyter_gov.tasks.workspace import inside

if TYPE_CHECKING:
    import pydantic_ai

    from jupyter_gov.tasks.agent.session import AgentSession

CODE_TOOL = "code_execution"
WRITE_TOOL = "write_file"
_MOST_BYTES = 16 * 2**20


class AgentTool(NestedType):
    """A tool that an agent may call."""

    family: ClassVar[str] = "agent tool"
    later: ClassVar[Mapping[str, str]] = {
        "io.kestra.plugin.ai.tool.": "{name} comes in a later version; now there is "
        "io.kestra.plugin.ai.tool.CodeExecution"
    }

    def tool(self, session: AgentSession) -> pydantic_ai.Tool[None]:
        """Return the tool for one run of an agent."""
        raise NotImplementedError


class CodeExecution(AgentTool):
    """Lets the agent run Python in a sandbox: its own interpreter, in its own process, with limits.

    The code sees no network, no environment, no packages, and no files but the agent's own folder and, by
    `read_file(name)`, those that the prompt names. Files that it writes are output files of the task.
    """

    type_name = "io.kestra.plugin.ai.tool.CodeExecution"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: agent-with-code
type: io.kestra.plugin.ai.agent.AIAgent
prompt: Draft an email summary of 'sales.csv'.
provider:
  type: jupyter_gov.provider.Scripted
tools:
  - type: io.kestra.plugin.ai.tool.CodeExecution
    timeout: PT5S
""",
    )

    api_key: Dynamic[str] | None = Field(default=None, description="Accepted and ignored: the code runs on this host.")
    timeout: Dynamic[IsoDuration] = Field(
        default=parse_duration("PT10S"), description="Longest run of one piece of code."
    )
    max_memory: Dynamic[Annotated[int, Field(gt=0)]] = Field(
        default=100 * 2**20, description="Most memory of the code, in bytes."
    )

    @field_validator("api_key")
    @classmethod
    def _no_key(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None:
            note(info, "ignored: the code runs in a sandbox on this host, and no key is needed")
        return value

    def tool(self, session: AgentSession) -> pydantic_ai.Tool[None]:
        """Return the tool that runs code."""
        from pydantic_ai import Tool  # noqa: PLC0415 - the extra is loaded late

        async def run(code: str) -> dict[str, Any]:
            sandbox = await session.sandbox(self.timeout.total_seconds(), self.max_memory)
            return await sandbox.run(code)

        return Tool(
            run,
            name=CODE_TOOL,
            description="Run Python code in a sandbox. Gives the value of the last line and what was printed. "
            "`read_file(name)` gives the text of a file that the prompt names; open() works in the current folder.",
        )


def write_tool(session: AgentSession) -> pydantic_ai.Tool[None]:
    """Return the tool by which every agent hands back files."""
    from pydantic_ai import Tool  # noqa: PLC0415

    def write_file(name: str, text: str) -> str:
        try:
            path = inside(session.ctx.working_dir, name, WRITE_TOOL)
        except TaskError as error:
            return f"Refused: {error.message}"
        if len(text.encode()) > _MOST_BYTES:
            return f"Refused: a file may have {_MOST_BYTES} bytes."
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return f"Wrote {name}."

    return Tool(
        write_file, name=WRITE_TOOL, description="Write a text file into the folder of results, by a relative name."
    )
