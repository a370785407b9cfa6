"""For the authors of notebooks that run as a task of a flow: hand values back to the flow.

In a notebook that somebody works on by hand, the same calls just show the value.

Examples
--------
>>> output("auc", 0.93)
auc = 0.93
>>> output(rows=1200, columns=["a", "b"])
rows = 1200
columns = ['a', 'b']
>>> metric("duration", 1.5, type="timer")
duration: 1.5 s
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from typing import Any, Literal

from jupyter_gov.errors import TaskError

__all__ = ["metric", "output"]

OUTPUT_MIME = "application/vnd.jupyter-gov.output+json"
METRIC_MIME = "application/vnd.jupyter-gov.metric+json"

SIZE_LIMIT = 2**20
"""Bytes of JSON; larger results belong into a file."""

_NOTHING: Any = object()
_PATH_SHOWN = 60


def output(name: str | None = None, value: Any = _NOTHING, /, **values: Any) -> None:
    """Hand values back to the flow, where they are ``outputs.<task id>.outputs.<name>``.

    Parameters
    ----------
    name, value
        One value: text, number, boolean, None, or lists and maps of these. Scalars of NumPy become plain numbers.
    values
        Several values by name.

    Raises
    ------
    TaskError
        ``GOV848``: a value cannot be written as JSON, or is too large.

    Examples
    --------
    >>> output("auc", 0.93)
    auc = 0.93
    """
    if name is not None:
        if value is _NOTHING:
            raise TaskError(f"output({name!r}) has no value.", code="GOV848", hint='Write output("name", value).')
        values = {_checked_name(name): value, **values}
    found = {key: _plain(item, key) for key, item in values.items()}
    for key, item in found.items():
        _check_size(key, item)
    if found:
        text = "\n".join(f"{key} = {item!r}" for key, item in found.items())
        _show(OUTPUT_MIME, {"outputs": found}, text, {"outputs": found})


def metric(
    name: str,
    value: float,
    *,
    type: Literal["counter", "timer"] = "counter",  # noqa: A002 - the word that flows and scripts use
    tags: Mapping[str, str] | None = None,
) -> None:
    """Report a number of this run; it is shown and kept with the task run.

    Parameters
    ----------
    value
        A finite number; of a ``timer``, seconds.
    tags
        Tell apart numbers of the same name.

    Raises
    ------
    TaskError
        ``GOV848``: it is no finite number, or the type is unknown.

    Examples
    --------
    >>> metric("rows", 1200)
    rows: 1200
    """
    number = _scalar(value)
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise TaskError(f"Metric {name!r} must be a finite number, got {value!r}.", code="GOV848")
    if type not in ("counter", "timer"):
        raise TaskError(f"Metric {name!r} has type {type!r}; expected 'counter' or 'timer'.", code="GOV848")
    record = {
        "name": _checked_name(name),
        "type": type,
        "value": number,
        "tags": {str(key): str(item) for key, item in (tags or {}).items()},
    }
    text = f"{name}: {number}{' s' if type == 'timer' else ''}"
    _show(METRIC_MIME, record, text, {"metrics": [record]})


def _show(mime: str, data: Mapping[str, Any], text: str, line: Mapping[str, Any]) -> None:
    # Only where there is a kernel is IPython imported already.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is not None:
        from IPython.display import display  # noqa: PLC0415

        display({mime: data, "text/plain": text}, raw=True)  # type: ignore[no-untyped-call]
    elif "JUPYTER_GOV_PROCESS" in os.environ:
        # A Python script that runs as a task: its lines are read by this protocol.
        print(f"::{json.dumps(line, allow_nan=False)}::", flush=True)  # noqa: T201
    else:
        print(text)  # noqa: T201


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise TaskError(f"The name of an output must be a text, got {name!r}.", code="GOV848")
    return name


def _scalar(value: Any) -> Any:
    """Return the plain value of a NumPy (or pandas, torch) scalar."""
    if isinstance(value, str | int | float):
        # numpy.float64 is a float and would print as one of NumPy's.
        return float(value) if isinstance(value, float) else value
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return value.item()
    return value


def _plain(value: Any, path: str) -> Any:
    value = _scalar(value)
    if isinstance(value, float) and not math.isfinite(value):
        raise _refused(path, f"{value} cannot be written as JSON", "Hand over None or a text instead.")
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise _refused(path, f"its key {key!r} is no text", "Convert the keys: {str(k): v for k, v in …}.")
        return {key: _plain(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value)]
    raise _refused(path, f"a {type(value).__name__} cannot be written as JSON", _conversion(value))


def _conversion(value: Any) -> str:
    if hasattr(value, "to_dict"):
        return 'Convert it: value.to_dict("records") for a table, value.to_dict() for a series.'
    if hasattr(value, "tolist"):
        return "Convert it: value.tolist()."
    if hasattr(value, "isoformat"):
        return "Convert it: value.isoformat()."
    return "Hand over texts, numbers, booleans, None, and lists and maps of these."


def _check_size(name: str, value: Any) -> None:
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > SIZE_LIMIT:
        raise _refused(
            name, f"it takes {size:,} bytes as JSON, at most {SIZE_LIMIT:,} are allowed", "Save it to a file."
        )


def _refused(path: str, why: str, hint: str) -> TaskError:
    shown = path if len(path) <= _PATH_SHOWN else f"{path[:_PATH_SHOWN]}…"
    return TaskError(f"Output {shown!r} cannot be handed over: {why}.", code="GOV848", hint=hint)
