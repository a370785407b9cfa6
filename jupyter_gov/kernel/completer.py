"""Completion inside ``%%govflow`` cells: keys, types, choices, and the names that expressions can use.

It lives in the kernel, so that it works in every front-end that asks the kernel for completions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult

from jupyter_gov.kernel.ipy import context_matcher
from jupyter_gov.kernel.yaml_context import Place, place
from jupyter_gov.plugins.registry import Registry

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_gov.lang.ports import TypeInfo

FLOW_KEYS = [
    "id",
    "namespace",
    "description",
    "labels",
    "inputs",
    "variables",
    "tasks",
    "errors",
    "finally",
    "afterExecution",
    "outputs",
    "retry",
    "disabled",
    "concurrency",
    "triggers",
]
TASK_KEYS = [
    "id",
    "type",
    "description",
    "retry",
    "timeout",
    "disabled",
    "runIf",
    "allowFailure",
    "allowWarning",
    "logLevel",
    "logToFile",
]
INPUT_KEYS = [
    "id",
    "type",
    "description",
    "displayName",
    "required",
    "defaults",
    "prefill",
    "values",
    "min",
    "max",
    "validator",
    "dependsOn",
]
INPUT_TYPES = [
    "STRING",
    "INT",
    "FLOAT",
    "BOOL",
    "BOOLEAN",
    "SELECT",
    "ENUM",
    "MULTISELECT",
    "DATE",
    "DATETIME",
    "TIME",
    "DURATION",
    "FILE",
    "JSON",
    "YAML",
    "URI",
    "EMAIL",
    "SECRET",
    "ARRAY",
]
RETRY_KEYS = [
    "type",
    "interval",
    "maxInterval",
    "delayFactor",
    "maxAttempts",
    "maxDuration",
    "behavior",
    "warningOnRetry",
]
CHOICES: Mapping[str, Sequence[str]] = {
    "disabled": ("true", "false"),
    "required": ("true", "false"),
    "allowFailure": ("true", "false"),
    "allowWarning": ("true", "false"),
    "logLevel": ("TRACE", "DEBUG", "INFO", "WARN", "ERROR"),
}
EXPRESSION_NAMES = [
    "inputs",
    "outputs",
    "vars",
    "flow",
    "execution",
    "task",
    "taskrun",
    "labels",
    "trigger",
    "parent",
    "parents",
    "tasks",
]
_TASK_LISTS = frozenset({"tasks", "errors", "finally", "then", "else", "defaults", "afterExecution"})
_IDENTIFIER = re.compile(r"^\s*(?:- )*\s*id:\s*['\"]?([\w.\-]+)", re.MULTILINE)


@cache
def _registry() -> Registry:
    return Registry()


@context_matcher
def govflow_matcher(context: CompletionContext) -> SimpleMatcherResult:
    """Complete the word before the cursor if the cell is a flow."""
    text = context.full_text
    if not text.startswith("%%govflow"):
        return {"completions": []}
    before = _before(context)
    if "\n" not in before:
        return {"completions": []}
    at = place(before.partition("\n")[2])
    words = sorted(word for word in set(suggestions(at, text)) if word.startswith(at.fragment) and word != at.fragment)
    return {
        "completions": [SimpleCompletion(text=word, type="property") for word in words],
        "matched_fragment": at.fragment,
        # Python has nothing to say inside a flow.
        "suppress": True,
    }


def _before(context: CompletionContext) -> str:
    lines = context.full_text.split("\n")[: context.cursor_line]
    return "\n".join([*lines, context.text_until_cursor])


def suggestions(at: Place, text: str) -> Iterable[str]:
    """Return every word that may stand at a place of the flow ``text``."""
    if at.path is not None:
        return _in_expression(at.path, text)
    if at.key is None:
        return (f"{key}:" for key in _keys(at) if key not in at.siblings)
    if at.key == "type":
        return _types(at)
    return _values(at)


def _in_expression(path: str, text: str) -> Iterable[str]:
    parts = re.split(r"[.\['\"]+", path)
    if len(parts) == 1:
        return EXPRESSION_NAMES
    match parts[0], len(parts):
        case (("outputs" | "tasks"), 2):
            return _ids(text, "tasks")
        case "inputs", 2:
            return _ids(text, "inputs")
        case "vars", 2:
            return _children(text, "variables")
        case "outputs", 3:
            return _outputs_of(parts[1], text)
        case _:
            return ()


def _section(text: str, key: str) -> str:
    found = re.search(rf"^{key}:[^\n]*\n((?:[ \-#][^\n]*\n?|\n)*)", text + "\n", re.MULTILINE)
    return found[1] if found else ""


def _ids(text: str, key: str) -> list[str]:
    return _IDENTIFIER.findall(_section(text, key))


def _children(text: str, key: str) -> list[str]:
    return re.findall(r"^ {1,4}([\w\-]+):", _section(text, key), re.MULTILINE)


def _outputs_of(task_id: str, text: str) -> Iterator[str]:
    found = re.search(rf"id:\s*['\"]?{re.escape(task_id)}['\"]?\s*\n\s*type:\s*['\"]?([\w.]+)", text)
    info = _registry().find(found[1]) if found else None
    output = getattr(info.model, "Output", None) if info else None
    for name, field in getattr(output, "model_fields", {}).items():
        yield field.alias or name


def _keys(at: Place) -> Iterable[str]:
    if not at.keys:
        return FLOW_KEYS
    match at.keys[-1]:
        case "inputs" | "onResume":
            return INPUT_KEYS
        case "retry":
            return RETRY_KEYS
        case "concurrency":
            return ("limit", "behavior")
        case key if key in _TASK_LISTS or "cases" in at.keys[-2:]:
            return [*TASK_KEYS, *_own_keys(_info(at))]
        case _:
            return _own_keys(_info(at))


def _info(at: Place) -> TypeInfo | None:
    name = at.siblings.get("type", "").strip("'\"")
    return _registry().find(name) if name else None


def _own_keys(info: TypeInfo | None) -> list[str]:
    if info is None:
        return ["type"]
    return [*(field.alias or name for name, field in info.model.model_fields.items()), *info.slots]


def _types(at: Place) -> Sequence[str]:
    if at.keys and at.keys[-1] in {"inputs", "onResume"}:
        return INPUT_TYPES
    if at.keys and at.keys[-1] == "retry":
        return ("constant", "exponential", "random")
    return _registry().names()


def _values(at: Place) -> Iterable[str]:
    info = _info(at)
    for name, field in info.model.model_fields.items() if info else ():
        if at.key == (field.alias or name):
            return _choices(field.annotation)
    return CHOICES.get(str(at.key), ())


def _choices(annotation: Any) -> list[str]:
    """Return the texts that an annotation allows: of ``Literal`` and ``bool``, inside unions too."""
    if annotation is bool:
        return ["true", "false"]
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    if hasattr(annotation, "__members__"):
        return [str(member.value) for member in annotation.__members__.values()]
    return [choice for part in get_args(annotation) for choice in _choices(part)]


def install(shell: InteractiveShell) -> None:
    """Let the shell ask this matcher first."""
    completer = shell.Completer
    if govflow_matcher not in completer.custom_matchers:
        completer.custom_matchers.append(govflow_matcher)


def remove(shell: InteractiveShell) -> None:
    """Undo ``install``."""
    completer = shell.Completer
    if govflow_matcher in completer.custom_matchers:
        completer.custom_matchers.remove(govflow_matcher)
