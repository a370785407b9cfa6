"""What the state tables hold, in the shape in which the history tells it; for ``audit verify``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Executable, Text, any_, bindparam, exists, func, literal, select

from jupyter_gov.audit.verify import Stored
from jupyter_gov.domain.canonical import digest
from jupyter_gov.store import commitments, flow_triggers, kv, namespace_files, tables
from jupyter_gov.store.codec import from_json, to_json
from jupyter_gov.store.commitments import CHANGING_DATA, CREATED, DECISION, FIXED_DATA, GATE, HOT, REVISION, RUN
from jupyter_gov.store.database import Tx
from jupyter_gov.store.statements import Name, Statement, columns

_executions = tables.ExecutionRow.__table__  # type: ignore[attr-defined]
_data = tables.ExecutionDataRow.__table__  # type: ignore[attr-defined]
_runs = tables.TaskRunRow.__table__  # type: ignore[attr-defined]
_items = tables.TaskRunItemsRow.__table__  # type: ignore[attr-defined]
_labels = tables.ExecutionLabelRow.__table__  # type: ignore[attr-defined]
_approvals = tables.ApprovalRow.__table__  # type: ignore[attr-defined]
_votes = tables.VoteRow.__table__  # type: ignore[attr-defined]
_flows = tables.FlowRevisionRow.__table__  # type: ignore[attr-defined]
_entries = tables.AuditEntryRow.__table__  # type: ignore[attr-defined]
_kv = tables.KeyValueRow.__table__  # type: ignore[attr-defined]
_shared = tables.NamespaceFileRow.__table__  # type: ignore[attr-defined]
_triggers = tables.TriggerRow.__table__  # type: ignore[attr-defined]

_VOTE = sorted(columns(tables.VoteRow))
_EXECUTION, _FLOW, _KV, _FILES, _TRIGGER = "execution/", "flow/", "kv/", "files/", "trigger/"
_SHOWN = 20


def _among(query: Any, column: Any) -> Statement:
    """Return a query for the rows whose ``column`` is one of any number of ids, as one statement for all numbers."""

    def build(name: Name) -> Executable:
        if name == "postgresql":
            among: ColumnElement[bool] = column == any_(bindparam("ids", type_=ARRAY(Text)))
        else:
            among = column.in_(select(func.json_each(bindparam("ids")).table_valued("value").c.value))
        found: Executable = query.where(among)
        return found

    return Statement(build)


_EXECUTIONS = _among(
    select(
        _executions.c.id,
        _executions.c.state,
        _executions.c.version,
        _executions.c.labels,
        *(_executions.c[name] for name in (*HOT, *CREATED)),
        *(_data.c[name] for name in (*FIXED_DATA, *CHANGING_DATA)),
    ).outerjoin_from(_executions, _data),
    _executions.c.id,
)
_RUNS = _among(
    select(
        *(
            _runs.c[name]
            for name in ("execution_id", "id", "task_id", "state", "attempts", "outputs_digest", "outputs")
        ),
        *(_runs.c[name] for name in RUN),
    ),
    _runs.c.execution_id,
)
_ITEMS = _among(
    select(_items.c.execution_id, _runs.c.id, _items.c["items"]).join_from(
        _items, _runs, (_runs.c.execution_id == _items.c.execution_id) & (_runs.c.seq == _items.c.seq)
    ),
    _items.c.execution_id,
)
_LABELS = _among(
    select(_labels.c.execution_id, _labels.c.key, _labels.c.value, _labels.c.created_us), _labels.c.execution_id
)
_APPROVALS = _among(
    select(
        *(_approvals.c[name] for name in ("execution_id", "id", "status", "subject_digest", "subject")),
        *(_approvals.c[name] for name in (*GATE, *DECISION)),
    ),
    _approvals.c.execution_id,
)
_VOTES = _among(
    select(_approvals.c.execution_id, *(_votes.c[name] for name in _VOTE)).join_from(_votes, _approvals),
    _approvals.c.execution_id,
)
_REVISIONS = Statement(
    select(_flows.c.revision, _flows.c.digest, _flows.c.source, *(_flows.c[name] for name in REVISION)).where(
        _flows.c.namespace == bindparam("ns"), _flows.c.flow_id == bindparam("flow")
    )
)


_KEY_VALUES = Statement(
    select(_kv.c.key, *(_kv.c[name] for name in kv.CONTENT)).where(_kv.c.namespace == bindparam("ns"))
)
_SHARED = Statement(
    select(_shared.c.path, *(_shared.c[name] for name in namespace_files.CONTENT)).where(
        _shared.c.namespace == bindparam("ns")
    )
)
_TRIGGERS = Statement(
    select(_triggers.c.trigger_id, *(_triggers.c[name] for name in flow_triggers.CONTENT)).where(
        _triggers.c.namespace == bindparam("ns"), _triggers.c.flow_id == bindparam("flow")
    )
)


def _unrecorded(stream: Any) -> Statement:
    return Statement(select(stream).distinct().where(~exists().where(_entries.c.stream == stream)).limit(_SHOWN))


_UNRECORDED = (
    _unrecorded(literal(_EXECUTION).concat(_executions.c.id)),
    _unrecorded(literal(_FLOW).concat(_flows.c.namespace).concat("/").concat(_flows.c.flow_id)),
    _unrecorded(literal(_KV).concat(_kv.c.namespace)),
    _unrecorded(literal(_FILES).concat(_shared.c.namespace)),
    _unrecorded(literal(_TRIGGER).concat(_triggers.c.namespace).concat("/").concat(_triggers.c.flow_id)),
)


class States:
    """Reads stored states in batches, with a cursor of its own inside the caller's transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = Tx(tx.cursor.connection.cursor(), tx.dialect, writing=False)

    def lookup(self, streams: Sequence[str]) -> dict[str, Stored]:
        """Return what is stored of each stream; one without stored state is left out."""
        ids = [name.removeprefix(_EXECUTION) for name in streams if name.startswith(_EXECUTION)]
        found = self._executions(ids) if ids else {}
        for name in streams:
            if name.startswith(_FLOW):
                stored = self._flow(name)
                if stored is not None:
                    found[name] = stored
            elif name.startswith((_KV, _FILES)):
                kind, _, space = name.partition("/")
                rows = self._tx.rows(_KEY_VALUES if kind == "kv" else _SHARED, {"ns": space})
                found[name] = Stored({"values": {key: [commitments.commit_to(content)] for key, *content in rows}})
            elif name.startswith(_TRIGGER):
                namespace, _, flow_id = name.removeprefix(_TRIGGER).rpartition("/")
                rows = self._tx.rows(_TRIGGERS, {"ns": namespace, "flow": flow_id})
                found[name] = Stored({"triggers": {key: [commitments.commit_to(content)] for key, *content in rows}})
        return found

    def unrecorded(self) -> list[str]:
        """Return up to 20 streams of each kind that have stored state but no entry at all."""
        return [row[0] for query in _UNRECORDED for row in self._tx.rows(query)]

    def _rows(self, query: Statement, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        return self._tx.rows(query, {"ids": to_json(ids) if self._tx.dialect == "sqlite" else list(ids)})

    def _executions(self, ids: Sequence[str]) -> dict[str, Stored]:
        found: dict[str, Stored] = {}
        hot = 4 + len(HOT)
        fixed = hot + len(CREATED) + len(FIXED_DATA)
        listed = self._labels(ids)
        for row in self._rows(_EXECUTIONS, ids):
            changes = {
                "execution": {"state": row[1], "version": row[2]},
                "row": commitments.commit_to(row[4:hot]),
                "created": commitments.commit_to(row[hot:fixed]),
                "data": commitments.commit_to(row[fixed:]),
                "labels": commitments.commit_to([row[3]]),
            }
            found[_EXECUTION + row[0]] = stored = Stored(changes, [])
            if row[3] != "[]" or row[0] in listed:
                created_us = row[hot + CREATED.index("created_us")]
                if listed.get(row[0], {}) != {key: (value, created_us) for key, value in _pairs(row[3])}:
                    _note(stored, "the rows by which its labels are found are not its labels: they were edited")
        present = [run_id for run_id in ids if _EXECUTION + run_id in found]  # rows may be left of a deleted one
        self._task_runs(found, present)
        self._gates(found, present)
        return found

    def _task_runs(self, found: dict[str, Stored], ids: Sequence[str]) -> None:
        for row in self._rows(_RUNS, ids):
            execution_id, run_id, task_id, state, attempts, told, outputs = row[:7]
            stored = found[_EXECUTION + execution_id]
            rest = commitments.commit_to_run(row[7:])
            stored.changes.setdefault("taskRuns", {})[run_id] = [task_id, state, _length(attempts), told, rest]
            if outputs is None:
                if told is not None:
                    _note(stored, f"the outputs of task run {run_id} are gone: they were edited")
            elif not _matches(outputs, told):
                _note(stored, f"the outputs of task run {run_id} do not match their digest: they were edited")
        for execution_id, run_id, items in self._rows(_ITEMS, ids):
            stored = found[_EXECUTION + execution_id]
            stored.changes.setdefault("items", {})[run_id] = [commitments.commit_to([items])]

    def _labels(self, ids: Sequence[str]) -> dict[str, dict[str, tuple[str, int]]]:
        found: dict[str, dict[str, tuple[str, int]]] = {}
        for execution_id, key, value, created_us in self._rows(_LABELS, ids):
            found.setdefault(execution_id, {})[key] = (value, created_us)
        return found

    def _gates(self, found: dict[str, Stored], ids: Sequence[str]) -> None:
        for row in self._rows(_APPROVALS, ids):
            execution_id, gate, status, told, subject = row[:5]
            decided = 5 + len(GATE)
            stored = found[_EXECUTION + execution_id]
            stored.changes.setdefault("approvals", {})[gate] = [status, told]
            stored.changes.setdefault("gates", {})[gate] = [commitments.commit_to(row[5:decided])]
            if status != "OPEN":
                stored.changes.setdefault("decisions", {})[gate] = [commitments.commit_to(row[decided:])]
            if not _matches(subject, told):
                _note(stored, f"the subject of approval {gate} does not match its digest: it was edited")
        for row in self._rows(_VOTES, ids):
            stored = found[_EXECUTION + row[0]]
            vote_id = row[1 + _VOTE.index("id")]
            stored.changes.setdefault("votes", {})[vote_id] = [commitments.commit_to(row[1:])]

    def _flow(self, stream: str) -> Stored | None:
        namespace, _, flow_id = stream.removeprefix(_FLOW).rpartition("/")
        rows = self._tx.rows(_REVISIONS, {"ns": namespace, "flow": flow_id})
        if not rows:
            return None
        beside = {row[0]: [commitments.revision(*row[3:])] for row in rows}
        stored = Stored({"revisions": {row[0]: [row[1]] for row in rows}, "registered": beside}, [])
        for number, told, source, *_ in rows:
            if told != "sha256:" + hashlib.sha256(source.encode()).hexdigest():
                _note(stored, f"the text of revision {number} does not match its digest: it was edited")
        return stored


def _note(stored: Stored, problem: str) -> None:
    stored.problems.append(problem)  # type: ignore[attr-defined]  # made as a list above


def _length(text: str) -> int:
    if text == "[]":
        return 0
    try:
        return len(from_json(text))
    except (ValueError, TypeError, RecursionError):
        return -1  # edited: it is no list, and no number that was told


def _pairs(text: str) -> Sequence[Sequence[str]]:
    try:
        found: Sequence[Sequence[str]] = from_json(text)
        return [(key, value) for key, value in found]
    except (ValueError, TypeError):
        return ()


def _matches(text: str, told: str | None) -> bool:
    # A small value is often in canonical form as it stands; then it need not be read.
    if told == "sha256:" + hashlib.sha256(text.encode()).hexdigest():
        return True
    try:
        return digest(from_json(text)) == told
    except (ValueError, RecursionError):
        return False
