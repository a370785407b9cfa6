"""Proof of death: only a process that is certainly gone loses its leases before they lapse."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jupyter_gov.domain.states import State
from jupyter_gov.runtime.owners import is_dead, new_owner
from tests.runtime.rig import Rig, chain


def _owner_of_another() -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from jupyter_gov.runtime.owners import new_owner as n; print(n(), flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_process_is_dead_when_it_is_gone_or_a_zombie() -> None:
    process, owner = _owner_of_another()
    try:
        assert not is_dead(owner)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert is_dead(owner)
        process.wait()
        assert is_dead(owner)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("change", ["another host", "another space", "no such form", "unknown start", "itself"])
def test_in_doubt_it_lives(change: str) -> None:
    host, pid, mark = new_owner().split("/")
    space, _, unique = mark.split(".")
    gone = f"{2**22 + 1}"
    owner = {
        "another host": f"not-{host}/{gone}/{mark}",
        "another space": f"{host}/{gone}/00000000.1.{unique}",
        "no such form": f"loop-{gone}",
        "unknown start": f"{host}/{gone}/{space}.-.{unique}",
        "itself": f"{host}/{pid}/{mark}",
    }[change]
    assert not is_dead(owner)


def test_a_number_that_was_given_away_again_is_no_sign_of_life() -> None:
    host, pid, mark = new_owner().split("/")
    space, _, unique = mark.split(".")
    assert is_dead(f"{host}/{pid}/{space}.1.{unique}")


def test_what_a_dead_process_owned_goes_on_before_its_lease_lapses(rig: Rig) -> None:
    process, owner = _owner_of_another()
    execution_id = rig.start(chain(2))
    with rig.store.write() as tx:
        assert rig.store.leases.claim(tx, execution_id, owner, 600) is not None
    rig.loop(owner=None)
    process.kill()
    process.communicate()
    assert rig.wait(execution_id).state is State.SUCCESS
