"""Functions that reach outside: through ``ExpressionHost`` and in no other way."""

from __future__ import annotations

from typing import Any

from jupyter_gov.lang.expr.arguments import flag_of, text_of
from jupyter_gov.lang.expr.faults import ArgumentFault, Fault
from jupyter_gov.lang.expr.filters_date import written, zone_of
from jupyter_gov.lang.expr.functions import parse_json
from jupyter_gov.lang.expr.registry import filter_, function
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import json_text, scalar_text


@function("now")
def now(
    state: State, *, format_: Any = None, time_zone: Any = None, existing_format: Any = None, locale: Any = None
) -> str:
    """Write the present time."""
    return written(state.need_host("now()").now(), zone_of(time_zone), format_, locale)


@function("secret")
def secret(state: State, key: Any, namespace: Any = None, subkey: Any = None) -> Any:
    """Return a secret of the namespace of the flow, or one value of it if it is JSON."""
    if namespace is not None:
        raise ArgumentFault("secrets of other namespaces are out of reach", hint="Leave `namespace` out.")
    found = state.need_host("secret()").secret(text_of("`key`", key))
    if subkey is None:
        return found
    values = parse_json(state, found)
    name = text_of("`subkey`", subkey)
    if not isinstance(values, dict) or name not in values:
        raise Fault(f"the secret `{key}` has no value `{name}`")
    value = values[name]
    return json_text(value, state.budget) if isinstance(value, (dict, list)) else scalar_text(value)


@function("kv")
def kv(state: State, key: Any, namespace: Any = None, error_on_missing: Any = None) -> Any:
    """Return a stored value of the namespace."""
    place = None if namespace is None else text_of("`namespace`", namespace)
    strict = None if error_on_missing is None else flag_of("`errorOnMissing`", error_on_missing)
    return state.need_host("kv()").kv(text_of("`key`", key), place, strict)


@function("read")
def read(state: State, path: Any, version: Any = None, revision: Any = None) -> str:
    """Return the text of a file."""
    if version is not None or revision is not None:
        raise ArgumentFault("files have no versions here", hint="Leave `version` and `revision` out.")
    return _checked(state, state.need_host("read()").read(text_of("`path`", path)))


def _checked(state: State, content: str) -> str:
    state.budget.text(len(content))
    return content


@filter_("fileRead", advice="`fileRead` is no filter of Kestra; write the function `read({left})`.")
def file_read(state: State, value: Any) -> Any:
    """Return the text of the file behind a URI."""
    if value is None:
        return None
    return _checked(state, state.need_host("fileRead").read(text_of("what is read", value)))


@function("fileURI")
def file_uri(state: State, path: Any, version: Any = None) -> str:
    """Return the URI of a namespace file."""
    if version is not None:
        raise ArgumentFault("files have no versions here", hint="Leave `version` out.")
    return state.need_host("fileURI()").file_uri(text_of("`path`", path))


@function("fileSize")
def file_size(state: State, path: Any) -> int:
    """Return the size of a file in bytes."""
    return state.need_host("fileSize()").file_size(text_of("`path`", path))


@function("fileExists")
def file_exists(state: State, path: Any) -> bool:
    """Whether a file exists."""
    return state.need_host("fileExists()").file_exists(text_of("`path`", path))


@function("isFileEmpty", "fileEmpty")
def is_file_empty(state: State, path: Any) -> bool:
    """Whether a file has no bytes."""
    return state.need_host("isFileEmpty()").file_size(text_of("`path`", path)) == 0


@function("errorLogs")
def error_logs(state: State) -> list[Any]:
    """Return the ERROR log lines of the execution."""
    return list(state.need_host("errorLogs()").error_logs())
