"""Runs an AI agent as a task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.expr import is_truthy
from jupyter_gov.plugins.api import Dynamic, Rename, RunnableTask, note
from jupyter_gov.plugins.binding import bind
from jupyter_gov.plugins.context import Metric, RunContext
from jupyter_gov.tasks.agent.providers import Provider
from jupyter_gov.tasks.agent.session import AgentSession
from jupyter_gov.tasks.agent.settings import ChatConfiguration, Guardrail, Guardrails
from jupyter_gov.tasks.agent.tools import AgentTool
from jupyter_gov.tasks.workspace import store_outputs

_EVERYTHING = ("**",)


class AIAgent(RunnableTask):
    """Let a model work on a prompt with tools, and keep a record of everything it said and did.

    The model comes from `provider`, or from the setting `ai.provider`. Every call of a tool is logged and handed back
    in `toolExecutions`. Files that the agent writes are in `outputFiles` (and, as published flows spell it, `files`).
    What the agent proposes has no effect outside its folder: put a gate after it, and the effect behind the gate.
    """

    type_name = "io.kestra.plugin.ai.agent.AIAgent"
    output_renames: ClassVar[Mapping[str, Rename]] = {
        "files": Rename("outputFiles", "Kestra calls it outputFiles and has no output of this name")
    }
    output_docs: ClassVar[Mapping[str, str]] = {
        "textOutput": "The answer as text.",
        "jsonOutput": "The answer as a value, if the response format is JSON.",
        "outputFiles": "Name -> URI of the files that the tools have made.",
        "thinking": "What the model says that it thought, if it says so.",
        "finishReason": "Why the model stopped.",
        "tokenUsage": "Tokens given, produced and in all.",
        "toolExecutions": "Calls of tools, with their arguments and results.",
        "intermediateResponses": "Answers before the last one, with the calls that they asked for.",
        "requestDuration": "Time that the model took, in milliseconds.",
        "guardrailViolated": "Whether a guardrail stopped it.",
        "guardrailViolationMessage": "What that guardrail says.",
    }
    examples: ClassVar[tuple[str, ...]] = (
        """\
id: summarise
type: io.kestra.plugin.ai.agent.AIAgent
systemMessage: You write short and friendly mails.
prompt: Draft an email summary of 'sales.csv' for the leadership team.
provider:
  type: jupyter_gov.provider.Scripted
  turns:
    - files:
        email_draft.txt: |
          Dear leadership team, sales are up.
    - text: The draft is written.
outputFiles:
  - email_draft.txt
""",
    )

    prompt: Dynamic[str] = Field(description="What the agent is asked to do.")
    system_message: Dynamic[str] | None = Field(default=None, description="How the agent should behave.")
    provider: Provider | None = Field(default=None, description="Where the model comes from.")
    configuration: ChatConfiguration = Field(default_factory=ChatConfiguration, description="How the model answers.")
    tools: list[AgentTool] = Field(default_factory=list, description="What the agent may do.")
    max_sequential_tools_invocations: Dynamic[Annotated[int, Field(ge=0)]] | None = Field(
        default=None, description="How often it may call tools one after the other."
    )
    guardrails: Guardrails = Field(default_factory=Guardrails, description="Rules for the prompt and the answer.")
    output_files: Dynamic[list[str]] = Field(
        default_factory=list, description="Files to keep, as names or patterns; all that it writes if left out."
    )
    content_retrievers: list[Any] | None = Field(default=None, description="Not offered yet.")
    memory: dict[str, Any] | None = Field(default=None, description="Not offered yet.")
    observability: dict[str, Any] | None = Field(default=None, description="Not offered yet.")

    @field_validator("content_retrievers", "memory", "observability")
    @classmethod
    def _later(cls, value: Any, info: ValidationInfo) -> Any:
        if value:
            raise ValueError(f"{info.field_name} comes in a later version; remove it")
        return value

    @model_validator(mode="after")
    def _note_missing_provider(self, info: ValidationInfo) -> Self:
        if self.provider is None:
            note(info, "no `provider`, which Kestra requires; here it comes from the setting ai_provider")
        return self

    def run(self, ctx: RunContext) -> dict[str, Any]:
        """Run the agent and return its answer and its record.

        Raises
        ------
        TaskError
            ``GOV851``: no provider is known, or that of the settings is malformed. ``GOV852``: too many tool calls.
            ``GOV853``, ``GOV855``: the model failed. ``GOV854``: the answer is not the JSON that was asked for.
        """
        violated = self._violation(ctx, self.guardrails.input, "message", self.prompt)
        if violated is not None:
            return violated
        session = AgentSession(
            ctx,
            provider=self.provider or _configured(ctx),
            prompt=self.prompt,
            system=self.system_message,
            tools=self.tools,
            settings=self.configuration.model_settings(),
            rounds=self.max_sequential_tools_invocations,
        )
        record = session.run()
        files = store_outputs(ctx, self.output_files or _EVERYTHING)
        outputs = {**session.outputs(), "outputFiles": files, "files": files, "guardrailViolated": False}
        if not self.configuration.return_thinking:
            outputs.pop("thinking")
        self._count(ctx, session)
        violated = self._violation(ctx, self.guardrails.output, "response", record.text or "")
        if violated is not None:
            return {**outputs, **violated}
        return {**outputs, **self._json(record.text or "", outputs)}

    def _count(self, ctx: RunContext, session: AgentSession) -> None:
        record = session.record
        for name, value in (
            ("input.token.count", record.input_tokens),
            ("output.token.count", record.output_tokens),
            ("total.token.count", record.input_tokens + record.output_tokens),
            ("ai.agent.tool.calls", len(record.tool_executions)),
            ("ai.provider.calls", record.requests),
        ):
            ctx.metric(Metric(name, "counter", value))

    def _violation(self, ctx: RunContext, rules: list[Guardrail], name: str, text: str) -> dict[str, Any] | None:
        for rule in rules:
            if not is_truthy(ctx.render(rule.expression, {name: text})):
                ctx.logger.log("WARN", f"A guardrail stopped the agent: {rule.message}")
                return {"textOutput": None, "guardrailViolated": True, "guardrailViolationMessage": rule.message}
        return None

    def _json(self, text: str, outputs: dict[str, Any]) -> dict[str, Any]:
        wanted = self.configuration.response_format
        if wanted is None or wanted.type != "JSON":
            return {}
        try:
            value = json.loads(text)
        except ValueError as error:
            raise TaskError(f"The answer is no JSON: {error}.", code="GOV854", outputs=outputs) from None
        if wanted.json_schema is not None:
            _fits(value, wanted.json_schema, outputs)
        return {"jsonOutput": value}


def _fits(value: Any, schema: dict[str, Any], outputs: dict[str, Any]) -> None:
    import jsonschema  # noqa: PLC0415 - only for agents that answer in JSON

    try:
        jsonschema.validate(value, schema)
    except jsonschema.SchemaError as error:
        raise TaskError(f"`jsonSchema` is no JSON Schema: {error.message}.", code="GOV854") from None
    except jsonschema.ValidationError as error:
        where = error.json_path
        message = f"The answer does not fit `jsonSchema` at {where}: {error.message}."
        raise TaskError(message, code="GOV854", outputs=outputs) from None


def _configured(ctx: RunContext) -> Provider:
    written = ctx.settings.get("ai.provider")
    if not written:
        raise TaskError(
            "The agent has no provider, and the settings name none.",
            code="GOV851",
            hint="Add `provider` to the task, or set ai_provider in the settings of jupyter_gov, for a demo to "
            "{'type': 'jupyter_gov.provider.Scripted'}.",
        )
    try:
        member = Provider.member(written)
    except ValueError as error:
        raise TaskError(f"The setting ai.provider is wrong: {error}.", code="GOV851") from None
    return bind(member, written, ctx.render)
