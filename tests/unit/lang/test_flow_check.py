"""The checker on types of its own: how properties are typed, where errors stand, what plugins may say."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationInfo, field_validator

from jupyter_gov.lang.check import CheckedFlow, check
from jupyter_gov.lang.models.scalars import IsoDuration
from jupyter_gov.lang.ports import Rename, SlotKind, TypeInfo
from jupyter_gov.plugins.api import Dynamic, FlowableTask, GovModel, RunnableTask, TypedModel, note
from jupyter_gov.plugins.nested import NestedType
from jupyter_gov.plugins.registry import Registry


class Provider(NestedType):
    """A provider."""

    family = "provider"


class Local(Provider):
    """A local provider."""

    type_name = "test.provider.Local"
    renames: ClassVar[Mapping[str, Rename]] = {"modelName": Rename("model", "that is its name")}

    model: str
    heat: float = 0.0


class Range(GovModel):
    """A range."""

    low: int
    high: int | None = None


class Sample(RunnableTask):
    """Has a property of every kind."""

    type_name = "test.Sample"
    aliases: ClassVar[tuple[str, ...]] = ("test.OldSample",)
    renames: ClassVar[Mapping[str, Rename]] = {"txt": Rename("text", "the short form is ours")}
    output_renames: ClassVar[Mapping[str, Rename]] = {"files": Rename("outputFiles", "that is its name")}

    text: Dynamic[str] | None = None
    lines: str | list[str] | None = None
    number: Dynamic[int] | None = None
    plain_number: int | None = None
    flag: Dynamic[bool] | None = None
    choice: Literal["ON", "OFF"] | None = None
    env: Dynamic[dict[str, str]] | None = None
    span: IsoDuration | None = None
    anything: Any = None
    either: int | str | None = None
    area: Range | None = None
    areas: list[Range] = Field(default_factory=list)
    provider: Provider | None = None
    providers: list[Provider] = Field(default_factory=list)
    old: str | None = Field(default=None, deprecated="use text")

    @field_validator("text")
    @classmethod
    def _shout(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value == "loud":
            note(info, "this is loud")
        return value

    def run(self, ctx: object) -> None:
        """Do nothing."""


class Needy(RunnableTask):
    """Needs a property."""

    type_name = "test.Needy"
    deprecated: ClassVar[str | None] = "use test.Sample"
    who: str

    def run(self, ctx: object) -> None:
        """Do nothing."""


class Block(FlowableTask):
    """Holds tasks."""

    type_name = "test.Block"


class Cases(FlowableTask):
    """Holds tasks by case."""

    type_name = "test.Cases"
    slots: ClassVar[Mapping[str, SlotKind]] = {"cases": "map", "defaults": "list"}


class Types:
    """A catalogue of the types above."""

    def __init__(self) -> None:
        classes: Sequence[type[TypedModel]] = (Sample, Needy, Block, Cases, Local)
        self._infos = {name: cls.info() for cls in classes for name in (cls.type_name, *cls.aliases)}

    def find(self, name: str) -> TypeInfo | None:
        return self._infos.get(name)

    def names(self) -> Sequence[str]:
        return sorted({info.name for info in self._infos.values()})

    def problem(self, name: str) -> str | None:
        return "type 'test.Broken' cannot be loaded: ImportError: no module" if name == "test.Broken" else None


TYPES = Types()


def run(text: str, **options: bool) -> CheckedFlow:
    return check(text, TYPES, **options)


def sample(*lines: str, type_name: str = "test.Sample") -> CheckedFlow:
    """Check a flow of one task; its first own line is line 6."""
    own = "".join(f"    {line}\n" for line in lines)
    return run(f"id: a\nnamespace: b\ntasks:\n  - id: one\n    type: {type_name}\n{own}")


def props(*lines: str) -> Mapping[str, Any]:
    return sample(*lines).raise_for_errors().tasks[0].props


def said(result: CheckedFlow) -> list[tuple[str, int, int]]:
    return [
        (one.code, one.location.line, one.location.column) if one.location else (one.code, 0, 0)
        for one in result.diagnostics
    ]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("text: 0750", "0750"), ("text: yes", "yes"), ("text: 1.0", "1.0"), ("text: 2024-01-31", "2024-01-31"),
        ("text: 'null'", "null"), ("text: '{{ x }}'", "{{ x }}"), ("text: ''", ""), ("text: true", "true"),
        ("lines: 12:30", "12:30"), ("lines: [1, yes, 0x10]", ["1", "yes", "0x10"]),
        ("number: 0750", 750), ("number: '{{ 1 }}'", "{{ 1 }}"), ("number: '5'", "5"), ("number: 0x1F", 31),
        ("flag: true", True), ("flag: '{{ x }}'", "{{ x }}"), ("flag: FALSE", False),
        ("choice: ON", "ON"), ("env: {A: 1, B: yes, 3: 0750}", {"A": "1", "B": "yes", "3": "0750"}),
        ("env: '{{ vars }}'", "{{ vars }}"),
        ("span: PT1S", "PT1S"), ("span: 30", "30"),
        ("anything: {a: yes, b: 0750, c: ~, on: [1.5]}", {"a": "yes", "b": 750, "c": None, "on": [1.5]}),
        ("either: 5", 5), ("either: five", "five"),
        ("area: {low: 1}", {"low": 1}), ("areas: [{low: 1, high: 2}]", [{"low": 1, "high": 2}]),
        ("provider: {type: test.provider.Local, model: 4.1}", {"type": "test.provider.Local", "model": "4.1"}),
    ],
)  # fmt: skip
def test_a_plain_scalar_is_what_the_property_wants(line: str, value: Any) -> None:
    name = line.partition(":")[0]
    found = props(line)
    assert found == {name: value}
    assert type(found[name]) is type(value)


@pytest.mark.parametrize("line", ["text:", "text: ~", "flag: null", "area:", "anything: ~"])
def test_null_means_not_written(line: str) -> None:
    assert props(line) == {}


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("No", False), ("ON", True), ("off", False)])
def test_older_booleans_are_read_with_a_warning(word: str, value: bool) -> None:
    result = sample(f"flag: {word}", f"disabled: {word}")
    task = result.raise_for_errors().tasks[0]
    assert task.props == {"flag": value}
    assert task.disabled is value
    assert said(result) == [("GOV161", 6, 11), ("GOV161", 7, 15)]


@pytest.mark.parametrize(
    ("lines", "expected", "text"),
    [
        (["txet: x"], [("GOV112", 6, 5)], 'did you mean "text"?'),
        (["plain_number: 5"], [("GOV112", 6, 5)], 'did you mean "plainNumber"?'),
        (["number: many"], [("GOV114", 6, 13)], 'must be a whole number, got the text "many"'),
        (["number: [1]"], [("GOV114", 6, 5)], "must be a whole number, got a list"),
        (["plainNumber: '{{ 1 }}'"], [("GOV114", 6, 18)], "cannot be an expression"),
        (["flag: maybe"], [("GOV114", 6, 11)], "must be true or false"),
        (["choice: MAYBE"], [("GOV114", 6, 13)], "must be one of 'ON' or 'OFF'"),
        (["choice: ONN"], [("GOV114", 6, 13)], 'did you mean "ON"?'),
        (["lines: {a: b}"], [("GOV114", 6, 5)], "must be text or a list, got a map"),
        (["lines: [a, {b: c}]"], [("GOV114", 6, 16)], '"lines[1]"'),
        (["env: {A: [1]}"], [("GOV114", 6, 11)], "must be text, got a list"),
        (["span: P1M"], [("GOV121", 6, 11)], "PT1H30M"),
        (["area: {lo: 1}"], [("GOV112", 6, 12)], 'did you mean "low"?'),
        (["area: {high: 1}"], [("GOV113", 6, 5)], 'needs the key "low"'),
        (["areas:", "  - low: 1", "  - low: x"], [("GOV114", 8, 14)], '"areas[1].low"'),
        (["provider: {type: test.provider.Local}"], [("GOV113", 6, 5)], 'needs the key "model"'),
        (["provider: {type: test.provider.Locl, model: x}"], [("GOV120", 6, 5)], "test.provider.Local"),
        (["provider: {type: test.provider.Local, modle: x}"], [("GOV112", 6, 43)], 'did you mean "model"?'),
        (["providers: [{type: test.provider.Local, model: x, heat: hot}]"], [("GOV114", 6, 61)], "a number"),
        (["retry: {type: constant, interval: soon}"], [("GOV121", 6, 39)], "is no duration"),
        (["either: 1.5"], [("GOV114", 6, 13)], "must be a whole number or text, got the number 1.5"),
        (["runIf: {a: b}"], [("GOV114", 6, 5)], "must be text"),
        (["logLevel: LOUD"], [("GOV114", 6, 15)], "'TRACE'"),
        (["text: one", "txt: two"], [("GOV160", 7, 5), ("GOV103", 7, 5)], "same property"),
    ],
)  # fmt: skip
def test_errors_stand_where_the_mistake_is(lines: list[str], expected: list[tuple[str, int, int]], text: str) -> None:
    result = sample(*lines)
    assert sorted(said(result)) == sorted(expected)
    assert any(text in f"{one.message} {one.hint}" for one in result.diagnostics)
    assert result.flow is None


def test_renamed_properties_arrive_under_the_right_name() -> None:
    result = sample("txt: hello", "provider: {type: test.provider.Local, modelName: x}")
    assert result.raise_for_errors().tasks[0].props == {
        "text": "hello", "provider": {"type": "test.provider.Local", "model": "x"},
    }  # fmt: skip
    assert said(result) == [("GOV160", 6, 5), ("GOV160", 7, 43)]
    assert result.warnings[0].replacement == "text"


def test_deprecations_and_notes_are_warnings() -> None:
    result = sample("old: x", "text: loud")
    assert [(one.code, one.location and one.location.line) for one in result.warnings] == [("GOV160", 6), ("GOV170", 7)]
    assert "use text" in result.warnings[0].message
    assert "this is loud" in result.warnings[1].message
    result = sample("who: me", type_name="test.Needy")
    assert "use test.Sample" in result.warnings[0].message


def test_aliases_become_the_canonical_type() -> None:
    assert sample(type_name="test.OldSample").raise_for_errors().tasks[0].type == "test.Sample"


def test_a_missing_key_is_not_reported_twice_when_it_is_misspelt() -> None:
    assert [one.code for one in sample("whoo: me", type_name="test.Needy").errors] == ["GOV112"]
    assert [one.code for one in sample(type_name="test.Needy").errors] == ["GOV113"]


def test_a_broken_plugin_says_why() -> None:
    result = sample(type_name="test.Broken")
    assert [one.code for one in result.errors] == ["GOV119"]
    assert "ImportError" in result.errors[0].message


def test_unknown_types_may_be_accepted() -> None:
    text = (
        "id: a\nnamespace: b\ntasks:\n  - id: one\n    type: com.example.Thing\n    any: {on: yes}\n    timeout: PT1S\n"
        "    tasks:\n      - {id: inner, type: com.example.Other}\n"
        '  - {id: two, type: test.Sample, text: "{{ outputs.inner.x }} {{ outputs.one.x }}"}\n'
        "triggers:\n  - {id: t, type: com.example.Trigger, any: 1}\n"
    )
    assert [one.code for one in run(text).errors] == ["GOV111", "GOV111"]
    result = run(text, allow_unknown_types=True)
    task = result.raise_for_errors().tasks[0]
    assert (task.kind, task.timeout) == ("unknown", "PT1S")
    assert task.props["any"] == {"on": "yes"}
    assert [one.code for one in result.warnings] == ["GOV165", "GOV165"]


def test_slots() -> None:
    text = """
id: a
namespace: b
tasks:
  - id: block
    type: test.Block
    tasks:
      - {id: x, type: test.Sample}
    errors: []
    finally:
      - {id: f, type: test.Sample}
  - id: cases
    type: test.Cases
    cases:
      1: [{id: y, type: test.Sample}]
      on: []
    defaults: ~
"""
    flow = run(text).raise_for_errors()
    assert {key: [task.id for task in tasks] for key, tasks in flow.index["block"].slots.items()} == {
        "tasks": ["x"], "errors": [], "finally": ["f"],
    }  # fmt: skip
    assert list(flow.index["cases"].slots) == ["cases:1", "cases:on", "defaults"]
    assert [one.code for one in run(text.replace("[{id: y, type: test.Sample}]", "[]")).errors] == ["GOV117"]
    assert [one.code for one in run(text.replace("defaults: ~", "defaults: x")).errors] == ["GOV114"]


def test_old_outputs_warn() -> None:
    result = sample("text: \"{{ outputs.one.files['a'] }}\"")
    assert said(result) == [("GOV160", 6, 27)]
    assert result.warnings[0].hint == 'write "outputFiles"'


def test_plugin_defaults() -> None:
    text = """
id: a
namespace: b
pluginDefaults:
  - type: test.OldSample
    values: {text: first, lines: [x], anything: {a: 1, b: 1}}
  - type: test.
    values: {text: second, number: 1}
  - type: test.Sample
    forced: true
    values: {flag: true}
  - type: test.provider
    values: {heat: 0.5}
tasks:
  - {id: one, type: test.Sample}
  - {id: two, type: test.Sample, text: own, flag: false, lines: [y], anything: {b: 2}}
"""
    # A nested type gets defaults of its own prefix through "test." only if it has the property.
    flow = run(text).raise_for_errors()
    assert flow.tasks[0].props == {
        "text": "first", "number": 1, "lines": ["x"], "anything": {"a": 1, "b": 1}, "flag": True,
    }  # fmt: skip
    assert flow.tasks[1].props == {
        "text": "own", "number": 1, "lines": ["x", "y"], "anything": {"a": 1, "b": 2}, "flag": True,
    }  # fmt: skip


def test_locations_and_files() -> None:
    result = check("id: a\nnamespace: b\n", TYPES, file="flow.yaml")
    assert str(result.errors[0].location) == "flow.yaml:1:1"


def test_all_problems_are_reported_by_line() -> None:
    result = run(
        "namespace: B\nid: a\ntasks:\n  - {id: x, type: test.Sample, nope: 1}\n  - {id: x, type: gone.Type}\nzz: 1"
    )
    lines = [one.location.line for one in result.diagnostics if one.location]
    assert lines == sorted(lines)
    assert {one.code for one in result.errors} == {"GOV116", "GOV112", "GOV115", "GOV111"}


def test_speed_of_a_thousand_tasks() -> None:
    tasks = "".join(
        f'  - id: t{n}\n    type: test.Sample\n    text: "step {n} {{{{ inputs.day }}}}"\n    lines: [a, b]\n'
        for n in range(1000)
    )
    start = time.perf_counter()
    result = run(f"id: a\nnamespace: b\ninputs: [{{id: day, type: STRING}}]\ntasks:\n{tasks}")
    assert len(result.raise_for_errors().tasks) == 1000
    assert time.perf_counter() - start < 20  # a guard against squares, not the benchmark


YAML = st.lists(
    st.sampled_from(["id", "type", ":", " ", "\n", "-", "{", "}", "[", "]", "tasks", "test.Sample", "'", '"', "text",
                     "{{", "}}", "inputs", "outputs", ".", "x", "~", "1", "&a", "*a", "|", ">", "!", "errors", ","]),
    max_size=60,
).map("".join)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(YAML)
def test_any_text_gives_a_flow_or_diagnostics(text: str) -> None:
    for start in ("", "id: a\nnamespace: b\ntasks:\n  - id: one\n    type: test.Sample\n    "):
        result = run(start + text)
        assert (result.flow is None) == bool(result.errors)


ONE = "id: a\nnamespace: b\ntasks:\n"
TEXT = '  - {{id: task{n}, type: test.Sample, text: "{{{{ {name}{n}.v }}}}"}}\n'


@pytest.mark.parametrize(
    "text",
    [
        ONE + "  - {id: x, type: test.Sample}\n" + "".join(f"kez{n}: v\n" for n in range(30_000)),
        ONE + "".join(f"  - {{id: t{n}, type: test.Sampel{n}}}\n" for n in range(8_000)),
        ONE + "".join(TEXT.format(n=n, name="outputs.tusk") for n in range(2_500)),
        ONE + "".join(TEXT.format(n=n, name="inputs.gone") for n in range(1_500)),
        "pluginDefaults:\n" + "  - {type: test, values: {text: x}}\n" * 1_500
        + ONE + "".join(f"  - {{id: t{n}, type: test.Sample}}\n" for n in range(1_500)),
    ],
    ids=["unknown-keys", "unknown-types", "unknown-tasks", "undeclared-inputs", "defaults"],
)  # fmt: skip
def test_a_flow_full_of_mistakes_is_checked_in_time(text: str) -> None:
    start = time.perf_counter()
    run(text)
    assert time.perf_counter() - start < 30  # seconds here; minutes when a comparison of all with all sneaks in


def test_slips_in_a_task_of_a_type_that_may_exist_elsewhere_do_not_refuse_the_flow() -> None:
    text = "id: a\nnamespace: b\ntasks:\n  - {id: one, type: com.example.Far, tiemout: PT1S, script: x, retries: 3}\n"
    result = run(text, allow_unknown_types=True)
    assert result.flow is not None
    assert [(one.code, one.hint) for one in result.warnings if one.code != "GOV165"] == [
        ("GOV112", 'did you mean "timeout"?')
    ]
    assert [one.code for one in run(text).errors] == ["GOV111", "GOV112"]


def test_a_key_nearly_called_type_is_taken_as_the_type() -> None:
    result = run("id: a\nnamespace: b\ntasks:\n  - {id: one, tpye: test.Needy}\n")
    assert [(one.code, one.hint) for one in result.errors] == [
        ("GOV113", "Add who: …"), ("GOV112", 'did you mean "type"?'),
    ]  # fmt: skip


@pytest.mark.parametrize("line", ["typ: [a]", "typ: {a: b}", "typ:", "type:", "type: []"])
def test_what_cannot_be_a_type_is_still_missed(line: str) -> None:
    found = run(f"id: a\nnamespace: b\ntasks:\n  - id: one\n    {line}\n").errors
    assert "GOV113" in [one.code for one in found]
    assert any(one.hint == 'did you mean "type"?' for one in found) == line.startswith("typ:")


def test_many_keys_that_are_nearly_right_take_no_time() -> None:
    own = "".join(f"    tiemout{number}: x\n" for number in range(20_000))
    before = time.perf_counter()
    run(f"id: a\nnamespace: b\ntasks:\n  - id: one\n    type: com.example.Far\n{own}")
    assert time.perf_counter() - before < 20


def test_variables_that_tasks_set_are_known():
    head = "id: f\nnamespace: n\ntasks:\n"
    kind = "io.kestra.plugin.core.execution.SetVariables"
    say = '  - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ vars.%s }}"}\n'
    known = check(f"{head}  - {{id: s, type: {kind}, variables: {{stage: x}}}}\n{say % 'stage'}", Registry())
    assert not known.errors
    typo = check(f"{head}  - {{id: s, type: {kind}, variables: {{stage: x}}}}\n{say % 'stagee'}", Registry())
    assert [one.code for one in typo.errors] == ["GOV133"]
    computed = check(f"{head}  - {{id: s, type: {kind}, variables: '{{{{ outputs.s }}}}'}}\n{say % 'any'}", Registry())
    assert not computed.errors


def test_faults_inside_of_listeners_are_named_too():
    text = """\
id: f
namespace: n
listeners:
  - tasks:
      - {id: again, type: io.kestra.plugin.core.log.Log, message: "{{ vars. }}"}
      - {id: other, type: io.kestra.plugin.core.log.Nothing}
  - tasks: []
  - conditions: []
tasks:
  - {id: again, type: io.kestra.plugin.core.log.Log, message: x}
"""
    found = {(one.code, one.location.line) for one in check(text, Registry()).errors if one.location}
    assert {("GOV118", 3), ("GOV115", 5), ("GOV111", 6), ("GOV117", 7), ("GOV117", 8)} <= found
    assert any(code.startswith("GOV15") and line == 5 for code, line in found)


def test_what_a_trigger_says_without_effect_is_told():
    text = (
        "id: f\nnamespace: n\ntasks: [{id: t, type: io.kestra.plugin.core.log.Log, message: hi}]\ntriggers:\n"
        "  - id: call\n    type: io.kestra.plugin.core.trigger.Webhook\n    key: long-enough\n    wait: true\n"
        "    returnOutputs: false\n    logLevel: INFO\n"
    )
    found = check(text, Registry())
    assert [(one.code, one.location.line) for one in found.warnings] == [("GOV163", 8), ("GOV163", 10)]


def test_a_trigger_that_asks_a_server_is_checked_and_said_not_to_fire():
    text = """\
id: f
namespace: n
tasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: x}]
triggers:
  - id: there
    type: io.kestra.plugin.core.http.Trigger
    uri: https://example.com
    responseCondition: "{{ response.statusCode == 200 }}"
"""
    result = check(text, Registry())
    assert not result.errors
    assert [(one.code, one.location.line) for one in result.warnings if one.location] == [("GOV163", 5)]
    typo = check(text.replace("responseCondition", "responseConditon"), Registry())
    assert any("responseCondition" in (one.hint or "") for one in typo.errors)
