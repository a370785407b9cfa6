"""Shell and Python tasks on real child processes."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.context import Metric
from jupyter_gov.plugins.testing import MASK, TestContext, check, run_task
from jupyter_gov.tasks.script import python, shell


def sh(*commands: str, **more: Any) -> dict[str, Any]:
    return {"commands": list(commands), **more}


def test_commands_log_as_they_come() -> None:
    result = run_task(shell.Commands, sh("echo one", "echo two", "# a comment"))
    assert result.logs == [("INFO", "one"), ("INFO", "two")]
    assert result.outputs == {
        "vars": {}, "exitCode": 0, "outputFiles": {}, "stdOutLineCount": 2, "stdErrLineCount": 0
    }  # fmt: skip
    assert result.warnings == []


def test_commands_share_one_shell() -> None:
    assert run_task(shell.Commands, sh("cd /", "x=1", 'echo "$PWD $x"')).lines() == ["/ 1"]


def test_fail_fast_stops_at_the_first_failure() -> None:
    with pytest.raises(TaskError, match="exit code 3") as caught:
        run_task(shell.Commands, sh("echo a", "(exit 3)", "echo b"))
    assert caught.value.code == "GOV815"
    assert caught.value.outputs is not None
    assert (caught.value.outputs["exitCode"], caught.value.outputs["stdOutLineCount"]) == (3, 1)


def test_without_fail_fast_the_last_command_decides() -> None:
    assert run_task(shell.Commands, sh("(exit 3)", "echo b", failFast=False)).lines() == ["b"]


def test_a_failure_says_what_was_written_last() -> None:
    with pytest.raises(TaskError) as caught:
        run_task(shell.Commands, sh("for i in $(seq 30); do echo line $i >&2; done", "exit 4"))
    assert caught.value.details is not None
    assert caught.value.details["exitCode"] == 4
    assert caught.value.details["stderr"].splitlines()[0] == "line 11"


def test_a_failure_keeps_outputs_and_files(tmp_path: Path) -> None:
    context = TestContext(tmp_path)
    commands = sh("echo x > x.txt", """echo '::{"outputs": {"a": 1}}::'""", "exit 1", outputFiles=["x.txt"])
    with pytest.raises(TaskError) as caught:
        run_task(shell.Commands, commands, context=context)
    assert caught.value.outputs is not None
    assert caught.value.outputs["vars"] == {"a": 1}
    assert context.files.read_text(caught.value.outputs["outputFiles"]["x.txt"]) == "x\n"


def test_stderr_makes_a_warning_unless_told_otherwise() -> None:
    result = run_task(shell.Commands, sh("echo careful >&2"))
    assert result.lines("WARN")[0] == "careful"
    assert len(result.warnings) == 1
    assert run_task(shell.Commands, sh("echo careful >&2", warningOnStdErr=False)).warnings == []


def test_a_signal_is_named() -> None:
    with pytest.raises(TaskError, match=r"SIGKILL.*memory"):
        run_task(shell.Commands, sh("kill -9 $$"))


def test_environment() -> None:
    environment = {"PATH": os.environ["PATH"], "INHERITED": "yes"}
    props = sh('echo "$INHERITED $OWN${HOME-}."', env={"OWN": "{{ inputs.x }}"})
    result = run_task(shell.Commands, props, environment=environment, variables={"inputs": {"x": "3"}})
    assert result.lines() == ["yes 3."]


def test_env_by_expression() -> None:
    result = run_task(
        shell.Commands,
        {"commands": "{{ inputs.commands }}", "env": "{{ inputs.env }}"},
        variables={"inputs": {"commands": ["echo $A"], "env": {"A": "b"}}},
    )
    assert result.lines() == ["b"]


def test_commands_that_are_no_list() -> None:
    with pytest.raises(TaskError, match="list"):
        check(shell.Commands, {"commands": "echo x"})
    with pytest.raises(TaskError, match="commands") as caught:
        run_task(shell.Commands, {"commands": "{{ 'echo x' }}"})
    assert caught.value.code == "GOV801"


LOOK_FOR_SECRET = """
import glob
for path in glob.glob("/proc/[0-9]*/cmdline"):
    try:
        if b"correct-" + b"horse" in open(path, "rb").read():
            print("found in", path)
    except OSError:
        pass
print("looked")
"""


@pytest.mark.parametrize("interpreter", ["/bin/sh", "/bin/bash"])
def test_no_secret_on_the_command_line(interpreter: str) -> None:
    variables = {"inputs": {"secret": "correct-horse"}}
    commands = sh("x='{{ inputs.secret }}'", "python look.py", interpreter=[interpreter, "-c"])
    props = {**commands, "inputFiles": {"look.py": LOOK_FOR_SECRET}, "beforeCommands": ["y={{ inputs.secret }}"]}
    assert run_task(python.Commands, props, variables=variables).lines() == ["looked"]
    script = {"script": LOOK_FOR_SECRET + "z = '{{ inputs.secret }}'"}
    assert run_task(python.Script, script, variables=variables).lines() == ["looked"]


def test_an_interpreter_that_would_show_a_secret_is_refused(tmp_path: Path) -> None:
    context = TestContext(tmp_path, variables={"inputs": {"s": "correct-horse"}})
    context.mask("correct-horse")
    with pytest.raises(TaskError, match="list of processes") as caught:
        run_task(shell.Commands, sh("print '{{ inputs.s }}'", interpreter=["perl", "-e"]), context=context)
    assert caught.value.code == "GOV817"


@pytest.mark.parametrize("interpreter", [["/bin/sh", "-c"], ["/bin/sh", "-ec"], ["bash", "-c"], ["perl", "-e"]])
def test_interpreters(interpreter: list[str]) -> None:
    text = "print 'hello';" if interpreter[0] == "perl" else "echo hello"
    assert run_task(shell.Script, {"script": text, "interpreter": interpreter, "failFast": False}).lines() == ["hello"]


def test_masked_in_the_log(tmp_path: Path) -> None:
    context = TestContext(tmp_path, secrets={"S": "hunter2"}, variables={"inputs": {}})
    context.secret("S")
    assert run_task(shell.Commands, sh("echo hunter2"), context=context).lines() == [MASK]


def test_input_files(tmp_path: Path) -> None:
    context = TestContext(tmp_path)
    uri = context.files.put_bytes(b"stored", "blob.bin")
    (context.start_dir / "local.txt").write_text("local")
    props = sh("cat a.txt sub/b.bin", inputFiles={"a.txt": "text ", "sub/b.bin": uri})
    assert run_task(shell.Commands, props, context=context).lines() == ["text stored"]


def test_writing_to_an_input_leaves_the_stored_file(tmp_path: Path) -> None:
    context = TestContext(tmp_path)
    uri = context.files.put_bytes(b"stored", "blob.bin")
    run_task(shell.Commands, sh("echo changed > f", inputFiles={"f": uri}), context=context)
    assert context.files.read_text(uri) == "stored"


def test_input_files_as_json() -> None:
    props = sh("cat a.json", inputFiles="{{ inputs.files }}")
    result = run_task(shell.Commands, props, variables={"inputs": {"files": {"a.json": {"x": 1}}}})
    assert result.lines() == ['{"x": 1}']


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", "."])
def test_files_stay_in_the_working_directory(name: str) -> None:
    with pytest.raises(TaskError, match="working directory") as caught:
        run_task(shell.Commands, sh("true", inputFiles={name: "x"}))
    assert caught.value.code == "GOV816"
    with pytest.raises(TaskError, match="working directory"):
        run_task(shell.Commands, sh("true", outputFiles=[name]))


def test_input_file_that_is_not_there() -> None:
    with pytest.raises(TaskError) as caught:
        run_task(shell.Commands, sh("true", inputFiles={"x": "gov:///sha256/abc/x"}))
    assert caught.value.code == "GOV803"


def test_output_files(tmp_path: Path) -> None:
    commands = sh(
        "mkdir d; echo 1 > a.csv; echo 2 > d/b.csv; echo 3 > c.txt", outputFiles=["*.csv", "d/**", "gone.txt"]
    )
    result = run_task(shell.Commands, commands, folder=tmp_path)
    assert sorted(result.outputs["outputFiles"]) == ["a.csv", "d/b.csv"]
    assert result.path(result.outputs["outputFiles"]["d/b.csv"]).read_text() == "2\n"
    assert result.lines("WARN") == ["The output file 'gone.txt' was not written."]


def test_our_own_files_are_no_outputs() -> None:
    assert run_task(shell.Commands, sh("true", outputFiles=["*", ".*", "**/*"])).outputs["outputFiles"] == {}


def test_links_out_of_the_working_directory_are_no_outputs() -> None:
    result = run_task(shell.Commands, sh("ln -s /etc/passwd p; ln -s /etc d", outputFiles=["*"]))
    assert result.outputs["outputFiles"] == {}
    assert "link out of" in result.lines("WARN")[0]
    with pytest.raises(TaskError, match="leads out of"):
        run_task(shell.Commands, sh("ln -s /etc d", outputFiles=["d/host*"]))


def test_names_of_the_folder_and_its_outputs() -> None:
    props = sh("echo x > {{ outputFiles['o.txt'] }}", "ls {{ workingDir }}", outputFiles=["o.txt"])
    result = run_task(shell.Commands, props)
    assert result.lines() == ["o.txt"]
    assert list(result.outputs["outputFiles"]) == ["o.txt"]


def test_protocol() -> None:
    message = {
        "outputs": {"a": [1, {"b": None}]},
        "metrics": [
            {"name": "rows", "type": "counter", "value": 3, "tags": {"t": 1}},
            {"name": "time", "type": "timer", "value": 1.5},
            {"name": "iso", "type": "timer", "value": "PT2S"},
        ],
        "logs": [{"level": "warning", "message": "look"}, {"message": "plain"}],
    }
    lines = [f"::{json.dumps(message)}::", '  ::{"outputs": {"a": 2}}::  ', "::{not json}::", "a ::{}:: b", "::[]::"]
    script = "".join(f"print({line!r})\n" for line in lines)
    result = run_task(python.Script, {"script": script})
    assert result.outputs["vars"] == {"a": 2}
    assert result.metrics == [
        Metric("rows", "counter", 3.0, {"t": "1"}), Metric("time", "timer", 1.5), Metric("iso", "timer", 2.0)
    ]  # fmt: skip
    assert result.logs[:2] == [("WARN", "look"), ("INFO", "plain")]
    assert "is no JSON" in result.lines("WARN")[1]
    assert result.lines("INFO")[1:] == ["a ::{}:: b", "::[]::"]
    assert result.outputs["stdOutLineCount"] == 5


@pytest.mark.parametrize(
    "message",
    [
        {"outputs": [1]},
        {"metrics": [{"name": "x"}]},
        {"metrics": [{"name": "x", "type": "odd", "value": 1}]},
        {"metrics": ["x"]},
        {"metrics": [{"name": "x", "value": "abc"}]},
        {"logs": ["x"]},
        {"other": 1},
    ],
)
def test_malformed_protocol_is_reported_and_harmless(message: Any) -> None:
    result = run_task(python.Script, {"script": f"print({f'::{json.dumps(message)}::'!r})"})
    assert "was not understood" in result.lines("WARN")[0]
    assert result.warnings == []


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (r'{"outputs": {"a": "\ud800"}}', r"half a surrogate pair (\ud800)"),
        (r'{"outputs": {"\udfff": 1}}', "half a surrogate pair"),
        (r'{"logs": [{"message": "\ud800"}]}', "half a surrogate pair"),
        (r'{"metrics": [{"name": "\ud800", "value": 1}]}', "half a surrogate pair"),
        ('{"outputs": {"a": ' + "[" * 99 + "]" * 99 + "}}", "nested deeper than 100 levels"),
        ('{"outputs": {"a": 1' + "0" * 500 + "}}", "more than 400 digits"),
    ],
    ids=range(6),
)
def test_what_cannot_be_stored_is_reported_and_refused(message: str, reason: str) -> None:
    result = run_task(python.Script, {"script": f"print({f'::{message}::'!r})"})
    assert reason in result.lines("WARN")[0]
    assert len(result.lines("WARN")[0]) < 500
    assert result.outputs["vars"] == {}
    assert result.metrics == []


def test_whole_pairs_and_a_hundred_levels_are_fine() -> None:
    message = r'{"outputs": {"a": "\ud83d\ude00", "b": ' + "[" * 98 + "]" * 98 + "}}"
    result = run_task(python.Script, {"script": f"print({f'::{message}::'!r})"})
    assert result.lines("WARN") == []
    assert result.outputs["vars"]["a"] == "\U0001f600"


def test_python_is_the_python_of_the_worker() -> None:
    assert run_task(python.Script, {"script": "import sys; print(sys.prefix)"}).lines() == [sys.prefix]
    assert run_task(python.Commands, sh('python -c "import sys; print(sys.prefix)"')).lines() == [sys.prefix]
    both = {"script": "import sys; print(sys.prefix)", "beforeCommands": ["python -c 'import sys; print(sys.prefix)'"]}
    assert run_task(python.Script, both).lines() == [sys.prefix, sys.prefix]


def test_python_without_a_program_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "python3.99"
    odd.symlink_to(sys.executable)
    monkeypatch.setattr(sys, "executable", str(odd))
    result = run_task(python.Commands, sh("python -c 'print(6 * 7)'"), environment={"PATH": "/bin:/usr/bin"})
    assert result.lines() == ["42"]


def test_python_finds_its_input_files() -> None:
    script = {"script": "import helper; print(helper.x)", "inputFiles": {"helper.py": "x = 5"}}
    assert run_task(python.Script, script).lines() == ["5"]


def test_python_error() -> None:
    with pytest.raises(TaskError, match="exit code 1") as caught:
        run_task(python.Script, {"script": "x = 1\nraise ValueError('bad data')"})
    assert caught.value.details is not None
    assert "ValueError: bad data" in caught.value.details["stderr"]


def test_before_commands_that_fail_stop_the_script() -> None:
    with pytest.raises(TaskError, match="exit code 9"):
        run_task(python.Script, {"script": "print('never')", "beforeCommands": ["exit 9"]})


def test_lines_arrive_while_the_script_runs(tmp_path: Path) -> None:
    context = TestContext(tmp_path)
    script = "import time\nprint('started')\ntime.sleep(600)"
    failures: list[TaskError] = []

    def work() -> None:
        try:
            run_task(python.Script, {"script": script}, context=context)
        except TaskError as error:
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not context.logger.lines:
        assert thread.is_alive()
        thread.join(0.01)
    assert context.logger.lines == [("INFO", "started")]
    context.cancellation.request("timeout")
    thread.join(20)
    assert [failure.code for failure in failures] == ["GOV812"]
    assert list(context.working_dir.iterdir()) == []


def test_binary_output_and_other_encodings() -> None:
    result = run_task(shell.Commands, sh(r"printf '\377\376 caf\351\n\000\001\n'"))
    assert result.lines() == ["\ufffd\ufffd caf\ufffd", "\ufffd\x01"]


def test_published_docker_properties() -> None:
    notes = check(shell.Commands, sh("true", containerImage="ubuntu", docker={"image": "x"}, runner="PROCESS"))
    assert [note.split(":")[0] for note in notes] == ["runner", "docker", "container_image"]
    assert check(shell.Commands, sh("true", taskRunner={"type": "io.kestra.plugin.core.runner.Process"})) == []


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"taskRunner": {"type": "io.kestra.plugin.scripts.runner.docker.Docker"}}, "Remove `taskRunner`"),
        ({"taskRunner": {"type": "io.kestra.plugin.core.runner.Proces"}}, r"did you mean io\.kestra.*runner\.Process"),
        ({"taskRunner": {"type": "io.kestra.plugin.core.log.Log"}}, "no task runner of type"),
        ({"taskRunner": {}}, "a map with a `type`"),
        ({"taskRunner": {"type": "io.kestra.plugin.core.runner.Process", "memory": 1}}, "memory"),
        ({"runner": "DOCKER"}, "containers are not offered"),
        ({"namespaceFiles": {"enable": True}}, "namespaceFiles.enable"),
        ({"interpreter": []}, "name a program"),
    ],
)
def test_what_is_refused_at_check(props: dict[str, Any], message: str) -> None:
    with pytest.raises(TaskError, match=message):
        check(shell.Commands, sh("true", **props))


def test_the_worker_is_not_disturbed_by_signals_to_the_script() -> None:
    with pytest.raises(TaskError, match="SIGINT"):
        run_task(shell.Commands, sh(f"kill -{int(signal.SIGINT)} 0"))


@pytest.mark.parametrize(
    "needed", [["pytest"], ["pytest>=1", "pydantic"], [], ["nothing-like-it; python_version < '3'"]]
)
def test_a_python_script_runs_with_the_packages_that_are_there(needed: list[str]) -> None:
    assert run_task(python.Script, {"script": "print(1)", "dependencies": needed}).lines() == ["1"]


@pytest.mark.parametrize(
    ("needed", "named"),
    [
        ("nothing-like-it>=2", "nothing-like-it>=2"),
        ("pytest<1", "pytest<1 (there is "),
        ("git+https://x/y", "not the name"),
    ],
)
@pytest.mark.parametrize("kind", [python.Script, python.Commands])
def test_a_missing_package_is_told_at_check_and_fails_the_task_before_it_begins(
    kind: Any, needed: str, named: str, tmp_path: Path
) -> None:
    body = {"script": "open('ran', 'w')"} if kind is python.Script else {"commands": ["touch ran"]}
    properties = {**body, "dependencies": ["pytest", needed]}
    assert any(named in text for text in check(kind, properties))
    context = TestContext(tmp_path)
    with pytest.raises(TaskError) as caught:
        run_task(kind, properties, context=context)
    assert caught.value.code == "GOV180"
    assert named in caught.value.message
    assert not (context.working_dir / "ran").exists()
