"""A store of its own for each case, the service over it, and what happened there so far.

Everything goes through ``jupyter_gov.service``; verbs are looked up by name (``call``), so that a case which needs one
that does not exist says so instead of breaking the runner.
"""

from __future__ import annotations

import base64
import inspect
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_gov.domain.actor import Actor, Assurance
from jupyter_gov.domain.execution import Execution
from jupyter_gov.domain.flow import FlowRevision, LogLine
from jupyter_gov.errors import GovError
from jupyter_gov.service import open_gov
from jupyter_gov.service.api import Gov, StartRequest
from tests.conformance.failure import NotBuilt, Unmet
from tests.conformance.values import file_content, secret_value

ACTOR = Actor("conformance", "Conformance runner", frozenset({"approvers"}), Assurance.OS)
PATIENCE = 20.0
"""Seconds that one case may take."""
ADDRESS = "http://localhost:8081"
"""Where the test suite that the cases come from says that it is found (its ``kestra.url``)."""
QUIET = 3.0
"""Seconds without any change after which nothing more is expected to happen."""
SETTINGS: Mapping[str, str] = {
    "kestra.variables.globals": "globals",
    "kestra.encryption.secret-key": "encryption_key",
    "kestra.url": "url",
    "kestra.variables.recursive-rendering": "recursive_rendering",
}
"""Kestra's configuration -> ours."""
_PLACEHOLDER = re.compile(r"<([A-Za-z][^<>]*)>")


@dataclass
class World:
    """One case's surroundings.

    Attributes
    ----------
    main
        The execution that the case is about: the last one that an action made, unless the action says otherwise.
    first, second
        The one that was started first, and the one that ``start_second`` added.
    runs
        Every run of ``run_again``, the first one included.
    raised
        Why the start (or the trigger) was refused.
    deleted
        Whether an action deleted the execution that the case is about.
    saved
        Ids by the names that the case gave them.
    seen
        How many states an execution had gone through when it was last told to move on.
    """

    case: Mapping[str, Any]
    corpus: Path
    folder: Path
    url: str
    patch: pytest.MonkeyPatch
    main: Execution | None = None
    first: Execution | None = None
    second: Execution | None = None
    runs: list[Execution] = field(default_factory=list)
    before: Execution | None = None
    seen: dict[str, int] = field(default_factory=dict)
    raised: GovError | None = None
    triggered: bool = False
    deleted: bool = False
    saved: dict[str, str] = field(default_factory=dict)
    deadline: float = field(default_factory=lambda: time.monotonic() + PATIENCE)
    key: str = field(default_factory=lambda: base64.b64encode(os.urandom(32)).decode())
    _gov: Gov | None = None

    # --- opening ------------------------------------------------------------------------------------------------

    @property
    def gov(self) -> Gov:
        """The service, opened with the environment and the settings of the case."""
        if self._gov is None:
            self._environment()
            self._gov = open_gov(
                **{
                    "db_url": self.url,
                    "files_root": str(self.folder / "files"),
                    "run_as": ACTOR.id,
                    "encryption_key": self.key,
                    "url": ADDRESS,
                    **self._settings(),
                }
            )
            self._gov.start_loop(background=True)
        return self._gov

    def close(self) -> None:
        """Stop everything."""
        if self._gov is not None:
            self._gov.close()

    def _environment(self) -> None:
        for name, value in (self.case.get("env") or {}).items():
            self.patch.setenv(name, str(value))
        for name, value in (self.case.get("secrets") or {}).items():
            # With the line breaks of `base64`, which must not matter.
            encoded = base64.encodebytes(secret_value(str(value)).encode()).decode()
            self.patch.setenv(f"SECRET_{name.upper()}", encoded)

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = {}
        for name, value in (self.case.get("config") or {}).items():
            if name not in SETTINGS:
                raise Unmet(f"unknown config `{name}`")
            if name == "kestra.encryption.secret-key":
                self.key = "" if value is None else self.key
            settings[SETTINGS[name]] = self.key if name == "kestra.encryption.secret-key" else value
        known = _settings_of_ours()
        for name in settings:
            if name not in known:
                raise NotBuilt(f"the setting {name}")
        return settings

    # --- verbs --------------------------------------------------------------------------------------------------

    def call(self, verb: str, *args: Any, **kwargs: Any) -> Any:
        """Call a public verb such as ``executions.replay``.

        Raises
        ------
        NotBuilt
            There is none of this name, or it does not take this.
        """
        found: Any = self.gov
        for part in verb.split("."):
            found = getattr(found, part, None)
            if found is None:
                raise NotBuilt(f"gov.{verb}")
        try:
            inspect.signature(found).bind(*args, **kwargs)
        except TypeError as error:
            raise NotBuilt(f"gov.{verb}", str(error)) from error
        return found(*args, **kwargs)

    def register(self, source: str) -> FlowRevision:
        """Store a flow; a wrong one ends the case."""
        return self.gov.flows.register(source, ACTOR)

    def flow_text(self, path: str) -> str:
        """Return a flow file of the corpus."""
        return (self.corpus / "flows" / "valids" / path).read_text(encoding="utf-8")

    @property
    def source(self) -> str:
        """The text of the case's own flow."""
        inline = self.case.get("flow_inline")
        if inline is None:
            return self.flow_text(self.case["flow_file"])
        return inline if isinstance(inline, str) else str(yaml.safe_dump(inline, sort_keys=False))

    @property
    def place(self) -> tuple[str, str]:
        """Namespace and id of the case's own flow."""
        if "namespace" in self.case and "flow_id" in self.case:
            return str(self.case["namespace"]), str(self.case["flow_id"])
        written = yaml.safe_load(self.source)
        return str(written["namespace"]), str(written["id"])

    def put_file(self, name: str, content: str, within: str) -> str:
        """Write a file that an input may name, and return its path."""
        folder = self.folder / "given" / within
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    def request(self, flow: tuple[str, str] | None = None, **more: Any) -> StartRequest:
        """Return the start that the case describes; ``more`` replaces fields, for other flows than its own."""
        namespace, flow_id = flow or self.place
        own = flow is None
        inputs = {name: self._spelled(value) for name, value in (self.case.get("inputs") or {}).items()} if own else {}
        for name, spec in (self.case.get("files") or {}).items() if own else ():
            inputs[name] = self.put_file(spec.get("name", f"{name}.upl"), file_content(spec), name)
        fields: dict[str, Any] = {
            "inputs": inputs,
            "labels": dict(self.case.get("labels") or {}) if own else {},
            "workdir": str(self.folder),
            "trusted": not self.case.get("inputs_are_untyped_strings", False),
            **more,
        }
        try:
            return StartRequest(namespace, flow_id, **fields)
        except TypeError as error:
            raise NotBuilt("StartRequest", str(error)) from error

    def start(self, request: StartRequest) -> Execution:
        """Start an execution; it becomes the one that the case is about."""
        self.main = self.gov.executions.start(request, ACTOR)
        self.first = self.first or self.main
        return self.main

    def put_value(self, namespace: str, key: str, value: Any) -> None:
        """Store a value by key, as people do."""
        self.call("kv.set", namespace, key, value, ACTOR)

    def put_namespace_file(self, path: str, content: str) -> None:
        """Store a file of the flow's namespace, as people do."""
        self.call("namespace_files.put", self.place[0], path, content.encode(), ACTOR)

    # --- looking ------------------------------------------------------------------------------------------------

    @property
    def left(self) -> float:
        """Seconds that the case still has."""
        return max(self.deadline - time.monotonic(), 0.0)

    @property
    def subject(self) -> Execution:
        """The execution that the case is about."""
        if self.main is None:
            raise Unmet("there is no execution")
        return self.main

    def now(self, execution: Execution) -> Execution:
        """Return an execution as it is now."""
        return self.gov.executions.get(execution.id, ACTOR)

    def wait(self, execution: Execution, until: Callable[[Execution], bool], what: str) -> Execution:
        """Return an execution once ``until`` holds; the case ends if it does not in time."""
        found = self.gov.executions.wait(execution.id, ACTOR, until=until, timeout=self.left)
        if not until(found):
            raise Unmet(f"waited {PATIENCE:.0f} s for {what}: {describe(found)}")
        return found

    def all(self, flow_id: str | None = None, namespace: str | None = None) -> list[Execution]:
        """Return the executions of the store, oldest first."""
        found: list[str] = []
        last: str | None = None
        while page := self.gov.executions.list(ACTOR, before=last, limit=200):
            wanted = (one for one in page if flow_id in {None, one.flow_id} and namespace in {None, one.namespace})
            found += [one.id for one in wanted]
            last = page[-1].id
        return sorted((self.gov.executions.get(one, ACTOR) for one in found), key=lambda one: (one.created, one.id))

    def logs(self, execution: Execution) -> list[LogLine]:
        """Return all log lines of an execution."""
        found: list[LogLine] = []
        while lines := self.gov.executions.logs(execution.id, ACTOR, after=found[-1].id if found else 0):
            found += lines
        return found

    def eventually(self, check: Callable[[], list[str]]) -> list[str]:
        """Return what ``check`` finds wrong once nothing happens in the store any more, or as soon as nothing is."""
        seen: Any = None
        quiet = time.monotonic()
        while problems := check():
            now = [(one.id, one.version) for one in self.all()]
            if now != seen:
                seen, quiet = now, time.monotonic()
            if self.left == 0 or time.monotonic() - quiet > QUIET:
                return problems
            self.pass_time(0.05)
        return []

    def pass_time(self, seconds: float) -> None:
        """Let time pass, as a case asks."""
        time.sleep(min(seconds, self.left))

    # --- what matchers ask --------------------------------------------------------------------------------------

    def stored_text(self, uri: str) -> str:
        """Return the content of a stored file."""
        return self.gov.executions.file(self.subject.id, uri, ACTOR).read_text(encoding="utf-8")

    def secret(self, name: str) -> str:
        """Return a secret of the case."""
        return secret_value(str(self.case["secrets"][name]))

    def _spelled(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.spell(value)
        if isinstance(value, dict):
            return {key: self._spelled(item) for key, item in value.items()}
        return [self._spelled(item) for item in value] if isinstance(value, list) else value

    def spell(self, text: str) -> str:
        """Return a text with ``<parent execution id>`` and the like replaced by what they stand for."""
        return _PLACEHOLDER.sub(lambda found: self._named(found[1]) or found[0], text)

    def _named(self, name: str) -> str | None:
        if name in self.saved:
            return self.saved[name]
        if name in {"execution id", "executionId", "parent execution id"}:
            return self.subject.id
        if name == "first execution id":
            return None if self.first is None else self.first.id
        if name == "second execution id":
            return None if self.second is None else self.second.id
        if name == "child execution id":
            children = [one.id for one in self.all() if one.parent_id == self.subject.id]
            return children[0] if len(children) == 1 else None
        if found := re.fullmatch(r"task ?run id of (\S+)", name):
            runs = [run for run in self.subject.ordered() if run.task_id == found[1]]
            return runs[0].id if runs else None
        if found := re.fullmatch(r"id of task ?run (\d+)", name):
            ordered = self.subject.ordered()
            return ordered[int(found[1])].id if int(found[1]) < len(ordered) else None
        if found := re.fullmatch(r"execution id of (\S+)", name):
            others = [one.id for one in self.all() if one.flow_id == found[1] or one.flow_id.endswith(f"-{found[1]}")]
            return others[-1] if others else None
        return None


def describe(execution: Execution) -> str:
    """Return an execution in one line: its state, why it failed, the states of its task runs."""
    runs = " ".join(f"{run.task_id}={run.state}" for run in execution.ordered()[-12:])
    failure = f" {execution.failure.code} {execution.failure.message}" if execution.failure else ""
    return f"{execution.flow_id} is {execution.state}{failure} [{runs}]"


def is_ended(execution: Execution) -> bool:
    """Return whether an execution has ended."""
    return execution.state.is_terminal


def _settings_of_ours() -> frozenset[str]:
    from jupyter_gov.config import JupyterGov

    return frozenset(JupyterGov.class_own_traits(config=True))
