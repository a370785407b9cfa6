"""Runs one task of a flow on a real store and loop, and says how it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from jupyter_gov.domain.execution import Execution, TaskRun
from jupyter_gov.store import Store
from tests.runtime.rig import Rig, run_of

SPACE = "io.kestra.test"


class Alone:
    """A store with a loop; ``run`` makes a flow of a task."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._flows = 0

    def flow(self, *tasks: Mapping[str, Any], namespace: str = SPACE, **flow: Any) -> str:
        """Return the text of a flow with these tasks, called t0, t1 …"""
        self._flows += 1
        listed = [{"id": f"t{number}", **task} for number, task in enumerate(tasks)]
        return yaml.safe_dump(
            {"id": f"f{self._flows}", "namespace": namespace, **flow, "tasks": listed}, sort_keys=False
        )

    def execution(self, *tasks: Mapping[str, Any], inputs: Mapping[str, Any] | None = None, **flow: Any) -> Execution:
        """Run these tasks one after the other."""
        flow.setdefault("inputs", [{"id": name, "type": "JSON"} for name in inputs or {}] or None)
        text = self.flow(*tasks, **{name: value for name, value in flow.items() if value is not None})
        return self.rig.wait(self.rig.start(text, inputs))

    def run(self, kind: str, inputs: Mapping[str, Any] | None = None, **props: Any) -> TaskRun:
        """Run one task."""
        return run_of(self.execution({"type": f"io.kestra.plugin.core.{kind}", **props}, inputs=inputs), "t0")

    def outputs(self, kind: str, inputs: Mapping[str, Any] | None = None, **props: Any) -> dict[str, Any]:
        """Run one task that must succeed, and return its outputs."""
        run = self.run(kind, inputs, **props)
        assert run.failure is None, run.failure
        return dict(run.outputs or {})

    def failure(self, kind: str, inputs: Mapping[str, Any] | None = None, **props: Any) -> tuple[str, str]:
        """Run one task that must fail, and return code and message."""
        run = self.run(kind, inputs, **props)
        assert run.failure is not None, run.outputs
        return run.failure.code, run.failure.message


@contextmanager
def alone(folder: Path, **options: Any) -> Iterator[Alone]:
    """Open a store in a folder and start a loop on it."""
    with Store.open(folder / "store.db", files_root=folder / "files") as store:
        rig = Rig(store, folder)
        rig.loop(**options)
        try:
            yield Alone(rig)
        finally:
            rig.close()
