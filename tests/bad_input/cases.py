"""Mistakes and attacks of users, each with the code and the line that the answer must name.

``FLOWS``: texts that cannot be registered. ``RUNS``: flows that register, and fail where they are run, with what the
execution must say. ``INPUTS``: values that are refused before an execution exists. Nothing of this changes the store.
"""

from __future__ import annotations

from typing import Any, NamedTuple

HEAD = "id: f\nnamespace: n\n"
LOG = "tasks:\n  - id: t\n    type: io.kestra.plugin.core.log.Log\n    message: hi\n"
RETURN = "tasks:\n  - id: t\n    type: io.kestra.plugin.core.debug.Return\n    format: "


class Flow(NamedTuple):
    """A text, the code of its (first) error, and the line at which it stands."""

    name: str
    text: str
    code: str
    line: int


FLOWS = [
    Flow("empty", "", "GOV110", 1),
    Flow("a-list", "- id: f\n", "GOV110", 1),
    Flow("unclosed-quote", HEAD + 'description: "never closed\n' + LOG, "GOV101", 8),
    Flow("no-character", HEAD + 'description: "\\UFFFFFFFF"\n' + LOG, "GOV101", 3),
    Flow("beyond-unicode", HEAD + 'description: "\\U00110000"\n' + LOG, "GOV101", 3),
    Flow("half-a-character", HEAD + 'description: "\\ud800"\n' + LOG, "GOV101", 3),
    Flow("raw-half-a-character", HEAD + 'description: "\ud800"\n' + LOG, "GOV104", 3),
    Flow("tab-indent", "id: f\n\tnamespace: n\n", "GOV101", 2),
    Flow("duplicate-key", HEAD + "id: again\n" + LOG, "GOV103", 3),
    Flow("python-tag", HEAD + "description: !!python/object/apply:os.system ['true']\n" + LOG, "GOV105", 3),
    Flow("two-documents", HEAD + LOG + "---\nid: g\n", "GOV106", 7),
    Flow("unknown-flow-key", HEAD + "taks: []\n" + LOG, "GOV112", 3),
    Flow("unknown-task-key", HEAD + LOG + "    mesage: hi\n", "GOV112", 7),
    Flow("unknown-type", HEAD + "tasks:\n  - id: t\n    type: io.kestra.plugin.core.log.Lgo\n", "GOV111", 5),
    Flow("no-type", HEAD + "tasks:\n  - id: t\n    message: hi\n", "GOV113", 4),
    Flow("no-tasks", HEAD, "GOV113", 1),
    Flow("no-namespace", "id: f\n" + LOG, "GOV113", 1),
    Flow("bad-id", "id: 'no spaces'\nnamespace: n\n" + LOG, "GOV116", 1),
    Flow("duplicate-task-id", HEAD + LOG + LOG.removeprefix("tasks:\n"), "GOV115", 7),
    Flow("wrong-type-of-value", HEAD + "disabled: perhaps\n" + LOG, "GOV114", 3),
    Flow("bad-duration", HEAD + LOG + "    timeout: tomorrow\n", "GOV121", 7),
    Flow("unknown-output", HEAD + RETURN + '"{{ outputs.nobody.value }}"\n', "GOV131", 6),
    Flow("unclosed-expression", HEAD + RETURN + '"{{ flow.id "\n', "GOV152", 6),
    Flow("unknown-filter", HEAD + RETURN + '"{{ flow.id | uper }}"\n', "GOV153", 6),
    Flow(
        "bad-cron",
        HEAD + LOG + "triggers:\n  - id: s\n    type: io.kestra.plugin.core.trigger.Schedule\n    cron: every day\n",
        "GOV122",
        10,
    ),
    Flow(
        "calls-itself",
        HEAD + "tasks:\n  - id: t\n    type: io.kestra.plugin.core.flow.Subflow\n    namespace: n\n    flowId: f\n",
        "GOV141",
        4,
    ),
]

ESCAPES = [
    "{{ ''.__class__.__mro__ }}",
    "{{ flow['__class__'] }}",
    "{{ flow | attr('__class__') }}",
    "{{ [].__class__.__base__.__subclasses__() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ lipsum.__globals__['os'] }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{{ config.items() }}",
    "{{ request.application.__globals__ }}",
    "{{ ''.format.__globals__ }}",
    "{{ '{0.__class__}'.format(flow) }}",
    "{{ (flow.id | upper).__class__ }}",
    "{{ range.__self__ }}",
    "{% for c in ''.__class__.__mro__ %}{{ c }}{% endfor %}",
    "{% import 'os' as os %}{{ os }}",
    "{% include '/etc/passwd' %}",
    "{{ dict.__mro__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ url_for.__globals__ }}",
]
"""The published ways out of a Jinja2 sandbox, and their relatives."""


class Value(NamedTuple):
    """A declaration, the value given for it, and the code of the refusal."""

    name: str
    declared: str
    given: Any
    code: str


INPUTS = [
    Value("text-for-int", "{id: x, type: INT}", "twelve", "GOV202"),
    Value("float-for-int", "{id: x, type: INT}", 1.5, "GOV202"),
    Value("too-large", "{id: x, type: INT, max: 3}", 4, "GOV203"),
    Value("no-date", "{id: x, type: DATE}", "2026-02-30", "GOV202"),
    Value("no-duration", "{id: x, type: DURATION}", "soon", "GOV202"),
    Value("not-in-values", "{id: x, type: SELECT, values: [a, b]}", "c", "GOV204"),
    Value("no-json", "{id: x, type: JSON}", "{no json", "GOV202"),
    Value("half-a-character", "{id: x, type: JSON}", '{"a": "\\ud800"}', "GOV202"),
    Value("half-a-character-in-text", "{id: x, type: STRING}", "\ud800", "GOV202"),
    Value("half-a-character-in-a-list", "{id: x, type: ARRAY, itemType: STRING}", ["\ud800"], "GOV202"),
    Value("deep-json", "{id: x, type: JSON}", "[" * 101 + "]" * 101, "GOV202"),
    Value("no-character-in-yaml", "{id: x, type: YAML}", 'a: "\\UFFFFFFFF"', "GOV202"),
    Value("long", "{id: x, type: INT}", "9" * 50_000, "GOV202"),
    Value("no-email", "{id: x, type: EMAIL}", "not an address", "GOV202"),
    Value("pattern", "{id: x, type: STRING, validator: 'A.*'}", "Beta", "GOV203"),
    Value("missing-file", "{id: x, type: FILE}", "nowhere.csv", "GOV207"),
    Value("required", "{id: x, type: STRING}", None, "GOV201"),
    Value("secret-without-key", "{id: x, type: SECRET}", "hush", "GOV210"),
]


class Run(NamedTuple):
    """A flow that registers and fails when it runs: the code of the failure, and what its message must name."""

    name: str
    tasks: str
    code: str
    names: tuple[str, ...]


SCRIPT = "  - id: t\n    type: io.kestra.plugin.scripts.shell.Commands\n"
PYTHON = "  - id: t\n    type: io.kestra.plugin.scripts.python.Script\n"
QUERY = "  - id: t\n    type: io.kestra.plugin.jdbc.duckdb.Query\n"
RUNS = [
    Run("never-ends", SCRIPT + "    timeout: PT1S\n    commands: ['sleep 600 & sleep 600']\n", "GOV812", ("PT1S",)),
    Run("gigabytes", SCRIPT + "    commands: ['yes | head -c 3000000000']\n", "GOV813", ("0.2 MB",)),
    Run("exit-code", SCRIPT + "    commands: ['exit 7']\n", "GOV815", ("7",)),
    Run("no-such-command", SCRIPT + "    commands: ['no-such-program']\n", "GOV815", ("127",)),
    Run("python-error", PYTHON + "    script: raise ValueError('bad data')\n", "GOV815", ("1",)),
    Run(
        "missing-file",
        QUERY + "    sql: SELECT * FROM 'nowhere.parquet'\n    fetch: true\n",
        "GOV820",
        ("nowhere.parquet",),
    ),
    Run(
        "outside",
        QUERY + "    sql: SELECT * FROM read_text('/etc/hostname')\n    fetch: true\n",
        "GOV821",
        ("/etc/hostname",),
    ),
    Run("bad-sql", QUERY + "    sql: SELEKT 1\n    fetch: true\n", "GOV820", ("SELEKT",)),
    Run(
        "undefined-when-rendered",
        "  - id: t\n    type: io.kestra.plugin.core.log.Log\n    message: '{{ vars.a.b }}'\n",
        "GOV151",
        ("b",),
    ),
    Run(
        "division",
        "  - id: t\n    type: io.kestra.plugin.core.debug.Return\n    format: '{{ 1 / (execution.id | length - 22) }}'\n",
        "GOV15",
        (),
    ),
    Run(
        "no-mail-host",
        "  - id: t\n    type: io.kestra.plugin.email.MailSend\n    from: a@example.com\n    to: b@example.com\n"
        "    subject: x\n    plainTextContent: x\n",
        "GOV830",
        ("mail server",),
    ),
    Run(
        "called-flow-missing",
        "  - id: t\n    type: io.kestra.plugin.core.flow.Subflow\n    namespace: n\n    flowId: nobody\n",
        "GOV302",
        ("n.nobody",),
    ),
    Run(
        "no-such-case",
        "  - id: t\n    type: io.kestra.plugin.core.flow.Switch\n    value: c\n    cases:\n      a:\n        - id: u\n"
        "          type: io.kestra.plugin.core.log.Log\n          message: a\n",
        "GOV320",
        ("'c'", "a"),
    ),
    Run(
        "null-in-a-loop",
        "  - id: t\n    type: io.kestra.plugin.core.flow.ForEach\n    values: [1, null]\n    tasks:\n      - id: u\n"
        "        type: io.kestra.plugin.core.log.Log\n        message: a\n",
        "GOV321",
        ("null",),
    ),
]
