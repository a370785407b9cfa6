"""What the processes of ``test_races`` do; each call waits for a common moment, so that they really meet."""

from __future__ import annotations

import os
import time
from dataclasses import replace

from jupyter_gov.domain.approval import ApprovalStatus
from jupyter_gov.errors import ConflictError, StoreError
from jupyter_gov.store import Store
from tests.contract import build


def _meet(start: float) -> None:
    time.sleep(max(0.0, start - time.time()))


def open_fresh(url: str, files: str, start: float) -> str:
    """Open a file that nobody has created yet."""
    _meet(start)
    with Store.open(url, files_root=files) as store, store.read() as tx:
        return f"{len(store.executions.list(tx))} executions"


def append(url: str, files: str, start: float, times: int) -> int:
    """Append to one stream as fast as possible."""
    with Store.open(url, files_root=files) as store:
        _meet(start)
        for number in range(times):
            fact = build.fact("raced", f"process-{os.getpid()}", n=number)
            store.retrying(lambda tx, fact=fact: store.audit_log.append(tx, "admin", [fact]))  # type: ignore[misc]
    return times


def introduce(url: str, files: str, start: float, times: int) -> int:
    """Append to streams of one's own, each time as an actor whom nobody has met before."""
    with Store.open(url, files_root=files) as store:
        _meet(start)
        for number in range(times):
            fact = replace(build.fact("raced", f"process-{os.getpid()}", n=number), actor=f"new-{number}")
            stream = f"own/{os.getpid()}/{number}"
            store.retrying(lambda tx, fact=fact, stream=stream: store.audit_log.append(tx, stream, [fact]))  # type: ignore[misc]
    return times


def advance(url: str, files: str, start: float, execution_id: str, times: int) -> int:
    """Carry one execution on without a lease; return how many steps were lost to others."""
    lost = 0
    with Store.open(url, files_root=files) as store:
        _meet(start)
        while times:
            with store.read() as tx:
                run = store.executions.load(tx, execution_id)
            assert run is not None
            step = build.step(run, build.task_run(run, run.next_seq))
            try:
                with store.write() as tx:
                    store.executions.commit(tx, step, expected_version=run.version)
                times -= 1
            except ConflictError:
                lost += 1
            except StoreError as error:
                if error.code != "GOV713":
                    raise
    return lost


def claim(url: str, files: str, start: float, execution_ids: list[str]) -> list[tuple[str, int]]:
    """Claim whatever can be had."""
    won, owner = [], f"process-{os.getpid()}"
    with Store.open(url, files_root=files) as store:
        _meet(start)
        for execution_id in execution_ids:
            fence = store.retrying(lambda tx, one=execution_id: store.leases.claim(tx, one, owner, 60))  # type: ignore[misc]
            if fence is not None:
                won.append((execution_id, fence))
    return won


def decide(url: str, files: str, start: float, approval_id: str, status: str) -> bool:
    """Decide a gate; return whether this process was the one."""
    with Store.open(url, files_root=files) as store:
        _meet(start)
        try:
            store.retrying(
                lambda tx: store.approvals.decide(
                    tx,
                    approval_id,
                    expected_version=0,
                    status=ApprovalStatus(status),
                    by=f"process-{os.getpid()}",
                    at=build.T0,
                    reason=None,
                    inputs=None,
                    vote=None,
                    facts=(build.fact(f"approval.{status.lower()}"),),
                    event=None,
                )
            )
        except ConflictError:
            return False
    return True


def consume(url: str, files: str, start: float, execution_id: str, inbox_id: int) -> bool:
    """Apply an event; return whether this process was the one."""
    with Store.open(url, files_root=files) as store:
        with store.read() as tx:
            run = store.executions.load(tx, execution_id)
        assert run is not None
        # A step that changes nothing has no version to protect it: only the event itself does.
        step = replace(build.step(run), facts=(), execution=run)
        _meet(start)
        try:
            store.retrying(
                lambda tx: store.executions.commit(tx, step, expected_version=run.version, consumed_inbox=(inbox_id,))
            )
        except ConflictError:
            return False
    return True


if __name__ == "__main__":
    import sys

    append(sys.argv[1], sys.argv[2], 0.0, 1_000_000)
