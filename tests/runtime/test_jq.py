"""The helper process of jq: it is kept, replaced when it is gone, and ends with the worker."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_gov.runtime import jq

BOUNDS = {"seconds": 3.0, "characters": 1_000_000}


@pytest.fixture
def helpers():
    jq._HELPERS.close()
    yield jq._HELPERS
    jq._HELPERS.close()


def idle(helpers) -> list[int]:
    return [helper.process.pid for helper in helpers._idle]


def test_one_helper_serves_program_after_program(helpers):
    assert jq.ask(".[0] + 1", "[1]", **BOUNDS).text == "[2]"
    (first,) = idle(helpers)
    for number in range(100):
        assert jq.ask(f".[0] + {number}", "[1]", **BOUNDS).text == f"[{number + 1}]"
    assert idle(helpers) == [first]


def test_the_helper_of_a_large_worker_is_kept():
    # What a process is told of its greatest size begins with that of the process that started it.
    code = (
        "large = bytearray(400 * 2**20)\n"
        "from jupyter_gov.runtime import jq\n"
        "jq.ask('.', 'null', seconds=3, characters=100)\n"
        "print(len(jq._HELPERS._idle))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT])
def test_a_helper_that_is_gone_is_replaced(helpers, number):
    jq.ask("1", "null", **BOUNDS)
    (pid,) = idle(helpers)
    os.kill(pid, number)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert jq.ask("2 + .", "3", **BOUNDS).text == "[5]"
    assert idle(helpers) != [pid]


def test_a_stopped_helper_does_not_stop_the_worker(helpers, monkeypatch):
    monkeypatch.setattr(jq, "_WALL", 0.5)
    jq.ask("1", "null", **BOUNDS)
    (pid,) = idle(helpers)
    os.kill(pid, signal.SIGSTOP)
    answer = jq.ask("1", "null", seconds=0.1, characters=1000)
    assert (answer.kind, idle(helpers)) == ("limit", [])
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_threads_do_not_wait_for_each_other(helpers):
    with ThreadPoolExecutor(8) as pool:
        slow = pool.submit(jq.ask, "def f: f; f", "null", seconds=2.0, characters=100)
        found = [pool.submit(jq.ask, f"{n} + .", "1", **BOUNDS) for n in range(50)]
        assert [one.result().text for one in found] == [f"[{n + 1}]" for n in range(50)]
        assert not slow.done()
        assert slow.result().kind == "limit"
    assert len(idle(helpers)) <= 2


def test_a_fork_has_helpers_of_its_own(helpers):
    jq.ask("1", "null", **BOUNDS)
    (mine,) = idle(helpers)
    pid = os.fork()
    if pid == 0:
        good = not idle(helpers) and jq.ask("2", "null", **BOUNDS).text == "[2]" and idle(helpers) != [mine]
        jq._HELPERS.close()
        os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert jq.ask("3", "null", **BOUNDS).text == "[3]"
    assert idle(helpers) == [mine]


def test_a_large_document_goes_in_and_out_and_its_memory_is_given_back(helpers):
    source = "[" + ",".join(f'"text number {n}"' for n in range(200_000)) + "]"
    answer = jq.ask("map(ascii_upcase)", source, seconds=20, characters=10_000_000)
    assert (answer.kind, answer.seconds > 0) == ("results", True)
    assert answer.text.startswith('[["TEXT NUMBER 0",')
    assert len(answer.text) > len(source)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
@pytest.mark.parametrize("how", ["os.kill(os.getpid(), 9)", "os.fork() or time.sleep(60); os.kill(os.getpid(), 9)"])
def test_the_helper_ends_with_its_worker_even_if_a_fork_lives_on(how):
    script = (
        "import os, time\nfrom jupyter_gov.runtime import jq\n"
        "jq.ask('1+.', '1', seconds=3, characters=100)\n"
        f"print(jq._HELPERS._idle[0].process.pid, flush=True)\n{how}\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True) as worker:
        pid = int(worker.stdout.readline())
        worker.wait(30)
        try:
            deadline = time.monotonic() + 20
            while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
                assert time.monotonic() < deadline
                time.sleep(0.02)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(worker.pid, signal.SIGKILL)


def test_the_helper_sees_neither_the_environment_nor_files(helpers, monkeypatch, tmp_path):
    monkeypatch.setenv("GOV_TEST_SECRET", "leaked")
    (tmp_path / "d.json").write_text('"leaked"')
    assert "leaked" not in jq.ask("env, $ENV", "null", **BOUNDS).text
    for program in (
        f'import "{tmp_path}/d" as $d; $d',
        f'include "{tmp_path}/d"; .',
        f'#\nimport "{tmp_path}/d" as $d; $d',
    ):
        answer = jq.ask(program, "null", **BOUNDS)
        assert (answer.kind, str(tmp_path) in answer.text) == ("program", False)
