"""Every case of ``invalids.yaml``: definitions that the check must refuse, naming the fault at its place, or accept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import yaml

from jupyter_gov.lang.check import CheckedFlow
from tests.conformance.cases import parametrize
from tests.conformance.error_words import says
from tests.conformance.failure import Unmet, judge
from tests.conformance.world import World

FILE = "invalids.yaml"
KEYS = frozenset(
    ["id", "group", "file", "inline", "stage", "must_be_rejected", "violations", "error_mentions", "needs", "notes"]
)
STAGES = frozenset({"parse", "validation"})
_LOG = {"id": "log", "type": "io.kestra.plugin.core.log.Log", "message": "hello"}
_FLOW: Mapping[str, Any] = {"id": "fragment", "namespace": "io.kestra.tests"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    parametrize(metafunc, FILE, _group)


def _group(case: Mapping[str, Any]) -> str:
    return str(case.get("group") or ("+".join(case["inline"]) if "inline" in case else "flow"))


def test_case(case: dict[str, Any], make_world: Any) -> None:
    judge(lambda: run(make_world(case), case))


def run(world: World, case: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as the case says."""
    yield from (f"unknown case key `{key}`" for key in case if key not in KEYS)
    if case["stage"] not in STAGES:
        yield f"unknown stage `{case['stage']}`"
    if "file" in case:
        path = world.corpus / "flows" / case["file"]
        if not path.is_file():
            pytest.skip(f"the corpus has no {case['file']}")
        source = path.read_text(encoding="utf-8")
    else:
        source = embedded(world, case["inline"])
    checked = world.gov.flows.check(source)
    errors = [f"{one.location}: {one.code} {one.message} {one.hint or ''}" for one in checked.errors]
    if bool(errors) is not case["must_be_rejected"]:
        yield f"must_be_rejected: expected {case['must_be_rejected']}, got {errors or 'no error'}"
        return
    yield from told(case, checked, errors)


def told(case: Mapping[str, Any], checked: CheckedFlow, errors: list[str]) -> Iterator[str]:
    """Yield what the errors fail to name; one of ours may stand for a list of Kestra's, or the other way round."""
    everything = "\n".join(errors)
    for text in case.get("error_mentions") or []:
        if not mentions(everything, text):
            yield f"error_mentions: expected {text!r}, got {errors}"
    # Kestra counts one fault several times, or several as one; but what is named must not be all in one message.
    if len(errors) < min(case.get("violations", 1), len(case.get("error_mentions") or [])):
        yield f"violations: expected {case['violations']}, got {errors}"
    yield from (f"it says no line: {one.message}" for one in checked.errors if one.location is None)


def mentions(message: str, wanted: str) -> bool:
    """Return whether a message names what must be named; ``(each of the two is one of:) a | b`` is a choice."""
    rule, _, choice = wanted.rpartition("one of:) ")
    return any(says(message, one) for one in choice.split(" | ")) if rule else says(message, wanted)


def embedded(world: World, fragment: Mapping[str, Any]) -> str:
    """Return a flow around a fragment that is checked on its own; the flow without it must be fine."""
    if len(fragment) != 1:
        raise Unmet(f"the runner expects one fragment, not {list(fragment)}")
    ((kind, spec),) = fragment.items()
    if kind not in _AROUND:
        raise Unmet(f"unknown fragment `{kind}`")
    plain = _text(_AROUND[kind](None))
    problems = world.gov.flows.check(plain).errors
    if problems:
        raise Unmet(f"not built yet: what stands around a `{kind}`: {[one.message for one in problems]}")
    return _text(_AROUND[kind](spec))


def _text(flow: Mapping[str, Any]) -> str:
    return str(yaml.safe_dump(flow, sort_keys=False))


def _flow(**more: Any) -> dict[str, Any]:
    return {**_FLOW, "tasks": [_LOG], **{name: value for name, value in more.items() if value is not None}}


def _flow_trigger(**preconditions: Any) -> dict[str, Any]:
    condition = {"id": "both", "flows": [{"namespace": "io.kestra.tests", "flowId": "first"}]}
    filled = {name: value for name, value in preconditions.items() if value is not None}
    return _flow(
        triggers=[
            {"id": "upstream", "type": "io.kestra.plugin.core.trigger.Flow", "preconditions": {**condition, **filled}}
        ]
    )


def _in_list(spec: Any) -> list[Any] | None:
    return None if spec is None else [spec]


_AROUND: Mapping[str, Callable[[Any], Mapping[str, Any]]] = {
    "task": lambda spec: {**_FLOW, "tasks": [spec or _LOG]},
    "trigger": lambda spec: _flow(triggers=_in_list(spec)),
    "retry": lambda spec: {**_FLOW, "tasks": [_LOG if spec is None else {**_LOG, "retry": spec}]},
    "sla": lambda spec: _flow(sla=_in_list(spec)),
    "input": lambda spec: _flow(inputs=_in_list(spec)),
    "output": lambda spec: _flow(outputs=_in_list(spec)),
    "labels": lambda spec: _flow(labels=spec),
    "concurrency": lambda spec: _flow(concurrency=spec),
    "condition": lambda spec: _flow(
        triggers=[
            {"id": "upstream", "type": "io.kestra.plugin.core.trigger.Flow", "conditions": _in_list(spec) or []},
        ]
    ),
    "pluginDefault": lambda spec: _flow(pluginDefaults=_in_list(spec)),
    "timeWindow": lambda spec: _flow_trigger(timeWindow=spec),
    "filter": lambda spec: _flow_trigger(
        where=None if spec is None else [{"id": "only", "filters": [spec]}],
    ),
}
"""What a kind of fragment stands in; with None the flow without it."""
