"""The schema: one SQLModel class per table, private to the store.

Table classes do not validate what they are given, so no row ever leaves this package: values cross as domain
objects. Times are integer microseconds since 1970 UTC (exact on both databases), JSON is text that we write.
Names carry the prefix ``gov_`` because teams share PostgreSQL databases with tools that own ``metrics`` and
``executions`` already.
"""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Boolean, Float, Index, Integer, MetaData, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

HEAD = "0003"
"""Newest revision in ``migrations/versions``; a test holds it to the files."""

VERSION_TABLE = "gov_schema_version"
"""Where alembic notes the revision; its usual table name is taken by other tools that share a database."""

ACTIVE_STATES = ("CREATED", "RUNNING", "RESTARTED", "KILLING")
"""States in which an execution has work to do by itself, without waiting for a person, a timer or another one."""

ACTIVE_SQL = "state IN ('" + "', '".join(ACTIVE_STATES) + "')"

_Id = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER is SQLite's own row number


class Base(SQLModel):
    """Holds the store's own metadata: the user's notebook may define SQLModel tables of the same names."""

    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _text(**options: Any) -> Any:
    return Field(sa_type=Text, **options)


def _big(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


def _execution(**options: Any) -> Any:
    return Field(sa_type=Text, foreign_key="gov_executions.id", ondelete="CASCADE", **options)


def _auto_id() -> Any:
    return Field(default=None, sa_type=_Id, primary_key=True)


class FlowRevisionRow(Base, table=True):
    """One immutable text of a flow."""

    __tablename__ = "gov_flow_revisions"

    namespace: str = _text(primary_key=True)
    flow_id: str = _text(primary_key=True)
    revision: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    source: str = _text()
    digest: str = _text()
    author: str = _text()
    created_us: int = _big()
    allow_unknown_types: bool = Field(default=False, sa_type=Boolean)


class ExecutionRow(Base, table=True):
    """What changes with every step of an execution, and what lists show; kept small, since it is rewritten often."""

    __tablename__ = "gov_executions"
    __table_args__ = (
        # Each list is a union over states of the newest rows, so that every filter walks one of these.
        Index("ix_gov_executions_state", "state", "created_us", "id"),
        Index("ix_gov_executions_namespace", "namespace", "state", "created_us", "id"),
        Index("ix_gov_executions_flow", "namespace", "flow_id", "state", "created_us", "id"),
        Index("ix_gov_executions_starter", "starter", "state", "created_us", "id"),
        Index(
            "ix_gov_executions_active",
            "run_as",
            "created_us",
            sqlite_where=text(ACTIVE_SQL),
            postgresql_where=text(ACTIVE_SQL),
        ),
        Index(
            "ix_gov_executions_lease_owner",
            "lease_owner",
            sqlite_where=text("lease_owner IS NOT NULL"),
            postgresql_where=text("lease_owner IS NOT NULL"),
        ),
        Index("ix_gov_executions_parent_id", "parent_id"),
    )

    id: str = _text(primary_key=True)
    namespace: str = _text()
    flow_id: str = _text()
    flow_revision: int
    flow_digest: str = _text()
    state: str = _text()
    version: int = _big()
    created_us: int = _big()
    ended_us: int | None = _big(default=None)
    run_as: str = _text()
    starter: str = _text()
    fence: int = _big(default=0)
    lease_owner: str | None = _text(default=None)
    lease_expires_us: int | None = _big(default=None)
    next_seq: int
    history: str = _text()
    frame: str = _text()
    labels: str = _text()
    parent_id: str | None = _text(default=None)
    parent_task_run_id: str | None = _text(default=None)
    original_id: str | None = _text(default=None)
    supersedes: str | None = _text(default=None)
    workdir: str | None = _text(default=None)


class ExecutionDataRow(Base, table=True):
    """The large values of an execution, written at its start and its end."""

    __tablename__ = "gov_execution_data"

    execution_id: str = _execution(primary_key=True)
    inputs: str = _text()
    trigger: str | None = _text(default=None)
    variables: str = _text()
    outputs: str | None = _text(default=None)
    failure: str | None = _text(default=None)


class ExecutionLabelRow(Base, table=True):
    """One label of an execution, for lists that filter by it."""

    __tablename__ = "gov_execution_labels"
    __table_args__ = (Index(None, "key", "value", "created_us"),)

    execution_id: str = _execution(primary_key=True)
    key: str = _text(primary_key=True)
    value: str = _text()
    created_us: int = _big()


class TaskRunRow(Base, table=True):
    """One run of one task; rows of an execution lie together, in order of creation."""

    __tablename__ = "gov_task_runs"

    execution_id: str = _execution(primary_key=True)
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    id: str = _text()
    task_id: str = _text()
    parent_id: str | None = _text(default=None)
    value: str | None = _text(default=None)
    iteration: int | None = None
    path: str = _text()
    branch: str = _text()
    index: int
    state: str = _text()
    started_us: int = _big()
    ended_us: int | None = _big(default=None)
    history: str = _text()
    attempts: str = _text()
    frame: str | None = _text(default=None)
    outputs: str | None = _text(default=None)
    outputs_digest: str | None = _text(default=None)
    failure: str | None = _text(default=None)


class TaskRunItemsRow(Base, table=True):
    """The values that a loop walks; apart, because the loop's own row is rewritten at every iteration."""

    __tablename__ = "gov_task_run_items"

    execution_id: str = _execution(primary_key=True)
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    items: str = _text()


class ApprovalRow(Base, table=True):
    """A human gate."""

    __tablename__ = "gov_approvals"
    __table_args__ = (
        Index("ix_gov_approvals_status", "status", "opened_us"),
        Index("ix_gov_approvals_execution_id", "execution_id", "status"),
    )

    id: str = _text(primary_key=True)
    execution_id: str = _execution()
    task_run_id: str = _text()
    task_id: str = _text()
    namespace: str = _text()
    flow_id: str = _text()
    status: str = _text()
    version: int
    opened_us: int = _big()
    deadline_us: int | None = _big(default=None)
    behavior: str = _text()
    title: str = _text()
    description: str = _text()
    subject: str = _text()
    subject_digest: str = _text()
    form: str = _text()
    artefacts: str = _text()
    assignment: str = _text()
    status_us: int | None = _big(default=None)
    status_by: str | None = _text(default=None)
    reason: str | None = _text(default=None)
    inputs: str = _text()


class VoteRow(Base, table=True):
    """One person's answer to a gate."""

    __tablename__ = "gov_votes"
    __table_args__ = (Index("ix_gov_votes_approval_id", "approval_id", "at_us"),)

    id: str = _text(primary_key=True)
    approval_id: str = Field(sa_type=Text, foreign_key="gov_approvals.id", ondelete="CASCADE")
    actor_id: str = _text()
    actor_name: str = _text()
    assurance: str = _text()
    verdict: str = _text()
    at_us: int = _big()
    subject_digest: str = _text()
    reason: str | None = _text(default=None)
    inputs: str = _text()


class InboxRow(Base, table=True):
    """An event that waits for the loop which owns the execution; deleted by the commit that applies it."""

    __tablename__ = "gov_inbox"
    __table_args__ = (Index("ix_gov_inbox_execution_id", "execution_id"), {"sqlite_autoincrement": True})

    id: int | None = _auto_id()
    execution_id: str = _execution()
    kind: str = _text()
    data: str = _text()


class TimerRow(Base, table=True):
    """Something that happens to an execution at a time, unless its state has moved on by then."""

    __tablename__ = "gov_timers"
    __table_args__ = (Index("ix_gov_timers_due", "run_as", "due_us"),)

    execution_id: str = _execution(primary_key=True)
    id: str = _text(primary_key=True)
    task_run_id: str | None = _text(default=None)
    kind: str = _text()
    due_us: int = _big()
    state_version: int
    run_as: str = _text()


class LogRow(Base, table=True):
    """One log line."""

    __tablename__ = "gov_logs"
    __table_args__ = (Index("ix_gov_logs_execution_id", "execution_id", "id"), {"sqlite_autoincrement": True})

    id: int | None = _auto_id()
    execution_id: str = _text()
    task_run_id: str | None = _text(default=None)
    task_id: str | None = _text(default=None)
    attempt: int | None = None
    level: str = _text()
    at_us: int = _big()
    message: str = _text()
    commit_xid: int = _big(default=0)


class MetricRow(Base, table=True):
    """One number that a task reported."""

    __tablename__ = "gov_metrics"
    __table_args__ = (Index("ix_gov_metrics_execution_id", "execution_id"), {"sqlite_autoincrement": True})

    id: int | None = _auto_id()
    execution_id: str = _text()
    task_run_id: str | None = _text(default=None)
    task_id: str | None = _text(default=None)
    name: str = _text()
    type: str = _text()
    value: float = Field(sa_type=Float)
    tags: str = _text()
    at_us: int = _big()


class OutboxRow(Base, table=True):
    """A note for watchers that something changed; it only says "read again".

    ``commit_xid`` (PostgreSQL) lets a reader skip rows of transactions that are not yet certain, because numbers
    are given out in another order than transactions commit.
    """

    __tablename__ = "gov_outbox"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: int | None = _auto_id()
    topic: str = _text()
    namespace: str | None = _text(default=None)
    flow_id: str | None = _text(default=None)
    execution_id: str | None = _text(default=None)
    state: str | None = _text(default=None)
    version: int = _big(default=0)
    at_us: int = _big()
    commit_xid: int = _big(default=0)


class AuditActorRow(Base, table=True):
    """Who stands behind a pseudonym; emptied when a person is to be forgotten."""

    __tablename__ = "gov_audit_actors"
    __table_args__ = (UniqueConstraint("actor_id"),)

    actor_ref: str = _text(primary_key=True)
    actor_id: str | None = _text(default=None)


class AuditEntryRow(Base, table=True):
    """One link of a hash chain; triggers refuse to change or delete it."""

    __tablename__ = "gov_audit_entries"
    __table_args__ = (
        UniqueConstraint("stream", "seq"),
        UniqueConstraint("stream", "prev_hash"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = _auto_id()
    stream: str = _text()
    seq: int = _big()
    prev_hash: str = _text()
    leaf_hash: str = _text()
    ts_us: int = _big()
    actor_ref: str = Field(sa_type=Text, foreign_key="gov_audit_actors.actor_ref")
    action: str = _text()
    subject: str = _text()
    body_digest: str = _text()


class AuditBodyRow(Base, table=True):
    """What an entry commits to by digest; apart and salted, so that it can be erased without breaking the chain."""

    __tablename__ = "gov_audit_bodies"

    entry_id: int = Field(
        sa_type=_Id,
        primary_key=True,
        foreign_key="gov_audit_entries.id",
        sa_column_kwargs={"autoincrement": False},
    )
    salt: str | None = _text(default=None)
    body: str | None = _text(default=None)


class KeyValueRow(Base, table=True):
    """One value of a namespace.

    ``salt`` is part of what the history commits to: the digest of a short value would give it away by trying.
    """

    __tablename__ = "gov_kv"

    namespace: str = _text(primary_key=True)
    key: str = _text(primary_key=True)
    type: str = _text()
    value: str = _text()
    salt: str = _text()
    created_us: int = _big()
    updated_us: int = _big()
    expires_us: int | None = _big(default=None)
    version: int = _big()


class NamespaceFileRow(Base, table=True):
    """Which content a file of a namespace has now."""

    __tablename__ = "gov_namespace_files"

    namespace: str = _text(primary_key=True)
    path: str = _text(primary_key=True)
    digest: str = _text()
    size: int = _big()
    updated_us: int = _big()


class DeletedFileRow(Base, table=True):
    """A file of an execution that is not to be read any more; its content may be that of other files too."""

    __tablename__ = "gov_deleted_files"
    __table_args__ = (Index("ix_gov_deleted_files_execution_id", "execution_id"),)

    uri: str = _text(primary_key=True)
    execution_id: str = _execution()
    deleted_us: int = _big()


class TriggerRow(Base, table=True):
    """A trigger of a flow's newest revision, and where it stands.

    ``next_us`` and ``watches`` are null while it does not fire: it is turned off (``disabled``), or the flow's text
    says so (``off``).
    """

    __tablename__ = "gov_triggers"
    __table_args__ = (
        Index("ix_gov_triggers_due", "run_as", "next_us"),
        # Asked with every change of state of every execution: it has to be cheap where nobody watches.
        Index(
            "ix_gov_triggers_watching",
            "namespace",
            sqlite_where=text("watches IS NOT NULL"),
            postgresql_where=text("watches IS NOT NULL"),
        ),
    )

    namespace: str = _text(primary_key=True)
    flow_id: str = _text(primary_key=True)
    trigger_id: str = _text(primary_key=True)
    type: str = _text()
    revision: int
    definition: str = _text()
    run_as: str = _text()
    author: str = _text()
    off: int
    disabled: int
    concurrent: int
    watches: str | None = _text(default=None)
    stops: str = _text()
    next_us: int | None = _big(default=None)
    last_us: int | None = _big(default=None)
    running: str | None = _text(default=None)
    windows: str = _text()
    backfill: str | None = _text(default=None)
    version: int = _big()


class TriggerEventRow(Base, table=True):
    """A state that an execution reached and a trigger watches; deleted by the transaction that acts on it."""

    __tablename__ = "gov_trigger_events"
    __table_args__ = (
        Index("ix_gov_trigger_events_trigger", "namespace", "flow_id", "trigger_id", "id"),
        Index("ix_gov_trigger_events_execution_id", "execution_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = _auto_id()
    namespace: str = _text()
    flow_id: str = _text()
    trigger_id: str = _text()
    execution_id: str = _execution()
    moment: int
    state: str = _text()
    at_us: int = _big()
