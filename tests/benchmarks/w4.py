"""W4: from a decision to the next task's start: here, from another process, by REST; what 1,000 open gates hold."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from jupyter_gov.domain.approval import Approval, Verdict
from jupyter_gov.domain.flow import ExecutionFilter
from jupyter_gov.domain.states import State
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import Gov
from tests.benchmarks.common import ACTOR, Bench, bench, percentile

Answer = Callable[[Approval], datetime]
"""Approves a gate and returns when the call was made."""
Way = Callable[[Bench, Gov], AbstractContextManager[Answer]]
"""From where the gates are answered; the given service carries the executions on."""

FLOW = """\
id: gated
namespace: bench
tasks:
  - id: gate
    type: io.kestra.plugin.core.flow.Pause
  - id: after
    type: io.kestra.plugin.core.debug.Return
"""
_TIMES = 20
_GATES = 1_000
_PATIENCE = 60.0
_ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def service(made: Bench) -> Iterator[Gov]:
    """Open the service over the store of the workload."""
    gov = open_gov(**_settings(made))
    try:
        yield gov
    finally:
        gov.close()


def _settings(made: Bench) -> dict[str, str]:
    return {"db_url": made.url, "files_root": str(made.folder / "files"), "run_as": made.run_as}


def decide(gov: Gov, approval_id: str, subject_digest: str) -> datetime:
    """Approve a gate as the faces do and return when the call was made."""
    called = datetime.now(UTC)
    gov.approvals.decide(approval_id, Verdict.APPROVE, ACTOR, subject_digest=subject_digest)
    return called


@contextlib.contextmanager
def here(_made: Bench, gov: Gov) -> Iterator[Answer]:
    """Answer in the process that carries the execution on."""
    yield lambda gate: decide(gov, gate.id, gate.subject_digest)


@contextlib.contextmanager
def elsewhere(made: Bench, _gov: Gov) -> Iterator[Answer]:
    """Answer in another process on the same store."""
    command = [sys.executable, "-m", "tests.benchmarks.w4", json.dumps(_settings(made))]
    environment = {**os.environ, "PYTHONPATH": str(_ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT, env=environment
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        wishes, replies = other.stdin, other.stdout

        def answer(gate: Approval) -> datetime:
            wishes.write(json.dumps([gate.id, gate.subject_digest]) + "\n")
            wishes.flush()
            return datetime.fromisoformat(json.loads(replies.readline()))

        replies.readline()
        yield answer
        wishes.close()


@contextlib.contextmanager
def by_rest(made: Bench, _gov: Gov) -> Iterator[Answer]:
    """Answer through the extension of a Jupyter server, which leaves the execution to this process."""
    token = secrets.token_hex(16)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/jupyter-gov/api/v1"
    with (
        _server(made, port, token) as server,
        httpx.Client(headers={"Authorization": f"token {token}"}, trust_env=False, timeout=30) as client,
    ):
        _until_it_answers(server, client, f"{url}/health")

        def answer(gate: Approval) -> datetime:
            body = {"verdict": str(Verdict.APPROVE), "subjectDigest": gate.subject_digest}
            called = datetime.now(UTC)
            client.post(f"{url}/approvals/{gate.id}/decision", json=body).raise_for_status()
            return called

        yield answer


@contextlib.contextmanager
def _server(made: Bench, port: int, token: str) -> Iterator[subprocess.Popen[bytes]]:
    home = made.folder / "server"
    home.mkdir()
    settings = {f"JUPYTER_GOV_{name.upper()}": value for name, value in _settings(made).items()}
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    words = (
        *("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        *(f"--ServerApp.root_dir={home}", "--ServerApp.jpserver_extensions={'jupyter_gov': True}"),
    )
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *words],
            env={**os.environ, **settings, **folders, "JUPYTER_TOKEN": token, "JUPYTER_GOV_BACKGROUND_LOOP": "false"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield server
    finally:
        server.terminate()
        server.wait(30)


def _until_it_answers(server: subprocess.Popen[bytes], client: httpx.Client, url: str) -> None:
    end = time.monotonic() + _PATIENCE
    while True:
        with contextlib.suppress(httpx.TransportError):
            client.get(url).raise_for_status()
            return
        if server.poll() is not None or time.monotonic() > end:
            raise TimeoutError("the Jupyter server does not answer")
        time.sleep(0.05)


def _delay_ms(made: Bench, execution_id: str, called: datetime) -> float:
    while True:
        with made.store.read() as tx:
            execution = made.store.executions.load(tx, execution_id)
        assert execution is not None
        if execution.state.is_terminal:
            after = execution.find("after")
            assert after is not None
            return 1000 * (after.attempts[0].history.started - called).total_seconds()
        time.sleep(0.005)


def _paused(made: Bench, count: int) -> list[str]:
    revision, flow = made.register(FLOW)
    loop = made.loop()
    loop.start()
    ids = [made.start(revision, flow) for _ in range(count)]
    loop.wake()
    while True:
        with made.store.read() as tx:
            counts = made.store.executions.count_by_state(tx, ExecutionFilter(states=frozenset({State.PAUSED})))
        if counts.get(State.PAUSED, 0) >= count:
            break
        time.sleep(0.01)
    loop.stop()
    return ids


def delays(made: Bench, way: Way, times: int = _TIMES) -> dict[str, float]:
    """Answer so many gates and return from the calls to the next tasks' starts."""
    ids = _paused(made, times)
    with service(made) as gov:
        gov.start_loop()
        with way(made, gov) as answer:
            time.sleep(0.2)
            # Whoever answers has read the gate before; what they wait for begins with the answer.
            gates = [gov.approvals.list(ACTOR, execution_id=execution_id)[0].approval for execution_id in ids]
            found = [_delay_ms(made, gate.execution_id, answer(gate)) for gate in gates]
    return {f"p{part}_ms": round(percentile(found, part / 100), 2) for part in (50, 95, 99)}


def _now() -> dict[str, float]:
    gc.collect()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "threads": threading.active_count(),
        "processes": len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        "open_files": len(list(Path("/proc/self/fd").iterdir())),
        "rss_mb": int(status["VmRSS"].split()[0]) / 1024,
    }


def _held(made: Bench) -> dict[str, Any]:
    """Compare the same process with one open gate and with a thousand, a loop running."""
    loop = made.loop()
    loop.start()
    revision, flow = made.register(FLOW)
    found = []
    for wanted in (50, _GATES):
        for _ in range(wanted):
            made.start(revision, flow)
        loop.wake()
        while True:
            with made.store.read() as tx:
                counts = made.store.executions.count_by_state(tx, ExecutionFilter(flow_id="gated"))
            if set(counts) <= {State.PAUSED, State.SUCCESS}:
                break
            time.sleep(0.02)
        time.sleep(0.3)
        found.append(_now())
    cpu = time.process_time()
    time.sleep(3)
    idle = time.process_time() - cpu
    loop.stop()
    return {
        **{f"more_{name}": round(found[1][name] - found[0][name], 2) for name in found[0]},
        "idle_cpu_percent": round(100 * idle / 3, 3),
    }


def run(store_url: str | None) -> dict[str, Any]:
    """Measure."""
    with bench(store_url) as made:
        return {
            "same_process": delays(made, here),
            "other_process": delays(made, elsewhere),
            "rest": delays(made, by_rest),
            f"{_GATES}_gates_hold": _held(made),
        }


def _decider() -> None:
    gov = open_gov(**json.loads(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(decide(gov, *json.loads(line)).isoformat()), flush=True)
    gov.close()


if __name__ == "__main__":
    _decider()
