"""A process that tries the cases of some seeds, within limits that the system holds: ``child SECONDS MEGABYTES CORPUS``.

Seeds come by line on the standard input; for each it writes ``begin SEED`` and a line of JSON. A case that uses more
CPU time than it may, or sleeps too long, ends the process with a trace of where it was; the parent goes on in a new one.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

from tests.bad_input.fuzz import cases
from tests.bad_input.fuzz.probe import Probe

WARM_UP = 40
"""Seeds below zero that are tried before limits hold: what is loaded once does not count for a case."""


def main() -> None:
    """Try what the parent asks for."""
    seconds, megabytes, corpus = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3] or None
    warnings.simplefilter("error")
    for number in (signal.SIGPROF, signal.SIGUSR2):
        # The trace is written, then the default action ends the process, also inside of C code.
        signal.signal(number, signal.SIG_DFL)
        faulthandler.register(number, all_threads=True, chain=True)
    with tempfile.TemporaryDirectory(prefix="gov-fuzz-") as folder:
        probe = Probe(Path(folder))
        for seed in range(-WARM_UP, 0):
            tried(probe, cases.make(seed, corpus))
        for line in sys.stdin:
            seed = int(line)
            print(f"begin {seed}", flush=True)
            made = cases.make(seed, corpus)
            most = _status("VmSize") * 1024 + megabytes * 1024 * 1024
            resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
            Path("/proc/self/clear_refs").write_text("5")  # the peak of memory is counted from here
            signal.setitimer(signal.ITIMER_PROF, seconds)
            outcome = tried(probe, made)
            signal.setitimer(signal.ITIMER_PROF, 0)
            resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            print(json.dumps({**outcome, "seed": seed, "kind": made.kind, "mb": _status("VmHWM") / 1024}), flush=True)
        probe.close()


def tried(probe: Probe, case: cases.Case) -> dict[str, Any]:
    """Return how far a case came, how long it took, and what went wrong."""
    begun, used = time.perf_counter(), time.process_time()
    outcome: dict[str, Any] = {"came": {}, "crash": None}
    try:
        outcome["came"] = probe.run(case)
    except BaseException as error:  # noqa: BLE001 - this is what is looked for, a MemoryError or RecursionError too
        outcome["crash"] = "".join(traceback.format_exception(error))[-6000:]
    outcome["cpu"] = time.process_time() - used
    outcome["wall"] = time.perf_counter() - begun
    return outcome


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
