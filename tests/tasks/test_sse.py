"""Listening to servers that send events."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_gov.errors import TaskError
from jupyter_gov.plugins.testing import TestContext, run_task
from jupyter_gov.tasks.http.sse import SseRequest, events_of
from tests.tasks.alone import alone
from tests.tasks.web import Web, web

STREAM = (
    "\ufeff: welcome\n\ndata: one\n\n"
    'event: told\nid: 7\ndata: {"message": "Hello"}\ndata:\n\n'
    'data: {"message": 5}\r\n\r\ndata:{"message": true}\r\rid\ndata: [1]\n\n'
    "data: cut off"
).encode()


@pytest.fixture
def server() -> Iterator[Web]:
    with web() as running:
        yield running


def listen(tmp_path: Path, uri: str, **props: Any) -> dict[str, Any]:
    return run_task(SseRequest, {"uri": uri, **props}, context=TestContext(tmp_path)).outputs


def told(parts: list[bytes]) -> list[tuple[Any, Any, Any]]:
    return [(event["id"], event["name"], event["data"]) for event in events_of(parts)]


EVENTS = [
    (None, None, "one"),
    ("7", "told", {"message": "Hello"}),
    ("7", None, {"message": 5}),
    ("7", None, {"message": True}),
    ("", None, [1]),
]


def test_events_are_read_as_the_standard_says() -> None:
    assert told([STREAM]) == EVENTS


@given(st.lists(st.integers(min_value=0, max_value=len(STREAM)), max_size=8))
def test_it_does_not_matter_how_the_stream_is_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    parts = [STREAM[start:end] for start, end in pairwise(places)]
    assert told(parts) == told([STREAM])


def test_all_events_come_back(tmp_path: Path, server: Web) -> None:
    outputs = listen(tmp_path, f"{server.url}/events")
    assert outputs["size"] == 3
    assert [event["data"] for event in outputs["events"]] == [{"message": "a"}, {"message": "b"}, "plain"]
    assert outputs["result"] is None


def test_enough_is_enough(tmp_path: Path, server: Web) -> None:
    assert listen(tmp_path, f"{server.url}/events?endless=1", maxEvents=2)["size"] == 2


def test_a_stream_without_an_end_stops_at_the_limit_of_its_size(tmp_path: Path, server: Web) -> None:
    with pytest.raises(TaskError) as caught:
        listen(tmp_path, f"{server.url}/events?endless=1", options={"maxContentLength": 2000})
    assert caught.value.code == "GOV885"


def test_a_refusal_is_told(tmp_path: Path, server: Web) -> None:
    with pytest.raises(TaskError) as caught:
        listen(tmp_path, f"{server.url}/code/404")
    assert caught.value.code == "GOV884"


def test_what_a_jq_program_gives_is_joined(tmp_path: Path, server: Web) -> None:
    text = f"""\
id: sse
namespace: company.team
tasks:
  - {{id: joined, type: io.kestra.plugin.core.http.SseRequest, uri: "{server.url}/events", maxEvents: 2,
      concatJqExpression: .data.message}}
  - {{id: lenient, type: io.kestra.plugin.core.http.SseRequest, uri: "{server.url}/events", failedOnMissingJq: false,
      concatJqExpression: ".data | objects | .message"}}
  - {{id: strict, type: io.kestra.plugin.core.http.SseRequest, uri: "{server.url}/events",
      concatJqExpression: ".data | objects | .message"}}
"""
    with alone(tmp_path) as one:
        ended = one.rig.wait(one.rig.start(text))
    runs = {run.task_id: run for run in ended.ordered()}
    assert (runs["joined"].outputs or {})["result"] == "ab"
    assert (runs["lenient"].outputs or {})["result"] == "ab"
    assert runs["strict"].failure is not None
    assert (runs["strict"].failure.code, "Event 3" in runs["strict"].failure.message) == ("GOV887", True)
