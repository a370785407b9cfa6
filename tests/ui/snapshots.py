"""Snapshots written by hand: every look of the widget, also those that a real run reaches only with luck."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_gov.kernel.snapshot_types import (
    SERVER_PATH,
    ApprovalSnapshot,
    FormField,
    LogSnapshot,
    NamedText,
    Snapshot,
    TaskSnapshot,
)

START = datetime(2026, 11, 3, 9, 30, tzinfo=UTC)
LOG = "io.kestra.plugin.core.log.Log"
SCRIPT = "io.kestra.plugin.scripts.python.Script"
QUERY = "io.kestra.plugin.jdbc.duckdb.Queries"
PAUSE = "io.kestra.plugin.core.flow.Pause"
IF = "io.kestra.plugin.core.flow.If"

FLOW = [
    ("check_data", QUERY, "task", None),
    ("quality", IF, "group", None),
    ("refuse", "io.kestra.plugin.core.execution.Fail", "task", "quality"),
    ("train", SCRIPT, "task", None),
    ("evaluate", SCRIPT, "task", None),
    ("report", "jupyter_gov.notebook.Papermill", "task", None),
    ("approve_release", PAUSE, "gate", None),
    ("publish", SCRIPT, "task", None),
]
EDGES = [
    ("check_data", "quality", ""),
    ("quality", "refuse", "then"),
    ("quality", "train", ""),
    ("refuse", "train", ""),
    ("train", "evaluate", ""),
    ("train", "report", ""),
    ("evaluate", "approve_release", ""),
    ("report", "approve_release", ""),
    ("approve_release", "publish", ""),
]


def at(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


def named(**values: str) -> list[NamedText]:
    return [{"name": name, "text": text, "truncated": False} for name, text in values.items()]


def task(task_id: str, state: str, begin: float = 0, length: float | None = 1.0, **more: Any) -> TaskSnapshot:
    kinds = {name: kind for name, kind, _, _ in FLOW}
    found: TaskSnapshot = {
        "id": f"run-{task_id}-{more.get('value')}",
        "taskId": task_id,
        "type": kinds.get(task_id, LOG),
        "value": None,
        "depth": 0,
        "parentId": None,
        "state": state,
        "started": at(begin),
        "ended": None if length is None else at(begin + length),
        "attempts": 1,
        "failure": None,
        "outputs": [],
        "progress": None,
        "logs": [],
        "logTotal": 0,
    }
    return {**found, **more}  # type: ignore[typeddict-item]


def logs(*messages: str, level: str = "INFO") -> list[LogSnapshot]:
    return [{"id": i, "level": level, "at": at(i), "message": text} for i, text in enumerate(messages)]


def field(identifier: str, kind: str, **more: Any) -> FormField:
    found: FormField = {
        "id": identifier,
        "type": kind,
        "label": identifier,
        "description": None,
        "required": True,
        "defaults": None,
        "values": None,
        "allowCustomValue": False,
    }
    return {**found, **more}  # type: ignore[typeddict-item]


def gate(**more: Any) -> ApprovalSnapshot:
    found: ApprovalSnapshot = {
        "id": "run-approve_release-None-g1",
        "taskId": "approve_release",
        "taskRunId": "run-approve_release-None",
        "status": "OPEN",
        "title": "Release credit model v17?",
        "description": "AUC rose from 0.812 to 0.834 on the hold-out set.\nThe bias report is below; no group differs "
        "by more than 3 points.",
        "artefacts": [
            {
                "name": "bias_report.csv",
                "text": "group,n,approval_rate\nunder_30,1204,0.61\n30_to_60,5310,0.63\nover_60,1822,0.60\n",
                "truncated": False,
            }
        ],
        "form": [
            field("decision_basis", "SELECT", label="Decided on the basis of", values=["bias report", "full review"]),
            field("max_exposure", "INT", label="Largest exposure (EUR)", description="Per customer.", defaults=25000),
            field("monitor", "BOOL", label="Monitor weekly"),
            field("remarks", "STRING", label="Remarks", required=False),
        ],
        "verdicts": ["approve", "reject", "ask_for_changes"],
        "subjectDigest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "subject": {
            "revision": 4,
            "digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
            "inputs": named(dataset="s3://models/credit/2026-10.parquet", model_version="17"),
            "upstream": [
                {
                    "name": "check_data",
                    "digest": "sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68",
                    "outputs": named(rows="8336", nulls="0"),
                    "logs": logs("read 8336 rows"),
                    "logTotal": 1,
                },
                {
                    "name": "train",
                    "digest": "sha256:18ac3e7343f016890c510e93f935261169d9e3f565436429830faf0934f4f8e4",
                    "outputs": named(auc="0.834", model="kestra:///risk/models/credit_release/model.pkl"),
                    "logs": logs("epoch 1 auc 0.79", "epoch 2 auc 0.82", "epoch 3 auc 0.834"),
                    "logTotal": 214,
                },
            ],
        },
        "openedAt": at(42),
        "deadline": at(3 * 24 * 3600),
        "behavior": "FAIL",
        "assignment": {"users": [], "groups": []},
        "votes": [],
        "canDecide": True,
        "whyNot": None,
        "statusBy": None,
        "statusAt": None,
        "reason": None,
        "answers": [],
        "auditSeq": None,
    }
    return {**found, **more}  # type: ignore[typeddict-item]


def snapshot(state: str, tasks: list[TaskSnapshot], *, ended: float | None = None, **more: Any) -> Snapshot:
    found: Snapshot = {
        "execution": {
            "id": "06FJ2kXhQ8rT4vYbN1mWc7",
            "flow": "credit_release",
            "namespace": "risk.models",
            "revision": 4,
            "digest": "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
            "state": state,
            "created": at(0),
            "ended": None if ended is None else at(ended),
            "starter": "ann",
            "runAs": "ann",
            "inputs": named(dataset="s3://models/credit/2026-10.parquet", model_version="17"),
            "outputs": [],
            "failure": None,
            "labels": {"team": "risk", "tier": "high"},
        },
        "graph": {
            "nodes": [
                {"id": name, "label": name, "type": kind, "kind": shape, "parent": parent}  # type: ignore[typeddict-item]
                for name, kind, shape, parent in FLOW
            ],
            "edges": EDGES,
        },
        "tasks": tasks,
        "approvals": [],
        "messages": [],
        "verbs": [],
        "updatedAt": at(60),
        "viewer": {"id": "ann", "name": "ann", "assurance": "os"},
        "serverPath": SERVER_PATH,
    }
    execution: Mapping[str, Any] = more.pop("execution", {})
    found["execution"].update(execution)  # type: ignore[typeddict-item]
    return {**found, **more}  # type: ignore[typeddict-item]


def _done() -> list[TaskSnapshot]:
    return [
        task("check_data", "SUCCESS", 0.2, 1.4, outputs=named(rows="8336", nulls="0"), logs=logs("read 8336 rows")),
        task("quality", "SUCCESS", 1.6, 0.1),
        task(
            "train",
            "SUCCESS",
            1.7,
            31,
            attempts=2,
            outputs=named(auc="0.834", model="kestra:///risk/models/credit_release/model.pkl"),
            logs=logs("epoch 1 auc 0.79", "epoch 2 auc 0.82", "epoch 3 auc 0.834"),
            logTotal=214,
        ),
    ]


def running() -> Snapshot:
    tasks = [
        *_done(),
        task("evaluate", "SUCCESS", 33, 2.5, outputs=named(auc="0.834")),
        task(
            "report",
            "RUNNING",
            33,
            None,
            progress={"done": 7, "total": 12, "label": "cell 7: plot calibration"},
            logs=logs("cell 5 finished in 1.2 s", "cell 6 finished in 0.4 s", level="DEBUG"),
            logTotal=2,
        ),
    ]
    warning = {
        "level": "warning",
        "text": 'GOV131 task "publish": "errorMesage" is accepted for "errorMessage".',
        "hint": "Write errorMessage.",
    }
    return snapshot("RUNNING", tasks, verbs=["kill"], messages=[warning])


def at_gate(**more: Any) -> Snapshot:
    tasks = [
        *_done(),
        task("evaluate", "SUCCESS", 33, 2.5),
        task("report", "SUCCESS", 33, 8.5),
        task("approve_release", "PAUSED", 42, None, attempts=0),
    ]
    return snapshot("PAUSED", tasks, verbs=["kill"], approvals=[gate(**more)])


def approved() -> Snapshot:
    found = at_gate(
        status="APPROVED",
        statusBy="ben",
        statusAt=at(3600),
        reason="Reviewed with the model risk team; the report is complete.",
        answers=named(decision_basis="full review", max_exposure="25000", monitor="true"),
        auditSeq=14,
        canDecide=False,
    )
    found["tasks"] = [
        *found["tasks"][:-1],
        task("approve_release", "SUCCESS", 42, 3558),
        task("publish", "SUCCESS", 3600, 1.1),
    ]
    found["execution"].update({"state": "SUCCESS", "ended": at(3601.3), "outputs": named(model_version="17")})
    return {**found, "verbs": []}


def failed() -> Snapshot:
    tasks = [
        *_done()[:2],
        task(
            "train",
            "FAILED",
            1.7,
            12.1,
            attempts=3,
            failure={
                "code": "GOV820",
                "message": "The script ended with exit code 1.",
                "hint": "The last lines of its output are in the log.",
                "details": "Traceback (most recent call last):\n"
                '  File "train.py", line 41, in <module>\n    model.fit(X, y)\nValueError: Input X contains NaN.',
            },
            logs=[
                *logs("loading 8336 rows", "fitting"),
                {"id": 9, "level": "ERROR", "at": at(13), "message": "ValueError: Input X contains NaN."},
            ],
            logTotal=3,
        ),
    ]
    failure = {"code": "GOV820", "message": "Task train failed: the script ended with exit code 1."}
    return snapshot("FAILED", tasks, ended=13.9, verbs=["restart"], execution={"failure": failure})


def many() -> Snapshot:
    """A loop over 200 values, some at work."""
    states = ["SUCCESS"] * 150 + ["WARNING", "FAILED"] + ["RUNNING"] * 4 + ["CREATED"] * 44
    tasks = [task("each", "RUNNING", 0, None, type="io.kestra.plugin.core.flow.ForEach")]
    tasks += [
        task("score", state, i, None if state in {"RUNNING", "CREATED"} else 0.7, value=f"customer-{i:04}", depth=1)
        for i, state in enumerate(states)
    ]
    graph = {
        "nodes": [
            {"id": "each", "label": "each", "type": "ForEach", "kind": "group", "parent": None},
            {"id": "score", "label": "score", "type": SCRIPT, "kind": "task", "parent": "each"},
        ],
        "edges": [("each", "score", "")],
    }
    return snapshot("RUNNING", tasks, verbs=["kill"], graph=graph)


HOSTILE = '<img src=x onerror="window.hacked=1"><script>window.hacked=1</script> {{ 7*7 }} \u202e'


def hostile() -> Snapshot:
    """Markup wherever a text of a flow, a task or a person can stand."""
    found = at_gate(
        title=HOSTILE,
        description=HOSTILE * 20,
        artefacts=[{"name": HOSTILE, "text": HOSTILE, "truncated": True}],
        form=[field("f", "SELECT", label=HOSTILE, description=HOSTILE, values=[HOSTILE], defaults=HOSTILE)],
        assignment={"users": [HOSTILE], "groups": [HOSTILE]},
    )
    failure = {"code": "GOV800", "message": HOSTILE, "hint": HOSTILE, "details": HOSTILE}
    found["tasks"] = [
        task("train", "FAILED", value=HOSTILE, failure=failure, outputs=named(**{HOSTILE: HOSTILE}), logs=logs(HOSTILE))
    ]
    found["graph"]["nodes"][0]["label"] = HOSTILE
    found["messages"] = [{"level": "error", "text": HOSTILE, "hint": HOSTILE}]
    found["execution"].update({"flow": HOSTILE, "namespace": HOSTILE, "failure": failure, "labels": {HOSTILE: HOSTILE}})
    return found


LONG = "pre-deployment-checks-of-all-models-in-the-northern-region"


def long_names() -> Snapshot:
    """Names as people write them, longer than any box or headline was made for."""
    found = at_gate(taskId="human-approval-gate", title="human-approval-gate")
    names = ["review-agent-plan", "pre-deployment-checks", LONG, "human-approval-gate", "publish-to-production"]
    found["graph"]["nodes"] = [
        {"id": name, "label": name, "type": LOG, "kind": "gate" if "gate" in name else "task", "parent": None}
        for name in names
    ]
    labels = ["", "", "when every check of the region is good", ""]
    found["graph"]["edges"] = [(a, b, label) for a, b, label in zip(names, names[1:], labels, strict=False)]
    found["tasks"] = [
        *(task(name, "SUCCESS", number, 1.1) for number, name in enumerate(names[:3])),
        task("human-approval-gate", "PAUSED", 4, None),
    ]
    found["execution"]["flow"] = "quarterly-credit-model-release-with-bias-review-and-sign-off"
    return found


def all_controls() -> Snapshot:
    """A form with a field of every type."""
    kinds = {
        "STRING": {},
        "INT": {"minimum": 1, "maximum": 10},
        "FLOAT": {},
        "BOOL": {},
        "SELECT": {"values": ["a", "b"]},
        "ENUM": {"values": ["a", "b"], "allowCustomValue": True},
        "MULTISELECT": {"values": ["x", "y", "z"]},
        "DATE": {},
        "DATETIME": {},
        "TIME": {},
        "DURATION": {},
        "FILE": {},
        "JSON": {},
        "YAML": {},
        "ARRAY": {},
        "URI": {},
        "EMAIL": {},
        "SECRET": {},
    }
    fields = [field(kind.lower(), kind, **more) for kind, more in kinds.items()]  # type: ignore[arg-type]
    return at_gate(form=fields)
