"""Agents on a scripted model, and every way out of the code sandbox that we know."""

from __future__ import annotations

import builtins
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.errors import InstallationError, TaskError
from jupyter_gov.plugins.testing import TaskResult, TestContext, check, run_task
from jupyter_gov.tasks.agent import sandbox
from jupyter_gov.tasks.agent.agent import AIAgent

CODE = {"type": "io.kestra.plugin.ai.tool.CodeExecution"}
SCRIPTED = "jupyter_gov.provider.Scripted"


@pytest.fixture(autouse=True)
def no_real_models(monkeypatch: pytest.MonkeyPatch) -> None:
    import pydantic_ai.models

    monkeypatch.setattr(pydantic_ai.models, "ALLOW_MODEL_REQUESTS", False)


@pytest.fixture
def context(tmp_path: Path) -> TestContext:
    context = TestContext(tmp_path / "run")
    (context.start_dir / "sales.csv").write_text("day,amount\nmon,10\ntue,32.5\n")
    return context


def call(tool: str, /, **arguments: Any) -> dict[str, Any]:
    return {"tools": [{"name": tool, "arguments": arguments}]}


def agent(context: TestContext, *turns: dict[str, Any], **props: Any) -> TaskResult:
    provider: dict[str, Any] = {"type": SCRIPTED, "turns": list(turns)}
    return run_task(AIAgent, {"prompt": "Do it.", "provider": provider, **props}, context=context)


def failure(context: TestContext, *turns: dict[str, Any], **props: Any) -> TaskError:
    with pytest.raises(TaskError) as caught:
        agent(context, *turns, **props)
    return caught.value


def run_code(context: TestContext, *codes: str, prompt: str = "Do it.", **tool: Any) -> list[str]:
    turns = [call("code_execution", code=code) for code in codes]
    result = agent(context, *turns, {"text": "Done."}, tools=[{**CODE, **tool}], prompt=prompt)
    return [execution["result"] for execution in result.outputs["toolExecutions"]]


def test_the_published_task(context: TestContext) -> None:
    context.variables = {"inputs": {"sales_data_uri": "sales.csv"}}
    context.settings = {"ai.provider": {"type": SCRIPTED}}
    props = {
        "prompt": "Analyze last week's sales data from '{{ inputs.sales_data_uri }}' and draft an email summary "
        "for the leadership team.",
        "tools": [CODE],
    }
    result = run_task(AIAgent, props, context=context)
    assert result.outputs["files"] == result.outputs["outputFiles"]
    assert list(result.outputs["files"]) == ["email_draft.txt"]
    draft = context.files.read_text(result.outputs["files"]["email_draft.txt"])
    assert "Rows: 2" in draft
    assert "Total amount: 42.5" in draft
    assert result.outputs["textOutput"] == "I have written the draft to email_draft.txt."
    assert [execution["requestName"] for execution in result.outputs["toolExecutions"]] == ["code_execution"]


def test_the_built_in_part_without_the_code_tool(context: TestContext) -> None:
    provider = {"type": SCRIPTED}
    result = run_task(AIAgent, {"prompt": "Look at 'sales.csv'.", "provider": provider}, context=context)
    assert "sales.csv" in context.files.read_text(result.outputs["files"]["email_draft.txt"])


def test_outputs_and_metrics(context: TestContext) -> None:
    result = agent(
        context,
        {"text": "Let me see.", "thinking": "hm", **call("code_execution", code="6 * 7")},
        {"text": "It is 42."},
        tools=[CODE],
        systemMessage="Be brief.",
    )
    outputs = result.outputs
    assert outputs["textOutput"] == "It is 42."
    assert outputs["finishReason"] == "STOP"
    assert outputs["guardrailViolated"] is False
    assert "thinking" not in outputs
    (execution,) = outputs["toolExecutions"]
    assert execution["requestArguments"] == {"code": "6 * 7"}
    assert execution["result"] == '{"result": 42, "printed": ""}'
    (intermediate,) = outputs["intermediateResponses"]
    assert intermediate["completion"] == "Let me see."
    assert intermediate["toolExecutionRequests"][0]["id"] == execution["requestId"]
    usage = outputs["tokenUsage"]
    assert usage["totalTokenCount"] == usage["inputTokenCount"] + usage["outputTokenCount"] > 0
    metrics = {metric.name: metric.value for metric in result.metrics}
    assert metrics["ai.agent.tool.calls"] == 1
    assert metrics["ai.provider.calls"] == 2
    assert metrics["total.token.count"] == usage["totalTokenCount"]


def test_everything_is_logged(context: TestContext) -> None:
    result = agent(context, call("code_execution", code="6 * 7"), {"text": "42"}, tools=[CODE], systemMessage="Brief.")
    assert [line.split(":")[0] for line in result.lines("INFO")] == [
        "System message",
        "Prompt",
        "Tool call code_execution",
        "Tool result code_execution",
        "Answer",
    ]


def test_thinking_when_asked_for(context: TestContext) -> None:
    result = agent(context, {"thinking": "hm", "text": "42"}, configuration={"returnThinking": True})
    assert result.outputs["thinking"] == "hm"


def test_texts_of_the_script_are_rendered(context: TestContext) -> None:
    context.variables = {"inputs": {"who": "Ada"}}
    result = agent(
        context, {"text": "Hello {{ inputs.who }}", "files": {"{{ inputs.who }}.txt": "{{ 1 + 1 }}"}}, {"text": "x"}
    )
    assert context.files.read_text(result.outputs["outputFiles"]["Ada.txt"]) == "2"


def test_output_files_by_pattern(context: TestContext) -> None:
    turns = [{"files": {"a.txt": "a", "b.csv": "b", "d/c.txt": "c"}}, {"text": "x"}]
    assert sorted(agent(context, *turns).outputs["files"]) == ["a.txt", "b.csv", "d/c.txt"]
    assert sorted(agent(context, *turns, outputFiles=["*.csv"]).outputs["files"]) == ["b.csv"]


@pytest.mark.parametrize("name", ["../x.txt", "/tmp/x.txt", "", "a/../../x"])
def test_files_stay_in_the_folder(context: TestContext, name: str) -> None:
    result = agent(context, {"files": {name: "x"}}, {"text": "x"})
    assert result.outputs["files"] == {}
    assert result.outputs["toolExecutions"][0]["result"].startswith("Refused")


def test_an_unknown_tool_is_refused_and_recorded(context: TestContext) -> None:
    result = agent(context, call("send_email", to="x"), {"text": "x"})
    (execution,) = result.outputs["toolExecutions"]
    assert execution["requestName"] == "send_email"
    assert "Unknown tool name" in execution["result"]


def test_wrong_arguments_are_refused_and_recorded(context: TestContext) -> None:
    result = agent(context, call("code_execution", cod="1"), {"text": "x"}, tools=[CODE])
    assert "code" in result.outputs["toolExecutions"][0]["result"]


def test_too_many_tool_calls(context: TestContext) -> None:
    turns = [call("code_execution", code="1")] * 3
    error = failure(context, *turns, {"text": "x"}, tools=[CODE], maxSequentialToolsInvocations=2)
    assert error.code == "GOV852"
    assert error.outputs is not None
    assert len(error.outputs["toolExecutions"]) == 2
    agent(context, *turns, {"text": "x"}, tools=[CODE], maxSequentialToolsInvocations=3)


def test_no_tool_calls_at_all(context: TestContext) -> None:
    assert failure(context, {"files": {"a": "b"}}, {"text": "x"}, maxSequentialToolsInvocations=0).code == "GOV852"


def test_a_script_that_ends_too_early(context: TestContext) -> None:
    error = failure(context, call("write_file", name="a", text="b"))
    assert (error.code, "no further turn" in error.message) == ("GOV853", True)


def test_json(context: TestContext) -> None:
    schema = {"type": "object", "required": ["risk"], "properties": {"risk": {"type": "integer"}}}
    configuration = {"responseFormat": {"type": "JSON", "jsonSchema": schema}}
    assert agent(context, {"text": '{"risk": 3}'}, configuration=configuration).outputs["jsonOutput"] == {"risk": 3}
    for text, message in (("risk: 3", "no JSON"), ('{"risk": "high"}', r"$.risk"), ("{}", "required")):
        error = failure(context, {"text": text}, configuration=configuration)
        assert (error.code, message in error.message) == ("GOV854", True)


@pytest.mark.parametrize("configuration", [{"temperature": 0.1, "topP": 0.5, "seed": 7, "maxToken": 100, "topK": 3}])
def test_configuration(context: TestContext, configuration: dict[str, Any]) -> None:
    assert agent(context, {"text": "x"}, configuration=configuration).outputs["textOutput"] == "x"


def test_guardrails(context: TestContext) -> None:
    context.variables = {"inputs": {"word": "secret"}}
    rules = {
        "input": [{"expression": "{{ message | length < 100 }}", "message": "too long"}],
        "output": [{"expression": "{{ not (response contains inputs.word) }}", "message": "says {{ inputs.word }}"}],
    }
    assert agent(context, {"text": "fine"}, guardrails=rules).outputs["textOutput"] == "fine"
    stopped = agent(context, {"text": "never"}, guardrails=rules, prompt="x" * 200).outputs
    assert stopped == {"textOutput": None, "guardrailViolated": True, "guardrailViolationMessage": "too long"}
    stopped = agent(context, {"text": "a secret"}, guardrails=rules).outputs
    assert (stopped["guardrailViolationMessage"], stopped["textOutput"]) == ("says secret", None)


def test_no_provider(context: TestContext) -> None:
    with pytest.raises(TaskError) as caught:
        run_task(AIAgent, {"prompt": "x"}, context=context)
    assert (caught.value.code, "ai_provider" in (caught.value.hint or "")) == ("GOV851", True)


@pytest.mark.parametrize(
    ("provider", "message"),
    [
        ({"type": "io.kestra.plugin.ai.provider.OpenAI", "apiKey": "x"}, "later version"),
        ({"type": "jupyter_gov.provider.Scriptd"}, r"did you mean jupyter_gov\.provider\.Scripted"),
        ({"type": "io.kestra.plugin.core.log.Log"}, "no model provider"),
        ({"model": "x"}, "a map with a `type`"),
        ({"type": SCRIPTED, "turn": []}, "turn"),
    ],
)
def test_other_providers(context: TestContext, provider: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message) as caught:
        check(AIAgent, {"prompt": "x", "provider": provider})
    assert caught.value.code == "GOV801"
    context.settings = {"ai.provider": provider}
    with pytest.raises(TaskError, match=message) as caught:
        run_task(AIAgent, {"prompt": "x"}, context=context)
    assert caught.value.code in ("GOV851", "GOV801")


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"tools": [{"type": "io.kestra.plugin.ai.tool.TavilyWebSearch"}]}, "later version"),
        ({"tools": [{"type": "io.kestra.plugin.ai.tol.CodeExecution"}]}, "did you mean"),
        ({"tools": [{**CODE, "timeout": "soon"}]}, "duration"),
        ({"memory": {"type": "x"}}, "later version"),
        ({"contentRetrievers": [1]}, "later version"),
        ({"prompt": None}, "prompt"),
    ],
)
def test_refused_at_check(props: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        check(AIAgent, {"prompt": "x", **props})


def test_note_about_the_key_of_kestras_code_tool() -> None:
    notes = check(AIAgent, {"prompt": "x", "provider": {"type": SCRIPTED}, "tools": [{**CODE, "apiKey": "x"}]})
    assert len(notes) == 1
    assert "no key is needed" in notes[0]


def test_note_about_a_missing_provider() -> None:
    assert "ai_provider" in check(AIAgent, {"prompt": "x"})[0]


@pytest.mark.parametrize("missing", ["pydantic_ai", "pydantic_monty"])
def test_without_the_extra(context: TestContext, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **more: Any) -> Any:
        if name.partition(".")[0] == missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **more)

    monkeypatch.delitem(sys.modules, "jupyter_gov.tasks.agent.sandbox", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InstallationError, match=missing) as caught:
        agent(context, call("code_execution", code="1"), {"text": "x"}, tools=[CODE])
    assert (caught.value.code, "jupyter_gov[agent]" in (caught.value.hint or "")) == ("GOV911", True)


# --- the sandbox ---


def test_code_keeps_its_names_and_prints(context: TestContext) -> None:
    results = run_code(context, "x = 20\nprint('set')", "x + 22")
    assert results == ['{"result": null, "printed": "set\\n"}', '{"result": 42, "printed": ""}']


def test_code_writes_output_files(context: TestContext) -> None:
    turn = call("code_execution", code="open('a.txt', 'w').write('hi')")
    result = agent(context, turn, {"text": "x"}, tools=[CODE])
    assert context.files.read_text(result.outputs["files"]["a.txt"]) == "hi"


def test_code_reads_only_what_the_prompt_names(context: TestContext) -> None:
    (context.start_dir / "salaries.csv").write_text("secret")
    (context.start_dir / "les.csv").write_text("secret")
    names = "sales.csv", "salaries.csv", "les.csv", "", "../start/sales.csv"
    codes = [f"read_file({name!r})[:3]" for name in names]
    allowed, *refused = run_code(context, *codes, prompt="Look at 'sales.csv'.")
    assert '"day"' in allowed
    assert len(refused) == 4
    assert all("PermissionError" in result for result in refused)


def test_a_named_file_outside_the_allowed_folders(context: TestContext, tmp_path: Path) -> None:
    (tmp_path / "outside.txt").write_text("hidden")
    name = str(tmp_path / "outside.txt")
    (result,) = run_code(context, f"read_file({name!r})", prompt=f"Look at '{name}'.")
    assert "PermissionError" in result
    assert "hidden" not in result


ESCAPES = [
    ("import os; os.listdir('/')", "PermissionError"),
    ("open('/etc/passwd').read()", "PermissionError"),
    (f"open('{sandbox._FOLDER}/../etc/passwd').read()", "PermissionError"),
    ("open('../../etc/passwd').read()", "PermissionError"),
    ("open('/etc/cron.d/x', 'w').write('x')", "PermissionError"),
    ("import socket", "ModuleNotFoundError"),
    ("import numpy", "ModuleNotFoundError"),
    ("import statistics", "ModuleNotFoundError"),
    ("import subprocess", "ModuleNotFoundError"),
    ("import ctypes", "ModuleNotFoundError"),
    ("import urllib.request", "ModuleNotFoundError"),
    ("import jupyter_gov", "ModuleNotFoundError"),
    ("import os; os.system('id')", "AttributeError"),
    ("import os; os.symlink('/etc/passwd', 'link')", "AttributeError"),
    ("import os; os.environ", "not supported"),
    ("import os; os.getenv('PATH')", "not supported"),
    ("import sys; sys.modules", "AttributeError"),
    ("().__class__.__bases__", "AttributeError"),
    ("getattr((), '__cl' + 'ass__')", "AttributeError"),
    ("().__class__.__base__.__subclasses__()", "AttributeError"),
    ("(lambda: 0).__globals__", "AttributeError"),
    ("__import__('os')", "NameError"),
    ("__builtins__", "NameError"),
    ("eval('__import__(\"os\")')", "NameError"),
    ("read_file.__globals__", "AttributeError"),
    ("while True: pass", "TimeoutError"),
    ("x = 'a' * 10**9", "MemoryError"),
    ("x = []\nwhile True: x.append('a' * 100000)", "MemoryError"),
    ("def f(): return f()\nf()", "RecursionError"),
    ("open('big', 'w').write('x' * 20_000_000)", "disk write limit"),
    ("print('x' * 5_000_000)", "MemoryError"),
    ("9 ** 9 ** 9 ** 9", "MemoryError"),
    ("import time; time.sleep(60)", "TimeoutError"),
    ("def (", "SyntaxError"),
]


@pytest.mark.parametrize(("code", "refusal"), ESCAPES)
def test_no_way_out_of_the_sandbox(context: TestContext, code: str, refusal: str) -> None:
    begin = time.monotonic()
    refused, after = run_code(context, code, "1 + 1", timeout="PT0.5S", maxMemory=50_000_000)
    assert '"error"' in refused
    assert refusal in refused, refused
    assert "root:" not in refused
    assert '"result": 2' in after  # The next piece of code runs all the same.
    assert time.monotonic() - begin < 15


def test_secrets_of_the_worker_are_not_in_the_sandbox(context: TestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOP_SECRET", "correct-horse")
    for result in run_code(context, "import os; os.environ.get('TOP_SECRET')", "open('/proc/self/environ').read()"):
        assert "correct-horse" not in result


@pytest.fixture
def stopped_soon(context: TestContext) -> Iterator[float]:
    timer = threading.Timer(0.7, context.cancellation.request, ("timeout",))
    timer.start()
    yield time.monotonic()
    timer.join()


def test_stopped_in_the_middle_of_code(context: TestContext, stopped_soon: float) -> None:
    with pytest.raises(TaskError, match="timeout"):
        run_code(context, "while True: pass", timeout="PT10M")
    assert time.monotonic() - stopped_soon < 10


def test_an_agent_is_not_run_again_by_itself() -> None:
    assert not AIAgent.repeatable
    assert not AIAgent.inline
