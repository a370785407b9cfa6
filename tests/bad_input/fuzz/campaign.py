"""Runs many cases in child processes and says what became of them."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 2.0
MEGABYTES = 500
_SILENT = 30.0
"""Seconds on the clock after which a case that uses no CPU time is taken to hang; the machine may be busy."""
_START = 120.0


@dataclass
class Figures:
    """What became of a run.

    Attributes
    ----------
    slowest
        The largest CPU times, with their seeds.
    crashes
        By seed: what went wrong.
    """

    first_seed: int
    last_seed: int
    cases: int = 0
    parsed: int = 0
    checked: int = 0
    valid: int = 0
    stepped: int = 0
    real: int = 0
    rendered: int = 0
    slowest: list[tuple[float, int]] = field(default_factory=list)
    slowest_wall: float = 0.0
    peak_mb: float = 0.0
    kinds: dict[str, int] = field(default_factory=dict)
    crashes: dict[int, str] = field(default_factory=dict)

    def add(self, outcome: dict[str, Any]) -> None:
        """Count a case."""
        self.cases += 1
        self.kinds[outcome["kind"]] = self.kinds.get(outcome["kind"], 0) + 1
        for name, reached in outcome["came"].items():
            setattr(self, name, getattr(self, name) + reached)
        self.slowest = sorted([*self.slowest, (round(outcome["cpu"], 3), outcome["seed"])], reverse=True)[:5]
        self.slowest_wall = max(self.slowest_wall, round(outcome["wall"], 3))
        self.peak_mb = max(self.peak_mb, round(outcome["mb"], 1))
        if outcome["crash"]:
            self.crashes[outcome["seed"]] = outcome["crash"]

    def lost(self, seed: int, why: str) -> None:
        """Count a case that took its process with it."""
        self.cases += 1
        self.crashes[seed] = why

    def to_json(self) -> dict[str, Any]:
        """Return the figures for a report."""
        return asdict(replace(self, kinds=dict(sorted(self.kinds.items()))))


class Child:
    """One process; ``ask`` tries a seed."""

    def __init__(self, corpus: str | None) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the child
        command = [sys.executable, "-m", "tests.bad_input.fuzz.child", str(SECONDS), str(MEGABYTES), corpus or ""]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER_GOV_", "SECRET_"))
        }
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=environment,
        )
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        assert self._process.stdout is not None
        threading.Thread(target=_read, args=(self._process.stdout, self._lines), daemon=True).start()

    def ask(self, seed: int) -> dict[str, Any] | str:
        """Return the outcome of a case, or why the process is gone."""
        pipe = self._process.stdin
        assert pipe is not None
        try:
            pipe.write(f"{seed}\n")
            pipe.flush()
        except BrokenPipeError:
            return self._end("it ended before the case")
        limit = _START
        while True:
            try:
                line = self._lines.get(timeout=limit)
            except queue.Empty:
                self._process.send_signal(signal.SIGUSR2)
                return self._end(f"silent for {limit:.0f} s")
            if line is None:
                return self._end("it ended")
            if not line.startswith("begin "):
                outcome: dict[str, Any] = json.loads(line)
                return outcome
            limit = _SILENT

    def _end(self, why: str) -> str:
        code = self._process.wait(60)
        self._errors.seek(0)
        name = signal.Signals(-code).name if code < 0 else str(code)
        return f"{why} ({name}{', more CPU time than allowed' if name == 'SIGPROF' else ''})\n{self._errors.read()[-6000:]}"

    def close(self) -> None:
        """Let the process end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()


def _read(pipe: IO[str], into: queue.SimpleQueue[str | None]) -> None:
    for line in pipe:
        into.put(line)
    into.put(None)


def run(first: int, count: int, *, corpus: str | None = None, processes: int = 2) -> Figures:
    """Try the cases of ``count`` seeds from ``first`` on."""
    figures = Figures(first, first + count - 1)
    lock, seeds = threading.Lock(), iter(range(first, first + count))

    def work() -> None:
        child = Child(corpus)
        try:
            for seed in _shared(seeds, lock):
                outcome = child.ask(seed)
                with lock:
                    if isinstance(outcome, str):
                        figures.lost(seed, outcome)
                    else:
                        figures.add(outcome)
                if isinstance(outcome, str):
                    child.close()
                    child = Child(corpus)
        finally:
            child.close()

    threads = [threading.Thread(target=work) for _ in range(processes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return figures


def _shared(seeds: Iterable[int], lock: threading.Lock) -> Iterable[int]:
    while True:
        with lock:
            seed = next(iter(seeds), None)
        if seed is None:
            return
        yield seed
