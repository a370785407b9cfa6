"""What the notebook widget shows: one JSON document per moment of an execution.

``kernel/display/snapshot.py`` makes it, the ``snapshot`` trait of ``ExecutionWidget`` carries it to the browser, and
``labextension/src/model/snapshot.ts`` is the same shape in TypeScript. Every text is already rendered, masked and cut
to a bounded length; the browser only escapes and lays out. Times are ISO 8601 with an offset; names are camelCase,
as everywhere on the wire.
"""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict

SERVER_PATH = "/jupyter-gov/api/v1"
"""Where the server extension answers, below the base URL of the Jupyter server."""


class NamedText(TypedDict):
    """A value shown under its name; ``truncated`` says that only the beginning of ``text`` is here.

    Texts that are not strings in the flow are written as JSON (indented when long).
    """

    name: str
    text: str
    truncated: bool


class ExecutionSnapshot(TypedDict):
    """The run itself."""

    id: str
    flow: str
    namespace: str
    revision: int
    digest: str
    state: str
    created: str
    ended: str | None
    starter: str
    runAs: str
    inputs: list[NamedText]
    outputs: list[NamedText]
    failure: FailureSnapshot | None
    labels: dict[str, str]


class FailureSnapshot(TypedDict):
    """Why something failed; ``details`` is text for a ``<pre>`` (traceback, failing cell)."""

    code: str
    message: str
    hint: NotRequired[str | None]
    details: NotRequired[str | None]


class GraphNode(TypedDict):
    """A task of the flow; ``id`` is the task id, ``parent`` the id of the flowable that holds it.

    ``kind``: ``task``, ``gate`` (a Pause) or ``group`` (a flowable with children).
    """

    id: str
    label: str
    type: str
    kind: Literal["task", "gate", "group"]
    parent: str | None


class GraphSnapshot(TypedDict):
    """Topology of the flow: the same for every snapshot of one revision; edges are ``[from, to, label]``."""

    nodes: list[GraphNode]
    edges: list[tuple[str, str, str]]


class ProgressSnapshot(TypedDict):
    """How far a running task is; ``total`` 0 means that nobody knows."""

    done: int
    total: int
    label: str


class LogSnapshot(TypedDict):
    """One line of a log; ``id`` grows with time within the execution."""

    id: int
    level: str
    at: str
    message: str


class TaskSnapshot(TypedDict):
    """One task run, in order of creation; a task not reached yet has none (the graph shows it as waiting).

    ``value`` is the loop value, ``depth`` the nesting below flowables (0 = top), ``logs`` the newest lines and
    ``logTotal`` how many there are.
    """

    id: str
    taskId: str
    type: str
    value: str | None
    depth: int
    parentId: str | None
    state: str
    started: str | None
    ended: str | None
    attempts: int
    failure: FailureSnapshot | None
    outputs: list[NamedText]
    progress: ProgressSnapshot | None
    logs: list[LogSnapshot]
    logTotal: int


class FormField(TypedDict):
    """One ``onResume`` input; ``type`` is the upper-case type of the language (``SELECT``, ``BOOL``, …).

    ``defaults`` is the value to show at first (JSON); ``values`` the choices of SELECT and MULTISELECT;
    ``minimum``/``maximum`` for numbers, dates and times, as written.
    """

    id: str
    type: str
    label: str
    description: str | None
    required: bool
    defaults: Any
    values: list[str] | None
    allowCustomValue: bool
    minimum: NotRequired[str | float | None]
    maximum: NotRequired[str | float | None]
    validator: NotRequired[str | None]


class UpstreamDigest(TypedDict):
    """The outputs of one task run, to which the gate's subject commits by their digest.

    ``outputs`` is None when they cannot be shown: not at hand, or no longer those that the digest is of. ``logs`` are
    the newest lines of the run, for reading only: the digest does not cover them.
    """

    name: str
    digest: str
    outputs: list[NamedText] | None
    logs: list[LogSnapshot]
    logTotal: int


class SubjectSnapshot(TypedDict):
    """What exactly is approved."""

    revision: int
    digest: str
    inputs: list[NamedText]
    upstream: list[UpstreamDigest]


class AssignmentSnapshot(TypedDict):
    """Who may answer; both empty: whoever has the approver role."""

    users: list[str]
    groups: list[str]


class VoteSnapshot(TypedDict):
    """One person's answer."""

    by: str
    at: str
    verdict: str
    reason: str | None
    assurance: str


class ApprovalSnapshot(TypedDict):
    """A gate.

    ``taskRunId`` ties it to its task; ``verdicts`` lists what this gate lets a person answer (``approve``,
    ``reject``, perhaps ``ask_for_changes``); ``canDecide``/``whyNot`` are for the person who looks at it from the
    kernel (the server decides anew for who is signed in). After the decision ``status``, ``statusBy``, ``statusAt``,
    ``reason``, ``answers`` and ``auditSeq`` (number of the audit entry within the execution's stream) say how it ended.
    """

    id: str
    taskId: str
    taskRunId: str
    status: str
    title: str
    description: str
    artefacts: list[NamedText]
    form: list[FormField]
    verdicts: list[str]
    subjectDigest: str
    subject: SubjectSnapshot
    openedAt: str
    deadline: str | None
    behavior: str
    assignment: AssignmentSnapshot
    votes: list[VoteSnapshot]
    canDecide: bool
    whyNot: str | None
    statusBy: str | None
    statusAt: str | None
    reason: str | None
    answers: list[NamedText]
    auditSeq: int | None


class MessageSnapshot(TypedDict):
    """Something to tell the reader besides: a warning of the check, a hint what to do."""

    level: Literal["info", "warning", "error"]
    text: str
    hint: NotRequired[str | None]


class ViewerSnapshot(TypedDict):
    """As whom somebody acts, and how that is known (``browser``, ``token``, ``os``, ``anonymous``)."""

    id: str
    name: str
    assurance: str


class Snapshot(TypedDict):
    """The whole view.

    Attributes
    ----------
    approvals
        All gates of the execution, in order of opening; several may be open at once.
    verbs
        What the viewer may ask for now: ``kill``, ``restart``.
    viewer
        As whom the kernel acts, for pages that reach no server of ours.
    serverPath
        ``SERVER_PATH``; the browser tries it first and falls back to the kernel.
    """

    execution: ExecutionSnapshot
    graph: GraphSnapshot
    tasks: list[TaskSnapshot]
    approvals: list[ApprovalSnapshot]
    messages: list[MessageSnapshot]
    verbs: list[Literal["kill", "restart"]]
    updatedAt: str
    viewer: ViewerSnapshot | None
    serverPath: str


class WidgetRequest(TypedDict):
    """What the browser sends to the kernel (``model.send``) for a button that needs the kernel.

    ``decide``, ``kill`` and ``restart`` come only when the server extension cannot be reached; the kernel's owner then
    acts (assurance ``os``), and the page has said so. The kernel answers every request with a ``WidgetReply`` of the
    same ``requestId``.
    """

    action: Literal["decide", "kill", "restart", "refresh"]
    requestId: str
    approvalId: NotRequired[str]
    verdict: NotRequired[str]
    reason: NotRequired[str | None]
    inputs: NotRequired[dict[str, Any]]
    subjectDigest: NotRequired[str]


class ErrorSnapshot(TypedDict):
    """An error of ours as the browser shows it; ``problems`` belong beside the form's fields."""

    code: str
    message: str
    hint: str | None
    problems: NotRequired[list[FieldProblem]]


class FieldProblem(TypedDict):
    """What is wrong with one field of a form."""

    field: str
    message: str


class WidgetReply(TypedDict):
    """What the kernel sends back."""

    kind: Literal["reply"]
    requestId: str
    ok: bool
    error: ErrorSnapshot | None
