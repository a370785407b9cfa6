"""Kernels that wait: fast, and never showing one run what another did."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.runtime.kernels import KernelPool
from jupyter_gov.runtime.kernelspecs import KernelWant, want
from jupyter_gov.runtime.notebook_engine import NotebookRunner
from jupyter_gov.runtime.watchdog import Watchdog
from tests.notebook.conftest import ENVIRONMENT, HAND_BACK, Bench, runs, until, write_notebook


@pytest.fixture
def pool() -> Iterator[KernelPool]:
    pool = KernelPool(refill_delay=0.0)
    yield pool
    pool.close()


def _install(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, argv: list[str], language: str = "python"
) -> None:
    kernel = folder / "share" / "kernels" / name
    kernel.mkdir(parents=True)
    spec = {"argv": argv, "display_name": name, "language": language}
    (kernel / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "share"))


def _want(folder: Path, **environment: str) -> KernelWant:
    return want("tester", "python3", folder, {**ENVIRONMENT, **environment})


def test_the_second_run_finds_a_kernel_ready(tmp_path: Path, pool: KernelPool) -> None:
    first = pool.take(_want(tmp_path), {}).result()
    assert not first.pooled
    pool.finish(first)
    until(lambda: pool.waiting() == 1)
    second = pool.take(_want(tmp_path), {}).result()
    assert second.pooled
    assert second.pid != first.pid
    pool.finish(second)
    until(lambda: not runs(first.pid))
    until(lambda: not runs(second.pid))


def test_another_identity_folder_kernel_or_environment_is_another_key(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    keys = {
        _want(tmp_path).key,
        _want(tmp_path / "other").key,
        _want(tmp_path, A="1").key,
        want("somebody", "python3", tmp_path, ENVIRONMENT).key,
    }
    assert len(keys) == 4
    before = _want(tmp_path / "other").key
    (tmp_path / "other").rename(tmp_path / "moved")
    (tmp_path / "other").mkdir()
    assert _want(tmp_path / "other").key != before


def test_kernels_that_wait_are_bounded_and_end(tmp_path: Path) -> None:
    pool = KernelPool(refill_delay=0.0, total=1, idle_seconds=1.0)
    try:
        for name in ("a", "b"):
            (tmp_path / name).mkdir()
            pool.finish(pool.take(_want(tmp_path / name), {}).result())
        until(lambda: pool.waiting() == 1)
        until(lambda: pool.waiting() == 0)
    finally:
        pool.close()


def test_a_kernel_that_died_while_it_waited_is_replaced(tmp_path: Path, pool: KernelPool) -> None:
    pool.warm(_want(tmp_path)).result()
    waiting = next(iter(pool._living))
    os.kill(waiting.pid, signal.SIGKILL)
    until(lambda: not runs(waiting.pid))
    kernel = pool.take(_want(tmp_path), {}).result()
    assert kernel.pid != waiting.pid
    pool.finish(kernel)


def test_giving_up_while_a_kernel_starts_keeps_it_for_the_next(tmp_path: Path, pool: KernelPool) -> None:
    taking = pool.take(_want(tmp_path), {"SECRET": "x"})
    taking.give_up()
    with pytest.raises(CancelledError):
        taking.result()
    kernel = pool.take(_want(tmp_path), {}).result()
    pool.finish(kernel)


def test_closing_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    pool = KernelPool(refill_delay=0.0)
    kernels = [pool.take(_want(tmp_path), {}).result() for _ in range(2)]
    pool.warm(_want(tmp_path)).result()
    assert pool._place is not None
    folder, pids = pool._place.folder, [kernel.pid for kernel in pool._living]
    assert len(pids) > len(kernels)
    pool.close()
    assert not folder.exists()
    assert not any(runs(pid) for pid in pids)
    with pytest.raises(TaskError):
        pool.take(_want(tmp_path), {})
    pool.finish(kernels[0])


@pytest.mark.parametrize("argv", [["false"], [sys.executable, "-c", "print('no luck'); raise SystemExit(3)"]])
def test_a_kernel_that_does_not_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: NotebookRunner, argv: list[str]
) -> None:
    _install(tmp_path, monkeypatch, "broken", argv)
    with pytest.raises(TaskError) as caught:
        Bench(tmp_path, engine).run("x = 1", kernelName="broken")
    assert caught.value.code == "GOV845"
    assert ("no luck" in caught.value.message) == (argv != ["false"])


SPOIL = HAND_BACK + textwrap.dedent("""\
    import os, sys, threading, time
    found = {
        "variable": globals().get("left"), "module": "antigravity_of_mine" in sys.modules,
        "env": os.environ.get("LEFT"), "secret": os.environ.get("TOKEN"), "cwd": os.getcwd(),
        "threads": [t.name for t in threading.enumerate() if t.name == "left"],
        "files": [fd for fd in os.listdir("/proc/self/fd") if "left.txt" in os.path.realpath("/proc/self/fd/" + fd)],
        "history": [line for line in get_ipython().history_manager.input_hist_raw[:-1] if line],
        "count": get_ipython().execution_count, "path": "left" in sys.path,
    }
    output(**found)
    left = 1  # SPOIL
    sys.modules["antigravity_of_mine"] = sys
    os.environ["LEFT"] = "1"
    sys.path.append("left")
    handle = open("left.txt", "w")
    threading.Thread(target=time.sleep, args=(1000,), name="left", daemon=True).start()
    os.chdir("/")
""")


def test_nothing_of_one_run_is_visible_in_the_next(bench: Bench) -> None:
    name = bench.notebook(SPOIL)
    context = bench.context(secrets={"TOKEN": "Zebra-123456"})
    first = bench.run(notebook=name, context=context, secrets=["TOKEN"]).outputs["outputs"]
    for _ in range(3):
        later = bench.run(notebook=name).outputs["outputs"]
        assert later == {**first, "secret": None}
    assert first["variable"] is None
    assert first["cwd"] == str((bench.folder / "start").resolve())


def test_what_the_pool_did_before_leaves_no_trace(bench: Bench) -> None:
    cell = HAND_BACK + (
        "import os\nusual = {'In', 'Out', 'exit', 'quit', 'get_ipython', 'open'}\n"
        "names = {n for n in dir() if not n.startswith('_')} - {'usual'} - usual\n"
        "raw = open('/proc/self/environ').read()\n"
        "output(names=sorted(names), secret='Zebra' in raw, history=len(In))"
    )
    context = bench.context(secrets={"TOKEN": "Zebra-123456"})
    result = bench.run(cell, context=context, secrets=["TOKEN"])
    assert result.outputs["outputs"] == {"names": ["metric", "os", "output"], "secret": False, "history": 2}
    assert bench.saved(result.outputs["notebook"]).cells[0].execution_count == 1


def test_several_notebooks_at_once(tmp_path: Path, engine: NotebookRunner) -> None:
    meeting = tmp_path / "meeting"
    meeting.mkdir()
    cell = HAND_BACK + textwrap.dedent(f"""\
        import os, time, pathlib
        (pathlib.Path({str(meeting)!r}) / who).touch()
        while len(os.listdir({str(meeting)!r})) < 3: time.sleep(.01)
        for line in range(50): print(who, line)
        output(who=who, cwd=os.getcwd())
    """)

    def one(who: str) -> tuple[dict[str, str], list[str]]:
        bench = Bench(tmp_path / who, engine)
        bench.folder.mkdir()
        result = bench.run(cell, parameters="who = ''", given={"who": who})
        return result.outputs["outputs"], result.lines("INFO")

    with ThreadPoolExecutor(3) as executor:
        for who, (outputs, lines) in zip("abc", executor.map(one, "abc"), strict=True):
            assert outputs == {"who": who, "cwd": str(tmp_path / who / "start")}
            assert lines == [f"{who} {line}" for line in range(50)]


def test_two_runs_of_one_folder_at_once(bench: Bench) -> None:
    name = bench.notebook(HAND_BACK + "import os\noutput(pid=os.getpid())")
    with ThreadPoolExecutor(4) as executor:
        pids = list(
            executor.map(
                lambda number: (
                    Bench(bench.folder, bench.engine)
                    .run(notebook=name, outputName=f"{number}.ipynb")
                    .outputs["outputs"]["pid"]
                ),
                range(4),
            )
        )
    assert len(set(pids)) == 4


def test_kernels_die_with_their_worker(tmp_path: Path) -> None:
    write_notebook(tmp_path / "n.ipynb", "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)")
    code = textwrap.dedent(f"""\
        import os, sys, threading
        from pathlib import Path
        from jupyter_gov.runtime.notebook_engine import NotebookRunner
        from jupyter_gov.runtime.watchdog import Watchdog
        from jupyter_gov.plugins.context import NotebookRequest
        from jupyter_gov.plugins.testing import TestCancellation
        here = Path({str(tmp_path)!r})
        class Events:
            def __getattr__(self, name): return lambda *a: None
        runner = NotebookRunner(identity="t", watchdog=Watchdog(), refill_delay=0.0)
        request = NotebookRequest(here / "n.ipynb", "n.ipynb", here, dict(os.environ))
        runner.pool.warm(runner.want(request)).result()
        (here / "waiting").write_text(" ".join(str(k.pid) for k in runner.pool._living))
        runner.run(request, target=here / "o.ipynb", cancellation=TestCancellation(), redact=str, events=Events())
    """)
    worker = subprocess.Popen([sys.executable, "-c", code])
    try:
        until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text())
    finally:
        worker.kill()
        worker.wait()
    pids = [int(pid) for name in ("pid", "waiting") for pid in (tmp_path / name).read_text().split()]
    until(lambda: not any(runs(pid) for pid in pids))


def test_the_watchdog_forgets_a_kernel_that_ended(tmp_path: Path) -> None:
    watchdog = Watchdog()
    runner = NotebookRunner(identity="tester", watchdog=watchdog)
    try:
        Bench(tmp_path, runner).run("x = 1")
        until(lambda: not watchdog._groups)
    finally:
        runner.close()
        watchdog.close()


def test_threads_end_with_the_pool(tmp_path: Path) -> None:
    runner = NotebookRunner(identity="tester")
    Bench(tmp_path, runner).run("x = 1")
    assert any(thread.name == "jupyter_gov-kernels" for thread in threading.enumerate())
    runner.close()
    runner.close()
    names = [thread.name for thread in threading.enumerate()]
    assert names.count("jupyter_gov-kernels") <= 1  # That of the session's engine.


def test_a_kernel_that_is_not_ours_to_prepare_starts_with_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: NotebookRunner
) -> None:
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    _install(tmp_path, monkeypatch, "other", argv, language="something")
    bench = Bench(tmp_path, engine)
    context = bench.context(secrets={"TOKEN": "Zebra-123456"})
    cell = HAND_BACK + "import os\noutput(found=open('/proc/self/environ').read().count('Zebra'))"
    for _ in range(2):
        result = bench.run(cell, kernelName="other", secrets=["TOKEN"], context=context)
        assert result.outputs["outputs"] == {"found": 1}


def test_a_kernel_of_another_language_waits_for_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pool: KernelPool
) -> None:
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    _install(tmp_path, monkeypatch, "other", argv, language="something")
    wanted = want("tester", "other", tmp_path, ENVIRONMENT)
    assert not wanted.poolable
    for _ in range(2):
        kernel = pool.take(wanted, {}).result()
        assert not kernel.pooled
        pool.finish(kernel)
    assert pool.waiting() == 0


def test_variables_that_python_reads_at_its_start_work(bench: Bench) -> None:
    library = bench.folder / "library"
    library.mkdir()
    (library / "from_python_path.py").write_text("HERE = 1\n")
    cell = HAND_BACK + "import os, time, from_python_path\noutput(zone=time.tzname[0], mine=os.environ['MINE'])"
    env = {"PYTHONPATH": str(library), "TZ": "UTC+3", "MINE": "x"}
    assert bench.run(cell, env=env).outputs["outputs"] == {"zone": "UTC", "mine": "x"}


def test_a_run_can_be_cancelled_while_its_kernel_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: NotebookRunner
) -> None:
    started = tmp_path / "started"
    code = f"open({str(started)!r}, 'w').close()\nimport time\ntime.sleep(1000)"
    _install(tmp_path, monkeypatch, "slow", [sys.executable, "-c", code, "ipykernel"])
    bench = Bench(tmp_path, engine)
    context = bench.context()

    def stop() -> None:
        until(started.exists)
        context.cancellation.request("killed")

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(TaskError) as caught:
        bench.run("x = 1", kernelName="slow", context=context)
    thread.join()
    assert caught.value.code == "GOV811"
