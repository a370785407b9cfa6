"""Child processes: lines, limits, and that nothing of a tree survives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.runtime import proctree
from jupyter_gov.runtime.clock import steady
from jupyter_gov.runtime.process import LineSplitter, ProcessRunner
from jupyter_gov.runtime.watchdog import Watchdog

ENV = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}

# Leaves its session and its parent, as daemons do.
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        open(sys.argv[1], "w").write(str(os.getpid()))
        {detach}
        time.sleep(600)
    os._exit(0)
os.wait()
{after}
"""
CLOSE = "os.close(0); os.close(1); os.close(2)"


class Stop:
    """A cancellation that a test requests."""

    def __init__(self) -> None:
        self._reason: str | None = None
        self._event = threading.Event()
        self._callbacks: list[Callable[[], None]] = []

    @property
    def requested(self) -> bool:
        return self._reason is not None

    @property
    def reason(self) -> str | None:
        return self._reason

    def raise_if_requested(self) -> None:
        if self._reason:
            raise TaskError(self._reason)

    def wait(self, seconds: float) -> bool:
        return self._event.wait(seconds)

    def on_request(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def request(self, reason: str) -> None:
        self._reason = reason
        self._event.set()
        for callback in self._callbacks:
            callback()


def alive(pid: int) -> bool:
    process = proctree.read_process(pid)
    return process is not None and not process.zombie


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def ignores(pid: int | None, number: int) -> bool:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(status["SigIgn"], 16) & 1 << (number - 1))


def read_pid(path: Path) -> int:
    assert until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


class Run:
    """One run of a command, its lines collected."""

    def __init__(self, tmp_path: Path, **limits: object) -> None:
        self.stop = Stop()
        self.runner = ProcessRunner(self.stop, **limits)  # type: ignore[arg-type]
        self.out: list[str] = []
        self.err: list[str] = []
        self.cwd = tmp_path

    def __call__(self, *command: str, env: dict[str, str] | None = None):
        return self.runner.run(
            command, cwd=self.cwd, env=env or ENV, on_stdout=self.out.append, on_stderr=self.err.append
        )

    def in_thread(self, *command: str) -> tuple[threading.Thread, list[TaskError]]:
        errors: list[TaskError] = []

        def work() -> None:
            try:
                self(*command)
            except TaskError as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        return thread, errors


def test_lines_and_exit_code_of_both_streams(tmp_path: Path) -> None:
    run = Run(tmp_path)
    result = run("sh", "-c", "echo one; echo two >&2; printf three; exit 7")
    assert (run.out, run.err) == (["one", "three"], ["two"])
    assert (result.exit_code, result.stdout_lines, result.stderr_lines) == (7, 2, 1)


def test_a_signal_shows_as_negative_exit_code(tmp_path: Path) -> None:
    assert Run(tmp_path)("sh", "-c", "kill -9 $$").exit_code == -9


def test_the_child_sees_only_its_environment_and_no_input(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run("sh", "-c", "cat; env | cut -d= -f1 | sort", env={"A": "1", "PATH": ENV["PATH"]})
    assert set(run.out) - {"_", "PWD", "OLDPWD", "SHLVL"} == {"A", "PATH", proctree.MARKER}


@pytest.mark.parametrize(
    ("fed", "lines"),
    [
        ([b"a\nb", b"c\n"], ["a", "bc"]),
        ([b"a\r\nb\r\n"], ["a", "b"]),
        ([b"1%\r2%\r3%\n"], ["3%"]),
        ([b"\xff\xfe\0\n"], ["\ufffd\ufffd\ufffd"]),
        (["é".encode()[:1], "é".encode()[1:] + b"\n"], ["é"]),
        ([b"0123456789abc", b"def\nx\n"], ["0123456789 … [6 bytes cut]", "x"]),
        ([b"10%\r", b"20%\r", b"30%\r", b"40%"], ["40%"]),
        ([b"\n\n"], ["", ""]),
    ],
)
def test_splitting(fed: list[bytes], lines: list[str]) -> None:
    got: list[str] = []
    splitter = LineSplitter(got.append, 10)
    for piece in fed:
        splitter.feed(piece)
    splitter.close()
    assert got == lines
    assert splitter.lines == len(lines)


def test_a_command_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match=r"no-such-program.*No such file") as caught:
        Run(tmp_path)("no-such-program")
    assert caught.value.code == "GOV810"


def test_arguments_too_big(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="too long") as caught:
        Run(tmp_path)("true", "x" * 3_000_000)
    assert caught.value.code == "GOV810"


def test_a_missing_working_directory(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="working directory"):
        Run(tmp_path / "gone")("true")


def test_gigabytes_are_stopped(tmp_path: Path) -> None:
    run = Run(tmp_path, output_limit=2**20, line_limit=2**16)
    with pytest.raises(TaskError, match="more than") as caught:
        run("sh", "-c", "cat /dev/zero")
    assert caught.value.code == "GOV813"


def test_endless_lines_are_stopped(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="more than 5000 lines") as caught:
        Run(tmp_path, count_limit=5000)("yes")
    assert caught.value.code == "GOV813"


@pytest.mark.parametrize(("reason", "code"), [("killed", "GOV811"), ("timeout", "GOV812"), ("lease", "GOV814")])
def test_cancelling_kills_what_ignores_sigterm(tmp_path: Path, reason: str, code: str) -> None:
    run = Run(tmp_path, grace=0.2)
    thread, errors = run.in_thread("sh", "-c", "trap '' TERM; echo up; while :; do sleep 1; done")
    assert until(lambda: run.out == ["up"])
    run.stop.request(reason)
    thread.join(10)
    assert [error.code for error in errors] == [code]


def test_a_polite_child_may_say_its_last_words(tmp_path: Path) -> None:
    run = Run(tmp_path, grace=10)
    thread, errors = run.in_thread("sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done")
    assert until(lambda: run.out == ["up"])
    run.stop.request("killed")
    thread.join(10)
    assert run.out == ["up", "bye"]
    assert [error.code for error in errors] == ["GOV811"]


def test_cancelled_before_the_start(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.stop.request("killed")
    with pytest.raises(TaskError) as caught:
        run("touch", "started")
    assert caught.value.code == "GOV811"
    assert not (tmp_path / "started").exists()


def test_cancelling_kills_a_daemon(tmp_path: Path) -> None:
    run = Run(tmp_path, grace=0.2)
    pid_file = tmp_path / "pid"
    script = DAEMON.format(detach=CLOSE, after="time.sleep(600)")
    thread, _ = run.in_thread(sys.executable, "-c", script, str(pid_file))
    pid = read_pid(pid_file)
    run.stop.request("killed")
    thread.join(10)
    assert until(lambda: not alive(pid))


def test_the_end_of_the_command_kills_a_daemon(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    Run(tmp_path)(sys.executable, "-c", DAEMON.format(detach=CLOSE, after=""), str(pid_file))
    assert not alive(read_pid(pid_file))


def test_a_daemon_that_holds_the_streams_does_not_hold_us(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    begin = time.monotonic()
    Run(tmp_path)(sys.executable, "-c", DAEMON.format(detach="pass", after=""), str(pid_file))
    assert time.monotonic() - begin < 5
    assert not alive(read_pid(pid_file))


def test_a_daemon_without_environment_is_found_while_its_parent_lives(tmp_path: Path) -> None:
    run = Run(tmp_path, grace=0.2)
    code = "import os,time; open('pid','w').write(str(os.getpid())); time.sleep(600)"
    script = f'setsid env -i {sys.executable} -c "{code}"'
    thread, _ = run.in_thread("sh", "-c", script + " & wait")
    pid = read_pid(tmp_path / "pid")
    run.stop.request("killed")
    thread.join(10)
    assert until(lambda: not alive(pid))


def test_a_bomb_of_forks_is_killed(tmp_path: Path) -> None:
    # Each process leaves its session and starts the next one, so that no group holds them.
    bomb = (
        "import os, sys, time\n"
        "print('boom', flush=True)\n"
        "for _ in range(400):\n"
        "    if os.fork():\n"
        "        time.sleep(0.02); os._exit(0)\n"
        "    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(600)\n"
        "time.sleep(600)\n"
    )
    run = Run(tmp_path, grace=0.1)
    marker = f"{proctree.MARKER}={run.runner._token}."
    thread, _ = run.in_thread(sys.executable, "-c", bomb + "time.sleep(600)")
    assert until(lambda: bool(run.out))
    thread.join(0.2)
    run.stop.request("timeout")
    thread.join(20)
    assert not thread.is_alive()
    assert proctree.members(frozenset(), marker) == []


def test_a_callback_that_fails_kills_the_child(tmp_path: Path) -> None:
    def fail(_line: str) -> None:
        raise TaskError("log is full")

    with pytest.raises(TaskError, match="log is full"):
        ProcessRunner(Stop()).run(
            ["sh", "-c", "echo $$ > pid; echo x; sleep 600"], cwd=tmp_path, env=ENV, on_stdout=fail, on_stderr=fail
        )
    assert not alive(read_pid(tmp_path / "pid"))


def test_no_descriptors_are_left(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run("true")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        run("true")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


WORKER = """
import os, sys, time
from pathlib import Path
from jupyter_gov.runtime.clock import steady
from jupyter_gov.runtime.process import ProcessRunner
from jupyter_gov.runtime.watchdog import Watchdog
from tests.tasks.test_process import ENV, Stop
begin = steady()
watchdog = Watchdog(lambda: begin + {ttl} if {ttl} else None)
if {fork}:
    watchdog.register(os.getpgrp()); watchdog.release(os.getpgrp())
    if os.fork() == 0: time.sleep(20); os._exit(0)
runner = ProcessRunner(Stop(), watchdog=watchdog)
runner.run([sys.executable, "-c", {script!r}, sys.argv[1]], cwd=Path.cwd(), env=ENV, on_stdout=print, on_stderr=print)
"""


def start_worker(
    tmp_path: Path, *, ttl: float | None = None, fork: bool = False
) -> tuple[subprocess.Popen[bytes], int]:
    script = DAEMON.format(detach=CLOSE, after="time.sleep(600)")
    code = WORKER.format(ttl=ttl, fork=fork, script=script)
    pid_file = tmp_path / "pid"
    worker = subprocess.Popen([sys.executable, "-c", code, str(pid_file)], start_new_session=True)
    return worker, read_pid(pid_file)


@pytest.mark.parametrize("fork", [False, True])
def test_children_die_with_a_killed_worker(tmp_path: Path, fork: bool) -> None:
    worker, daemon = start_worker(tmp_path, fork=fork)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert until(lambda: not alive(daemon))
    proctree.kill(frozenset({worker.pid}), None)


def test_children_die_when_a_stopped_worker_misses_its_beats(tmp_path: Path) -> None:
    worker, daemon = start_worker(tmp_path, ttl=1.0)
    os.kill(worker.pid, signal.SIGSTOP)
    assert until(lambda: not alive(daemon))
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait(10) == 0  # Its child was killed under it; the worker itself goes on.


def test_beats_keep_children_alive(tmp_path: Path) -> None:
    until_when = [steady() + 2.0]
    watchdog = Watchdog(lambda: until_when[0])
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        watchdog.register(child.pid)
        end = time.monotonic() + 4
        while time.monotonic() < end:
            until_when[0] = steady() + 2.0
            watchdog.beat()
            time.sleep(0.1)
        assert child.poll() is None
        assert until(lambda: child.poll() is not None)  # Nobody beats any more.
    finally:
        child.kill()
        child.wait()
        watchdog.close()


def test_a_child_that_starts_late_does_not_outlive_the_lease() -> None:
    """The lease is as old as its last renewal, however young the child is."""
    ends = steady() + 1.5
    watchdog = Watchdog(lambda: ends)
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        assert until(lambda: steady() > ends - 0.3)
        watchdog.register(child.pid)
        assert until(lambda: child.poll() is not None)
        assert ends <= steady() < ends + 1.0
    finally:
        child.kill()
        child.wait()
        watchdog.close()


def test_children_without_a_lease_live_as_long_as_their_worker() -> None:
    trusted: list[float | None] = [steady() + 1.0]
    watchdog = Watchdog(lambda: trusted[0])
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        watchdog.register(child.pid)
        ends, trusted[0] = trusted[0], None
        watchdog.beat()
        assert until(lambda: ends is not None and steady() > ends + 0.5)
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
        watchdog.close()


def test_a_released_group_lives_on() -> None:
    watchdog = Watchdog()
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watchdog.register(child.pid)
    watchdog.release(child.pid)
    watchdog.close()
    assert child.poll() is None
    child.kill()
    child.wait()


def test_a_killed_helper_is_replaced() -> None:
    watchdog = Watchdog()
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watchdog.register(child.pid)
    first = watchdog.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert until(lambda: not alive(first))
    watchdog.beat()
    assert watchdog.pid != first
    watchdog.close()
    assert until(lambda: child.poll() is not None)


def test_the_helper_survives_signals_to_the_terminal() -> None:
    watchdog = Watchdog()
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watchdog.register(child.pid)
    assert watchdog.pid is not None
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    assert until(lambda: all(ignores(watchdog.pid, number) for number in signals))
    for number in signals:
        os.kill(watchdog.pid, number)
    watchdog.close()
    assert until(lambda: child.poll() is not None)


def test_what_is_registered_dies_although_the_helper_died_first() -> None:
    watchdog = Watchdog()
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    watchdog.register(child.pid)
    helper = watchdog.pid
    assert helper is not None
    os.kill(helper, signal.SIGKILL)
    assert until(lambda: not alive(helper))
    watchdog.close()
    assert until(lambda: child.poll() is not None)
