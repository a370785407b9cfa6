"""``jupyter_gov.notebook`` as the author of a notebook meets it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import date
from typing import Any

import pandas as pd
import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.notebook import metric, output
from tests.notebook.conftest import Bench


def test_outside_of_a_notebook_values_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    output("auc", 0.5)
    output(a=[1, "x"], b=None)
    metric("rows", 3)
    metric("wait", 1.5, type="timer", tags={"step": "load"})
    output()
    assert capsys.readouterr().out.splitlines() == ["auc = 0.5", "a = [1, 'x']", "b = None", "rows: 3", "wait: 1.5 s"]


def test_in_a_script_task_the_line_protocol_is_spoken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_GOV_PROCESS", "x.1")
    output(a=1)
    metric("rows", 3)
    first, second = capsys.readouterr().out.splitlines()
    assert json.loads(first.removeprefix("::").removesuffix("::")) == {"outputs": {"a": 1}}
    assert json.loads(second.removeprefix("::").removesuffix("::"))["metrics"][0]["name"] == "rows"


@pytest.mark.parametrize(
    ("value", "words", "hint"),
    [
        (math.nan, "nan cannot be written as JSON", "None"),
        ({"a": [math.inf]}, "'x.a[0]'", "None"),
        ({1: 2}, "its key 1 is no text", "str(k)"),
        ({1, 2}, "a set cannot", "lists and maps"),
        (date(2026, 1, 1), "a date cannot", "isoformat"),
        (pd.DataFrame({"a": [1]}), "a DataFrame cannot", "records"),
        (pd.Series([1]).to_numpy(), "a ndarray cannot", "tolist"),
        (object(), "a object cannot", "lists and maps"),
        ("x" * 2**21, "bytes as JSON", "file"),
    ],
)
def test_what_is_no_json_is_refused(value: Any, words: str, hint: str) -> None:
    with pytest.raises(TaskError) as caught:
        output("x", value)
    assert caught.value.code == "GOV848"
    assert words in caught.value.message
    assert hint in str(caught.value.hint)


def test_scalars_of_numpy_are_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame({"a": [1, 2], "b": [0.5, 1.5], "c": [True, False]})
    output(a=table.a.sum(), b=table.b.mean(), c=table.c.any(), d=[table.a.iloc[0]])
    metric("m", table.b.max())
    assert capsys.readouterr().out.splitlines() == ["a = 3", "b = 1.0", "c = True", "d = [1]", "m: 1.5"]


@pytest.mark.parametrize("call", [lambda: output("a"), lambda: output(3, 1), lambda: metric("m", math.nan),  # type: ignore[call-overload]
                                  lambda: metric("m", "1"), lambda: metric("m", 1, type="gauge"), lambda: metric("", 1),
                                  lambda: metric("m", True)])  # fmt: skip
def test_wrong_calls_are_refused(call: Any) -> None:
    with pytest.raises(TaskError) as caught:
        call()
    assert caught.value.code == "GOV848"


def test_an_error_in_a_notebook_says_what_to_do(bench: Bench) -> None:
    with pytest.raises(TaskError) as caught:
        bench.run("from jupyter_gov.notebook import output\noutput(x=float('nan'))")
    assert "GOV848" in caught.value.message
    assert "None" in str(caught.value.details)


def test_a_widget_that_captures_outputs_does_not_swallow_values(bench: Bench) -> None:
    cell = (
        "import ipywidgets\nfrom jupyter_gov.notebook import output\nbox = ipywidgets.Output()\n"
        "with box:\n    output(x=1)\nbox"
    )
    assert bench.run(cell).outputs["outputs"] == {"x": 1}


def test_the_module_is_light() -> None:
    code = (
        "import sys\nimport jupyter_gov.notebook\n"
        "heavy = {'pydantic', 'IPython', 'papermill', 'nbformat', 'zmq', 'sqlalchemy'} & set(sys.modules)\nprint(heavy)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
