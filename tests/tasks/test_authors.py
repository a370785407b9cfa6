"""What the author of a task type relies on: binding, nested types, outputs, and the kit for tests."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.check import check as check_flow
from jupyter_gov.plugins.api import Dynamic, GovModel, RunnableTask
from jupyter_gov.plugins.context import Metric, RunContext
from jupyter_gov.plugins.nested import NestedType
from jupyter_gov.plugins.outputs import jsonable, outputs_of
from jupyter_gov.plugins.registry import Registry
from jupyter_gov.plugins.testing import MASK, TestContext, check, run_task


class Shape(NestedType):
    """A shape."""

    family: ClassVar[str] = "shape"
    later: ClassVar[Mapping[str, str]] = {"example.later.": "{name} comes later"}


class Circle(Shape):
    """A circle."""

    type_name = "example.Circle"
    radius: Dynamic[int]
    plain: str = ""


class Point(GovModel):
    """A point."""

    x: Dynamic[int]


class Draw(RunnableTask):
    """Draws."""

    type_name = "example.Draw"
    count: Dynamic[int] = 1
    flag: Dynamic[bool] = False
    limit: Dynamic[int] | None = None
    names: Dynamic[list[str]] = Field(default_factory=list)
    table: Dynamic[dict[str, Any]] = Field(default_factory=dict)
    shape: Shape | None = None
    shapes: list[Shape] = Field(default_factory=list)
    point: Point | None = None
    raw: str = ""

    def run(self, ctx: RunContext) -> dict[str, Any]:
        ctx.logger.info(f"{self.count} with {ctx.secret('KEY')}" if self.flag else "no secret")
        ctx.metric(Metric("count", "counter", self.count))
        ctx.progress(1, 2, "half")
        ctx.set_labels({"drawn": "yes"})
        return {
            "values": [self.count, self.flag, self.limit, self.names, self.table, self.raw],
            "radius": [shape.radius for shape in [self.shape, *self.shapes] if isinstance(shape, Circle)],
            "x": self.point.x if self.point else None,
        }


EXTRA = {place: f"{__name__}:{place.rpartition('.')[2]}" for place in ("example.Draw", "example.Circle")}
VARIABLES: dict[str, Any] = {"inputs": {"n": 3, "names": ["a", "b"], "none": None, "text": "x"}}


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> Registry:
    registry = Registry(EXTRA)
    monkeypatch.setattr("jupyter_gov.plugins.nested._installed", lambda: registry)
    return registry


def draw(**props: Any) -> dict[str, Any]:
    return run_task(Draw, props, variables=VARIABLES, secrets={"KEY": "hunter2"}).outputs


def test_expressions_become_the_declared_types() -> None:
    outputs = draw(
        count="{{ inputs.n + 1 }}",
        flag="{{ inputs.n > 2 }}",
        limit="{{ inputs.none }}",
        names="{{ inputs.names }}",
        table={"{{ inputs.text }}": ["{{ inputs.n }}", 3]},
        raw="{{ inputs.n }}",
    )
    assert outputs["values"] == [4, True, None, ["a", "b"], {"x": ["3", 3]}, "{{ inputs.n }}"]


def test_nested_types_are_rendered_too() -> None:
    circle = {"type": "example.Circle", "radius": "{{ inputs.n }}", "plain": "{{ inputs.n }}"}
    assert draw(shape=circle, shapes=[circle, {**circle, "radius": 5}], point={"x": "{{ inputs.n }}"}) == {
        "values": [1, False, None, [], {}, ""], "radius": [3, 3, 5], "x": 3
    }  # fmt: skip


@pytest.mark.parametrize(
    ("props", "message"),
    [
        ({"count": "{{ inputs.text }}"}, r"Property `count`: .*\(got 'x'\)"),
        ({"names": "{{ inputs.n }}"}, "Property `names`"),
        ({"shape": {"type": "example.Circle", "radius": "{{ inputs.text }}"}}, "radius"),
    ],
)
def test_expressions_that_give_something_else(props: dict[str, Any], message: str) -> None:
    assert check(Draw, props) == []
    with pytest.raises(TaskError, match=message) as caught:
        draw(**props)
    assert caught.value.code == "GOV801"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"type": "example.Circel", "radius": 1}, r"no shape of type 'example\.Circel'; did you mean example\.Circle"),
        ({"type": "example.later.Cube"}, r"example\.later\.Cube comes later"),
        ({"type": "example.Draw"}, "no shape"),
        ({"radius": 1}, "a shape is a map with a `type`"),
        ("circle", "a shape is a map with a `type`"),
        ({"type": "example.Circle", "radius": 1, "colour": "red"}, "colour"),
    ],
)
def test_wrong_nested_types(shape: Any, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        check(Draw, {"shape": shape})


def test_a_flow_with_the_types_of_somebody_else(installed: Registry) -> None:
    flow = """\
id: f
namespace: n
tasks:
  - id: draw
    type: example.Draw
    count: "{{ 1 + 1 }}"
    shape:
      type: example.Circle
      radius: 3
"""
    assert check_flow(flow, installed).errors == ()
    wrong = check_flow(flow.replace("radius", "radiux"), installed)
    assert {problem.location.line for problem in wrong.errors if problem.location} == {9}


def test_what_a_task_told_its_context(tmp_path: Any) -> None:
    context = TestContext(tmp_path, secrets={"KEY": "hunter2"})
    result = run_task(Draw, {"flag": True}, context=context)
    assert result.logs == [("INFO", f"1 with {MASK}")]
    assert result.metrics == [Metric("count", "counter", 1)]
    assert (result.labels, result.progress) == ({"drawn": "yes"}, [(1, 2, "half")])


def test_a_missing_secret() -> None:
    with pytest.raises(TaskError, match="KEY"):
        run_task(Draw, {"flag": True})


def nested(levels: int) -> Any:
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (decimal.Decimal("1.10"), 1.1),
        (decimal.Decimal("12345678901234567.89"), "12345678901234567.89"),
        (decimal.Decimal(7), 7),
        (decimal.Decimal("NaN"), "NaN"),
        (float("inf"), "inf"),
        (dt.timedelta(seconds=90), "PT1M30S"),
        (dt.date(2026, 1, 31), "2026-01-31"),
        ((1, {2}), [1, [2]]),
        ({1: b"\xff"}, {"1": "\\xff"}),
        (Point(x=1), {"x": 1}),
        ({"\udcff.csv": ["a\ud800", Path("\udcff")]}, {"\\udcff.csv": ["a\\ud800", "\\udcff"]}),
        (nested(100), nested(100)),
    ],
    ids=ascii,
)
def test_outputs_are_json(value: Any, stored: Any) -> None:
    assert jsonable(value) == stored


@pytest.mark.parametrize("result", [3, "x", [1], {"a": object()}, {"a": nested(100)}, {"a": nested(100_000)}], ids=type)
def test_what_cannot_be_an_output(result: Any) -> None:
    with pytest.raises(TaskError) as caught:
        outputs_of(result)
    assert caught.value.code == "GOV802"
