"""Checks the parameters given to a notebook against its cell that is tagged ``parameters``.

papermill injects whatever it is given and only warns of a name that the notebook does not know, so that a misspelt
parameter silently leaves the default in place.
"""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from papermill.exceptions import PapermillException
from papermill.translators import papermill_translators

from jupyter_gov.errors import TaskError

_NUMBERS = frozenset({"int", "float"})
_KINDS = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "list": "list",
    "List": "list",
    "Sequence": "list",
    "tuple": "list",
    "dict": "dict",
    "Dict": "dict",
    "Mapping": "dict",
    "None": "None",
    "NoneType": "None",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A name that the parameters cell assigns; ``kinds`` is None if any value is welcome."""

    name: str
    type: str | None
    kinds: frozenset[str] | None


def check(
    nb: Any, kernel_name: str, language: str, given: Mapping[str, Any], redact: Callable[[str], str]
) -> dict[str, Any]:
    """Return the values to inject, each of the type that the notebook declares.

    A text is read as the declared type, since an expression in a flow always makes text; anything else must already
    have that type.

    Raises
    ------
    TaskError
        ``GOV841`` unknown parameter, ``GOV842`` wrong type, ``GOV847`` a value holds a secret; all problems at once.
    """
    if not given:
        return {}
    known = declared(nb, kernel_name, language)
    values: dict[str, Any] = {}
    problems: list[tuple[str, str]] = []
    for name, value in given.items():
        try:
            values[name] = _one(name, value, known, redact)
        except _WrongParameterError as error:
            problems.append(error.args)
    if problems:
        raise TaskError(" ".join(text for _, text in problems), code=problems[0][0], hint=_hint(known))
    return values


def refuse_unknown(known: Mapping[str, Parameter] | None, given: Mapping[str, Any]) -> None:
    """Accept only names that the notebook assigns.

    Raises
    ------
    TaskError
        ``GOV841``: names all that it does not know.
    """
    problems = [] if known is None else [_no_such(name, known) for name in given if name not in known]
    if problems:
        raise TaskError(" ".join(problems), code="GOV841", hint=_hint(known))


class _WrongParameterError(Exception):
    """Code and message."""


def _one(name: str, value: Any, known: Mapping[str, Parameter] | None, redact: Callable[[str], str]) -> Any:
    plain = _plain(value)
    if _holds_secret(plain, redact):
        raise _WrongParameterError(
            "GOV847",
            f"Parameter {name!r} holds a secret, which would be saved in the executed notebook; "
            'hand it over as an environment variable with "secrets" or "env".',
        )
    if known is None:
        return plain
    if name not in known:
        raise _WrongParameterError("GOV841", _no_such(name, known))
    return _typed(known[name], plain)


def _no_such(name: str, known: Mapping[str, Parameter]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    guess = f" Did you mean {close[0]!r}?" if close else ""
    return f"The notebook has no parameter {name!r}.{guess}"


def _hint(known: Mapping[str, Parameter] | None) -> str:
    if not known:
        return "Tag the cell that assigns the parameters with “parameters”: right sidebar, Property Inspector."
    return f"Its parameters are: {', '.join(_described(parameter) for parameter in known.values())}."


def _described(parameter: Parameter) -> str:
    return f"{parameter.name}: {parameter.type}" if parameter.type else parameter.name


def declared(nb: Any, kernel_name: str, language: str) -> dict[str, Parameter] | None:
    """Return what the notebook's parameters cell assigns; None if its language cannot be read.

    Raises
    ------
    TaskError
        ``GOV840``: papermill cannot hand parameters to this language.
    """
    try:
        translator = papermill_translators.find_translator(kernel_name, language)
    except PapermillException as error:
        raise TaskError(f"Parameters cannot be given to a notebook in {language!r}.", code="GOV840") from error
    cell = next((cell for cell in nb.cells if "parameters" in cell.metadata.get("tags", ())), None)
    if cell is None:
        return {}
    try:
        inspected = translator.inspect(cell)
    except NotImplementedError:
        return None
    found = {item.name: _parameter(item.name, item.inferred_type_name) for item in inspected}
    if language.lower() == "python":
        # The inspection works line by line and misses what a parser sees.
        found = {**found, **_assigned(cell.source)}
    return found


def _parameter(name: str, annotation: str | None) -> Parameter:
    if not annotation or annotation == "None":
        return Parameter(name, None, None)
    return Parameter(name, annotation, _kinds(annotation))


def _kinds(annotation: str) -> frozenset[str] | None:
    text = annotation.strip().strip("\"'").replace("typing.", "")
    if text.startswith("Optional[") and text.endswith("]"):
        text = f"{text[len('Optional[') : -1]} | None"
    names = {_KINDS.get(part.split("[")[0].strip()) for part in text.split("|")}
    known = frozenset(name for name in names if name is not None)
    return known if len(known) == len(names) else None


def _assigned(source: str) -> dict[str, Parameter]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}  # A line of shell or magic; the inspection by line has to do.
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                found[name] = _parameter(name, ast.unparse(annotation))
            case ast.Assign(targets=targets, value=value):
                names = [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
                kind = _literal_kind(value) if len(names) == 1 else None
                found.update({name: _from_default(name, kind) for name in names})
    return found


def _literal_kind(node: ast.expr) -> str | None:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return None
    return None if value is None else _KINDS.get(type(value).__name__)


def _from_default(name: str, kind: str | None) -> Parameter:
    if kind is None:
        return Parameter(name, None, None)
    # Without an annotation, the default of a threshold may be written as 1 where 0.5 is as good.
    return Parameter(name, kind, _NUMBERS if kind in _NUMBERS else frozenset({kind}))


def _typed(parameter: Parameter, value: Any) -> Any:
    kinds = parameter.kinds
    if kinds is None:
        return value
    if isinstance(value, str) and "str" not in kinds:
        return _read(parameter, kinds, value)
    kind = "None" if value is None else type(value).__name__
    if kind in kinds:
        return value
    if kind == "int" and "float" in kinds:
        return float(value)
    quoted = " Put it in quotes." if "str" in kinds and kind in (*_NUMBERS, "bool") else ""
    raise _wrong(parameter, value, quoted)


def _read(parameter: Parameter, kinds: frozenset[str], text: str) -> Any:
    stripped = text.strip()
    if "None" in kinds and stripped in ("", "null", "None"):
        return None
    readers: list[tuple[str, Callable[[str], Any]]] = [
        ("bool", _read_bool),
        ("int", int),
        ("float", float),
        ("list", lambda text: _read_json(text, list)),
        ("dict", lambda text: _read_json(text, dict)),
    ]
    for kind, reader in readers:
        if kind in kinds:
            try:
                return reader(stripped)
            except ValueError:
                continue
    raise _wrong(parameter, text, "")


def _read_bool(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


def _read_json(text: str, kind: type) -> Any:
    value = json.loads(text)
    if not isinstance(value, kind):
        raise ValueError(text)  # noqa: TRY004 - the caller tries the next reader
    return value


def _wrong(parameter: Parameter, value: Any, more: str) -> _WrongParameterError:
    shown = repr(value)
    shown = shown if len(shown) <= 60 else f"{shown[:57]}…"
    return _WrongParameterError("GOV842", f"Parameter {parameter.name!r} is {parameter.type}, got {shown}.{more}")


def _plain(value: Any) -> Any:
    """Return values as the notebook's language can write them: no lazy views, no tuples."""
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case str() | bool() | int() | float() | None:
            return value
        case _:
            return str(value)


def _holds_secret(value: Any, redact: Callable[[str], str]) -> bool:
    match value:
        case str():
            return redact(value) != value
        case dict():
            return any(_holds_secret(item, redact) for item in value.values())
        case list():
            return any(_holds_secret(item, redact) for item in value)
        case _:
            return False
