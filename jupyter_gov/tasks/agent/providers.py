"""Where an agent's model comes from: for now a script, which answers the same every time and needs no network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.api import Dynamic, GovModel
from jupyter_gov.plugins.nested import NestedType
from jupyter_gov.tasks.agent.tools import CODE_TOOL, WRITE_TOOL

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model
    from pydantic_ai.models.function import AgentInfo

_LATER = "{name} comes in a later version; until then use jupyter_gov.provider.Scripted"
_DRAFT = "email_draft.txt"
_QUOTED = re.compile(r"(?<!\w)'([^'\n]+)'|\"([^\"\n]+)\"")


class Provider(NestedType):
    """Where the model comes from."""

    family: ClassVar[str] = "model provider"
    later: ClassVar[Mapping[str, str]] = {
        "io.kestra.plugin.ai.provider.": _LATER,
        "io.kestra.plugin.langchain4j.": _LATER,
    }

    def model(self) -> Model:
        """Return the model for one run of an agent."""
        raise NotImplementedError


class ScriptedCall(GovModel):
    """A tool call of a scripted answer."""

    name: Dynamic[str] = Field(description="Name of the tool, such as code_execution or write_file.")
    arguments: Dynamic[dict[str, Any]] = Field(default_factory=dict, description="Its arguments.")


class Turn(GovModel):
    """One answer of a scripted model."""

    text: Dynamic[str] | None = Field(default=None, description="What the model says.")
    thinking: Dynamic[str] | None = Field(default=None, description="What it thinks before.")
    tools: list[ScriptedCall] = Field(default_factory=list, description="Tools that it calls.")
    files: Dynamic[dict[str, str]] = Field(
        default_factory=dict, description="Files that it writes, by the tool write_file: name -> text."
    )


class Scripted(Provider):
    """A model that answers from a script: for demos and tests, offline, the same every time.

    Each turn is one answer. An answer with tool calls or files is followed by the next turn; one with text only ends
    the run. Without `turns` it plays a small part: it looks at the file that the prompt names in quotes, with the code
    tool if the agent has it, writes `email_draft.txt` and says so.
    """

    type_name = "jupyter_gov.provider.Scripted"
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: scripted
type: io.kestra.plugin.ai.agent.AIAgent
prompt: How much is 6 times 7?
provider:
  type: jupyter_gov.provider.Scripted
  turns:
    - tools:
        - name: code_execution
          arguments:
            code: 6 * 7
    - text: It is 42.
tools:
  - type: io.kestra.plugin.ai.tool.CodeExecution
""",
    )

    turns: list[Turn] | None = Field(default=None, description="The answers, in order; a built-in part if left out.")
    model_name: Dynamic[str] = Field(default="scripted", description="Name of the model in the record.")

    def model(self) -> Model:
        """Return a model that plays the turns."""
        from pydantic_ai.models.function import FunctionModel  # noqa: PLC0415 - the extra is loaded late

        return FunctionModel(_Player(self.turns), model_name=self.model_name)


class _Player:
    """Gives one turn after the other."""

    __name__ = "scripted"

    def __init__(self, turns: Sequence[Turn] | None) -> None:
        self._turns = None if turns is None else iter(turns)

    def __call__(self, messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        if self._turns is None:
            self._turns = demo(_prompt(messages), {tool.name for tool in info.function_tools})
        turn = next(self._turns, None)
        if turn is None:
            raise TaskError(
                "The script of the provider has no further turn.",
                code="GOV853",
                hint="Add a turn with text only as the last one.",
            )
        return _response(turn, number=len(messages))


def _prompt(messages: list[ModelMessage]) -> str:
    return "\n".join(str(part.content) for part in messages[0].parts if part.part_kind == "user-prompt")


def _response(turn: Turn, number: int) -> ModelResponse:
    from pydantic_ai.messages import (  # noqa: PLC0415
        ModelResponse,
        ModelResponsePart,
        TextPart,
        ThinkingPart,
        ToolCallPart,
    )

    parts: list[ModelResponsePart] = []
    if turn.thinking:
        parts.append(ThinkingPart(turn.thinking))
    calls = [(call.name, call.arguments) for call in turn.tools]
    calls += [(WRITE_TOOL, {"name": name, "text": text}) for name, text in turn.files.items()]
    if turn.text is not None or not calls:
        parts.append(TextPart(turn.text or ""))
    for index, (name, arguments) in enumerate(calls):
        parts.append(ToolCallPart(name, arguments, tool_call_id=f"call-{number}-{index}"))
    return ModelResponse(parts=parts, finish_reason="tool_call" if calls else "stop")


_ANALYSE = """\
import csv
source = {source!r}
try:
    text = read_file(source)
except Exception as error:
    text = ""
rows = list(csv.DictReader(text.splitlines())) if source.endswith(".csv") else []
lines = ["Dear leadership team,", "", "here is the summary of last week's sales (" + source + ").", ""]
lines.append("Rows: " + str(len(rows)) if rows else "The figures are in the file.")
for column in (rows[0] if rows else []):
    try:
        lines.append("Total " + column + ": " + str(round(sum(float(row[column]) for row in rows), 2)))
    except ValueError:
        pass
lines += ["", "Kind regards", "The sales agent"]
draft = "\\n".join(lines) + "\\n"
with open({draft!r}, "w") as file:
    file.write(draft)
print(draft)
"""


def demo(prompt: str, tools: set[str]) -> Iterator[Turn]:
    """Yield the turns of the built-in part."""
    quoted = _QUOTED.search(prompt)
    source = next((group for group in quoted.groups() if group), "") if quoted else ""
    if CODE_TOOL in tools:
        code = _ANALYSE.format(source=source or "the data", draft=_DRAFT)
        yield Turn(tools=[ScriptedCall(name=CODE_TOOL, arguments={"code": code})])
    else:
        text = f"Dear leadership team,\n\nthe figures are in {source or 'the file'}.\n\nKind regards\nThe sales agent\n"
        yield Turn(files={_DRAFT: text})
    yield Turn(text=f"I have written the draft to {_DRAFT}.")
