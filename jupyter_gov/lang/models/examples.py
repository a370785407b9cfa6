"""Examples of inputs and conditions, as a flow holds them: for the docs and the JSON Schema; a test checks them."""

from __future__ import annotations

from collections.abc import Mapping

INPUTS: Mapping[str, str] = {
    "STRING": """\
id: name
type: STRING
validator: "[A-Z][a-z]+"
""",
    "SECRET": """\
id: token
type: SECRET
""",
    "URI": """\
id: source
type: URI
defaults: https://example.com/data.csv
""",
    "EMAIL": """\
id: contact
type: EMAIL
required: false
""",
    "JSON": """\
id: config
type: JSON
defaults: '{"threshold": 0.9}'
""",
    "YAML": """\
id: settings
type: YAML
defaults: |
  threshold: 0.9
""",
    "BOOL": """\
id: dry_run
type: BOOL
defaults: true
""",
    "BOOLEAN": """\
id: old_spelling
type: BOOLEAN
defaults: true
""",
    "INT": """\
id: retries
type: INT
min: 0
max: 10
defaults: 3
""",
    "FLOAT": """\
id: threshold
type: FLOAT
min: 0
max: 1
defaults: 0.9
""",
    "DATE": """\
id: day
type: DATE
after: "2026-01-01"
defaults: "2026-01-31"
""",
    "DATETIME": """\
id: moment
type: DATETIME
defaults: "2026-01-31T12:00:00Z"
""",
    "TIME": """\
id: at
type: TIME
before: "18:00:00"
defaults: "12:30:00"
""",
    "DURATION": """\
id: patience
type: DURATION
max: PT1H
defaults: PT10M
""",
    "FILE": """\
id: data
type: FILE
extension: .csv
""",
    "SELECT": """\
id: stage
type: SELECT
values: [staging, production]
defaults: staging
""",
    "ENUM": """\
id: old_spelling
type: ENUM
values: [staging, production]
""",
    "MULTISELECT": """\
id: regions
type: MULTISELECT
values: [north, south, west]
defaults: [north]
""",
    "ARRAY": """\
id: limits
type: ARRAY
itemType: INT
defaults: [1, 2, 3]
""",
}
"""Type of an input -> an example."""

CONDITIONS: Mapping[str, str] = {
    "DateTimeBetween": """\
type: io.kestra.plugin.core.condition.DateTimeBetween
after: 2027-01-01T00:00:00Z
before: 2027-07-01T00:00:00Z
""",
    "TimeBetween": """\
type: io.kestra.plugin.core.condition.TimeBetween
after: 08:00:00+01:00
before: 18:00:00+01:00
""",
    "DayWeek": """\
type: io.kestra.plugin.core.condition.DayWeek
dayOfWeek: MONDAY
""",
    "DayWeekInMonth": """\
type: io.kestra.plugin.core.condition.DayWeekInMonth
dayOfWeek: MONDAY
dayInMonth: FIRST
""",
    "Weekend": """\
type: io.kestra.plugin.core.condition.Weekend
""",
    "PublicHoliday": """\
type: io.kestra.plugin.core.condition.PublicHoliday
country: DE
subDivision: BY
""",
    "ExecutionStatus": """\
type: io.kestra.plugin.core.condition.ExecutionStatus
in: [SUCCESS, WARNING]
""",
    "HasRetryAttempt": """\
type: io.kestra.plugin.core.condition.HasRetryAttempt
in: [FAILED]
""",
    "ExecutionFlow": """\
type: io.kestra.plugin.core.condition.ExecutionFlow
namespace: company.team
flowId: train
""",
    "ExecutionNamespace": """\
type: io.kestra.plugin.core.condition.ExecutionNamespace
namespace: company
comparison: PREFIX
""",
    "ExecutionLabels": """\
type: io.kestra.plugin.core.condition.ExecutionLabels
labels:
  stage: production
""",
    "ExecutionOutputs": """\
type: io.kestra.plugin.core.condition.ExecutionOutputs
expression: "{{ trigger.outputs.auc > 0.9 }}"
""",
    "Expression": """\
type: io.kestra.plugin.core.condition.Expression
expression: "{{ trigger.flowId is not empty }}"
""",
    "Not": """\
type: io.kestra.plugin.core.condition.Not
conditions:
  - type: io.kestra.plugin.core.condition.Weekend
""",
    "Or": """\
type: io.kestra.plugin.core.condition.Or
conditions:
  - type: io.kestra.plugin.core.condition.Weekend
  - type: io.kestra.plugin.core.condition.PublicHoliday
    country: DE
""",
    "MultipleCondition": """\
type: io.kestra.plugin.core.condition.MultipleCondition
id: both
conditions:
  train:
    type: io.kestra.plugin.core.condition.ExecutionFlow
    namespace: company.team
    flowId: train
  score:
    type: io.kestra.plugin.core.condition.ExecutionFlow
    namespace: company.team
    flowId: score
""",
}
"""Class of a condition -> an example."""
