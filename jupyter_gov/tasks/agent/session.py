"""One run of an agent on pydantic-ai: its model, its tools, and a record of everything it said and did."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import GovError, InstallationError, TaskError
from jupyter_gov.plugins.context import RunContext
from jupyter_gov.plugins.outputs import jsonable
from jupyter_gov.tasks.agent.providers import Provider
from jupyter_gov.tasks.agent.tools import AgentTool, write_tool

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage

    from jupyter_gov.tasks.agent.sandbox import Sandbox

_LONGEST_LOG = 4000
_UNLIMITED_ROUNDS = 100
_FINISH = {"stop": "STOP", "length": "LENGTH", "tool_call": "TOOL_EXECUTION", "content_filter": "CONTENT_FILTER"}


@dataclass
class Record:
    """What an agent said and did; grows while it runs, so that it is there when the run fails."""

    text: str | None = None
    thinking: str | None = None
    finish_reason: str | None = None
    tool_executions: list[dict[str, Any]] = field(default_factory=list)
    intermediate: list[dict[str, Any]] = field(default_factory=list)
    input_tokens: int = 0
    output_tokens: int = 0
    requests: int = 0
    seconds: float = 0.0

    @property
    def usage(self) -> dict[str, int]:
        """Tokens, as Kestra names them."""
        return _tokens(self.input_tokens, self.output_tokens)


class AgentSession:
    """Runs one agent to its end.

    Parameters
    ----------
    rounds
        How often tools may be called one after the other; None for a generous limit.
    """

    def __init__(
        self,
        ctx: RunContext,
        *,
        provider: Provider,
        prompt: str,
        system: str | None,
        tools: Sequence[AgentTool],
        settings: dict[str, Any],
        rounds: int | None,
    ) -> None:
        self.ctx = ctx
        self.record = Record()
        self._provider = provider
        self._prompt = prompt
        self._system = system
        self._tools = tools
        self._settings = settings
        self._rounds = rounds
        self._sandbox: Sandbox | None = None
        self._seen = 0
        self._open_calls: dict[str, dict[str, Any]] = {}

    def run(self) -> Record:
        """Run the agent in an event loop of its own, so that it can be stopped at any moment.

        Raises
        ------
        InstallationError
            ``GOV911``: the extra ``agent`` is not installed.
        TaskError
            ``GOV852``: it called tools more often than allowed. ``GOV853``: the script of the model has no
            further turn. ``GOV855``: the model failed.
        """
        begin = time.monotonic()
        try:
            return asyncio.run(self._stoppable())
        except asyncio.CancelledError:
            self.ctx.cancellation.raise_if_requested()
            raise TaskError("The agent was stopped.", code="GOV811") from None
        finally:
            self.record.seconds = time.monotonic() - begin

    async def _stoppable(self) -> Record:
        loop = asyncio.get_running_loop()
        work = asyncio.ensure_future(self._run())
        over = threading.Event()

        def stop() -> None:
            # The loop may close at this very moment, and then there is nothing left to stop.
            with contextlib.suppress(RuntimeError):
                if not over.is_set():
                    loop.call_soon_threadsafe(work.cancel)

        self.ctx.cancellation.on_request(stop)
        try:
            return await work
        finally:
            over.set()
            if self._sandbox is not None:
                await self._sandbox.close()

    async def _run(self) -> Record:
        try:
            from pydantic_ai import Agent  # noqa: PLC0415 - the extra is loaded late, and takes seconds
            from pydantic_ai.exceptions import AgentRunError, UsageLimitExceeded, UserError  # noqa: PLC0415
            from pydantic_ai.usage import UsageLimits  # noqa: PLC0415
        except ImportError as error:
            raise missing_extra(error) from error
        agent = Agent(
            self._provider.model(),
            instructions=self._system,
            tools=[*(tool.tool(self) for tool in self._tools), write_tool(self)],
        )
        limits = UsageLimits(request_limit=(_UNLIMITED_ROUNDS if self._rounds is None else self._rounds) + 1)
        self._log_start()
        try:
            async with agent.iter(self._prompt, usage_limits=limits, model_settings=self._settings or None) as run:  # type: ignore[arg-type]
                async for _ in run:
                    self._note(run.all_messages())
        except UsageLimitExceeded as error:
            raise self._too_many_rounds() from error
        except GovError:
            raise
        except (AgentRunError, UserError) as error:
            raise TaskError(f"The model failed: {error}.", code="GOV855", outputs=self.outputs()) from error
        return self.record

    async def sandbox(self, seconds: float, memory: int) -> Sandbox:
        """Return the sandbox of this run, started with the first piece of code.

        Raises
        ------
        InstallationError
            ``GOV911``: the extra ``agent`` is not installed.
        """
        if self._sandbox is None:
            try:
                from jupyter_gov.tasks.agent.sandbox import Sandbox  # noqa: PLC0415
            except ImportError as error:
                raise missing_extra(error) from error
            sandbox = Sandbox(self.ctx, f"{self._prompt}\n{self._system or ''}", seconds=seconds, memory=memory)
            await sandbox.start()
            self._sandbox = sandbox
        return self._sandbox

    def _too_many_rounds(self) -> TaskError:
        allowed = _UNLIMITED_ROUNDS if self._rounds is None else self._rounds
        return TaskError(
            f"The agent wanted to call tools more than {allowed} times one after the other.",
            code="GOV852",
            hint="Raise maxSequentialToolsInvocations, or make the prompt clearer.",
            outputs=self.outputs(),
        )

    def _log_start(self) -> None:
        if self._system:
            self.ctx.logger.info(f"System message: {_cut(self._system)}")
        self.ctx.logger.info(f"Prompt: {_cut(self._prompt)}")

    def _note(self, messages: list[ModelMessage]) -> None:
        for message in messages[self._seen :]:
            if message.kind == "response":
                self._note_response(message)
            else:
                for part in message.parts:
                    if part.part_kind in ("tool-return", "retry-prompt"):
                        self._note_result(part)
        self._seen = len(messages)

    def _note_response(self, message: Any) -> None:
        record = self.record
        texts = [part.content for part in message.parts if part.part_kind == "text"]
        thoughts = [part.content for part in message.parts if part.part_kind == "thinking"]
        calls = [part for part in message.parts if part.part_kind == "tool-call"]
        record.requests += 1
        record.input_tokens += message.usage.input_tokens
        record.output_tokens += message.usage.output_tokens
        record.thinking = "\n".join(thoughts) or record.thinking
        record.finish_reason = _FINISH.get(message.finish_reason or "stop", "OTHER")
        text = "".join(texts)
        if text:
            self.ctx.logger.info(f"Answer: {_cut(text)}")
        if not calls:
            record.text = text
            return
        requests = [self._note_call(call) for call in calls]
        record.intermediate.append(
            {
                "completion": text or None,
                "finishReason": record.finish_reason,
                "toolExecutionRequests": requests,
                "tokenUsage": _tokens(message.usage.input_tokens, message.usage.output_tokens),
            }
        )

    def _note_call(self, call: Any) -> dict[str, Any]:
        arguments = jsonable(call.args_as_dict(raise_if_invalid=False))
        self.ctx.logger.info(f"Tool call {call.tool_name}: {_cut(json.dumps(arguments, ensure_ascii=False))}")
        request = {"requestId": call.tool_call_id, "requestName": call.tool_name, "requestArguments": arguments}
        self._open_calls[call.tool_call_id] = request
        return {"id": call.tool_call_id, "name": call.tool_name, "arguments": arguments}

    def _note_result(self, part: Any) -> None:
        request = self._open_calls.pop(part.tool_call_id or "", None)
        if request is None:
            return
        content = part.content if part.part_kind == "tool-return" else f"Refused: {part.model_response()}"
        text = content if isinstance(content, str) else json.dumps(jsonable(content), ensure_ascii=False)
        self.ctx.logger.info(f"Tool result {request['requestName']}: {_cut(text)}")
        self.record.tool_executions.append({**request, "result": text})

    def outputs(self) -> dict[str, Any]:
        """Return the record as outputs of the task."""
        record = self.record
        return {
            "textOutput": record.text,
            "thinking": record.thinking,
            "finishReason": record.finish_reason,
            "tokenUsage": record.usage,
            "toolExecutions": list(record.tool_executions),
            "intermediateResponses": list(record.intermediate),
            "requestDuration": round(record.seconds * 1000),
        }


def missing_extra(error: ImportError) -> InstallationError:
    """Return the error that says how to install what agents need."""
    return InstallationError(
        f"AI agents need packages that are not installed ({error.name or error}).",
        code="GOV911",
        hint="Install them: pip install 'jupyter_gov[agent]'.",
    )


def _tokens(given: int, produced: int) -> dict[str, int]:
    return {"inputTokenCount": given, "outputTokenCount": produced, "totalTokenCount": given + produced}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_LOG else f"{text[:_LONGEST_LOG]} … [{len(text) - _LONGEST_LOG} characters cut]"
