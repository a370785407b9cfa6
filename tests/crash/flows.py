"""Flows whose tasks leave a trace each time they run."""

from __future__ import annotations

from pathlib import Path


def inline(trace: Path, tasks: int = 6) -> str:
    """Return a chain of tasks that the loop runs itself."""
    body = "".join(f"  - {{id: trace{n}, type: probe.Blink, file: '{trace}'}}\n" for n in range(tasks))
    return f"id: inline\nnamespace: crash\ntasks:\n{body}"


def worker(trace: Path, tasks: int = 4, seconds: float = 0.01) -> str:
    """Return a chain of tasks that a worker runs."""
    body = "".join(
        f"  - {{id: trace{n}, type: probe.Touch, file: '{trace}', seconds: {seconds}}}\n" for n in range(tasks)
    )
    return f"id: worker\nnamespace: crash\ntasks:\n{body}"


def mixed(trace: Path) -> str:
    """Return a flow with branches, a loop, a call, a timed wait and a retry around traced tasks."""
    return f"""\
id: mixed
namespace: crash
tasks:
  - {{id: trace_first, type: probe.Touch, file: '{trace}'}}
  - id: both
    type: io.kestra.plugin.core.flow.Parallel
    tasks:
      - {{id: trace_left, type: probe.Touch, file: '{trace}', seconds: 0.02}}
      - {{id: trace_right, type: probe.Blink, file: '{trace}'}}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: ["a", "b", "c"]
    concurrencyLimit: 2
    tasks:
      - {{id: trace_each, type: probe.Touch, file: '{trace}'}}
  - id: pause
    type: io.kestra.plugin.core.flow.Pause
    delay: PT0.05S
  - id: call
    type: io.kestra.plugin.core.flow.Subflow
    namespace: crash
    flowId: inline
  - id: soft
    type: probe.Fail
    allowFailure: true
    retry: {{type: constant, interval: PT0.05S, maxAttempts: 2}}
  - {{id: trace_last, type: probe.Blink, file: '{trace}'}}
"""


def looped(trace: Path) -> str:
    """Return a loop of isolated iterations, two at a time, each of a task by a worker and one by the loop itself."""
    return f"""\
id: looped
namespace: crash
tasks:
  - id: loop
    type: io.kestra.plugin.core.flow.Loop
    values: [a, b, a]
    concurrencyLimit: 2
    outputs:
      - {{id: which, value: "{{{{ item.index }}}}{{{{ item.value }}}}"}}
    tasks:
      - {{id: trace_one, type: probe.Touch, file: '{trace}'}}
      - {{id: trace_two, type: probe.Blink, file: '{trace}'}}
"""


def once(trace: Path) -> str:
    """Return a flow whose task must not be repeated by itself."""
    return f"""\
id: once
namespace: crash
tasks:
  - {{id: trace_once, type: probe.Once, file: '{trace}', seconds: 0.3}}
"""


def poison(trace: Path) -> str:
    """Return a flow whose task ends the process of every worker that runs it."""
    return f"""\
id: poison
namespace: crash
tasks:
  - {{id: trace_poison, type: probe.Poison, file: '{trace}', retry: {{type: constant, interval: PT0.01S, maxAttempts: 99}}}}
"""
