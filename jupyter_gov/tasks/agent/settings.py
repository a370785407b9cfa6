"""What a flow may say about an agent besides its prompt: how the model answers, and what must hold of its texts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jupyter_gov.plugins.api import Dynamic, GovModel


class ResponseFormat(GovModel):
    """Whether the answer is text or JSON."""

    type: Dynamic[Literal["TEXT", "JSON"]] = Field(default="TEXT", description="TEXT, or JSON for `jsonOutput`.")
    json_schema: Dynamic[dict[str, Any]] | None = Field(
        default=None, description="JSON Schema that the answer must fit."
    )
    json_schema_description: Dynamic[str] | None = Field(default=None, description="What the schema is for.")
    strict_json: Dynamic[bool] = Field(default=False, description="Asks the provider to enforce the schema.")


class ChatConfiguration(GovModel):
    """How the model answers; what a provider does not know is left out."""

    temperature: Dynamic[float] | None = Field(default=None, description="Randomness of the answers.")
    top_k: Dynamic[int] | None = Field(default=None, description="Choose among this many tokens.")
    top_p: Dynamic[float] | None = Field(default=None, description="Choose among tokens of this total probability.")
    seed: Dynamic[int] | None = Field(default=None, description="For answers that can be repeated.")
    max_token: Dynamic[int] | None = Field(default=None, description="Longest answer, in tokens.")
    log_requests: Dynamic[bool] = Field(default=False, description="Accepted; prompts are always logged.")
    log_responses: Dynamic[bool] = Field(default=False, description="Accepted; answers are always logged.")
    thinking_enabled: Dynamic[bool] | None = Field(default=None, description="Lets the model think first.")
    thinking_budget_tokens: Dynamic[int] | None = Field(default=None, description="Most tokens of thinking.")
    return_thinking: Dynamic[bool] = Field(default=False, description="Gives the output `thinking`.")
    prompt_caching: Dynamic[bool] = Field(default=False, description="Lets the provider cache the prompt.")
    response_format: ResponseFormat | None = Field(default=None, description="Text or JSON.")

    def model_settings(self) -> dict[str, Any]:
        """Return what pydantic-ai calls model settings."""
        names = {"temperature": "temperature", "top_p": "top_p", "seed": "seed", "max_token": "max_tokens"}
        return {theirs: value for ours, theirs in names.items() if (value := getattr(self, ours)) is not None}


class Guardrail(GovModel):
    """A rule that a text must satisfy; the expression sees it as `message` (input) or `response` (output)."""

    expression: str = Field(description="Expression that must be true, such as `{{ response.length < 10000 }}`.")
    message: Dynamic[str] = Field(description="What to say when it is not.")


class Guardrails(GovModel):
    """Rules for what goes to the model and for what comes back; the first that fails ends the task."""

    input: list[Guardrail] = Field(default_factory=list, description="Rules for the prompt.")
    output: list[Guardrail] = Field(default_factory=list, description="Rules for the answer.")
