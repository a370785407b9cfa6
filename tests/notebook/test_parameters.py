"""What a notebook gets for what a flow says."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest

from jupyter_gov.errors import TaskError
from jupyter_gov.runtime.notebook_parameters import check, declared
from tests.notebook.conftest import HAND_BACK, Bench

CELL = """\
rows: int = 10  # how many
rate: float = 0.5
name: str = "x"
on: bool = True
columns: list[str] = ["a"]
options: dict = {}
limit: int | None = None
anything = None
count = 3
label = "high"
first, second = 1, 2
text = "a=b"
"""


def _check(given: dict[str, Any], cell: str | None = CELL) -> dict[str, Any]:
    nb = nbformat.v4.new_notebook()
    if cell is not None:
        nb.cells.append(nbformat.v4.new_code_cell(cell, metadata={"tags": ["parameters"]}))
    return check(nb, "python3", "python", given, lambda text: text.replace("hidden", "***"))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"rows": 5}, {"rows": 5}),
        ({"rows": " 5 "}, {"rows": 5}),
        ({"rate": 1}, {"rate": 1.0}),
        ({"rate": "1e-3"}, {"rate": 0.001}),
        ({"name": "5"}, {"name": "5"}),
        ({"on": "False"}, {"on": False}),
        ({"columns": '["b", "c"]'}, {"columns": ["b", "c"]}),
        ({"columns": ("b",)}, {"columns": ["b"]}),
        ({"options": {"a": {"b": None}}}, {"options": {"a": {"b": None}}}),
        ({"limit": None}, {"limit": None}),
        ({"limit": ""}, {"limit": None}),
        ({"limit": "7"}, {"limit": 7}),
        ({"anything": [1, "a"]}, {"anything": [1, "a"]}),
        ({"count": 0.5}, {"count": 0.5}),
        ({"first": 3, "second": "x", "text": "y"}, {"first": 3, "second": "x", "text": "y"}),
    ],
)
def test_values_get_the_declared_type(given: dict[str, Any], expected: dict[str, Any]) -> None:
    found = _check(given)
    assert found == expected
    assert [type(value) for value in found.values()] == [type(value) for value in expected.values()]


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        ({"row": 5}, "GOV841", "no parameter 'row'. Did you mean 'rows'?"),
        ({"rows": 0.5}, "GOV842", "'rows' is int, got 0.5"),
        ({"rows": "many"}, "GOV842", "'rows' is int, got 'many'"),
        ({"rows": True}, "GOV842", "'rows' is int, got True"),
        ({"rows": None}, "GOV842", "'rows' is int, got None"),
        ({"name": 1.1}, "GOV842", "'name' is str, got 1.1. Put it in quotes."),
        ({"label": 3}, "GOV842", "'label' is str, got 3"),
        ({"on": "yes"}, "GOV842", "'on' is bool, got 'yes'"),
        ({"columns": "{}"}, "GOV842", "'columns' is list[str]"),
        ({"options": [1]}, "GOV842", "'options' is dict, got [1]"),
        ({"name": "so hidden"}, "GOV847", "'name' holds a secret"),
        ({"options": {"deep": ["hidden"]}}, "GOV847", "'options' holds a secret"),
    ],
)
def test_wrong_values_are_errors(given: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(TaskError) as caught:
        _check(given)
    assert caught.value.code == code
    assert words in caught.value.message
    assert caught.value.hint is not None
    assert "rows: int" in caught.value.hint


def test_all_problems_come_at_once() -> None:
    with pytest.raises(TaskError) as caught:
        _check({"row": 5, "rate": "x", "name": "fine", "nothing_like_it": 1})
    for name in ("'row'", "'rate'", "'nothing_like_it'"):
        assert name in caught.value.message


@pytest.mark.parametrize("cell", [None, "", "import math"])
def test_a_notebook_without_parameters_says_how_to_have_some(cell: str | None) -> None:
    with pytest.raises(TaskError, match="Tag the cell") as caught:
        _check({"rows": 5}, cell)
    assert caught.value.code == "GOV841"


def test_a_cell_that_python_cannot_parse_is_read_by_line() -> None:
    nb = nbformat.v4.new_notebook()
    nb.cells.append(nbformat.v4.new_code_cell("%matplotlib inline\nrows: int = 3", metadata={"tags": ["parameters"]}))
    found = declared(nb, "python3", "python")
    assert found is not None
    assert found["rows"].type == "int"


def test_other_languages() -> None:
    nb = nbformat.v4.new_notebook()
    nb.cells.append(nbformat.v4.new_code_cell("rows = 3", metadata={"tags": ["parameters"]}))
    assert check(nb, "ir", "R", {"rows": 5, "unknown": 1}, str) == {"rows": 5, "unknown": 1}
    with pytest.raises(TaskError, match="Brainfuck"):
        check(nb, "bf", "Brainfuck", {"rows": 5}, str)


def test_types_survive_the_way_through_the_flow(bench: Bench) -> None:
    context = bench.context(
        variables={"inputs": {"n": 7, "names": ["a", "ł\"'\n"], "rate": 0.25, "on": False, "none": None}}
    )
    cell = "n = 1\nnames = []\nrate = 1.0\non = True\nnone = 3\ntext = ''\nplain = 0\nkept = 'default'\nnested = {}"
    result = bench.run(
        HAND_BACK + "output(all=[n, names, rate, on, text, plain, kept, nested])",
        parameters=cell,
        given={
            "n": "{{ inputs.n }}",
            "names": "{{ inputs.names }}",
            "rate": "{{ inputs.rate }}",
            "on": "{{ inputs.on }}",
            "text": "n={{ inputs.n }}",
            "plain": 5,
            "nested": {"a": [1, {"b": True}]},
        },
        context=context,
    )
    assert result.outputs["outputs"]["all"] == [
        *(7, ["a", "ł\"'\n"], 0.25, False, "n=7", 5, "default"),
        {"a": [1, {"b": True}]},
    ]
    saved = bench.saved(result.outputs["notebook"])
    assert saved.metadata.papermill.parameters.n == 7
    assert result.outputs["cells"][1]["number"] is None


def test_nothing_runs_when_a_parameter_is_unknown(bench: Bench) -> None:
    with pytest.raises(TaskError) as caught:
        bench.run("open('ran', 'w')", parameters="rows = 1", given={"row": 2})
    assert caught.value.code == "GOV841"
    assert not (bench.folder / "start" / "ran").exists()
    assert caught.value.outputs is None
