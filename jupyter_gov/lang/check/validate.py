"""Runs a pydantic class over data and says what it finds in the words and at the places of the YAML text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from jupyter_gov.errors import GovError
from jupyter_gov.lang.check.convert import Converter
from jupyter_gov.lang.check.report import described
from jupyter_gov.lang.diagnostics import did_you_mean, listing, quoted
from jupyter_gov.lang.models.base import is_expression
from jupyter_gov.lang.nodes import Entry, MapNode, Node, ScalarNode
from jupyter_gov.lang.ports import CATALOGUE, CHECKING, NOTES

M = TypeVar("M", bound=BaseModel)

_EXPECTED = {
    "string_type": "text", "string_sub_type": "text", "int_type": "a whole number", "int_parsing": "a whole number",
    "int_from_float": "a whole number", "int_parsing_size": "a whole number", "float_type": "a number",
    "float_parsing": "a number", "decimal_type": "a number", "decimal_parsing": "a number",
    "bool_type": "true or false", "bool_parsing": "true or false", "list_type": "a list", "tuple_type": "a list",
    "set_type": "a list", "frozen_set_type": "a list", "iterable_type": "a list", "dict_type": "a map",
    "mapping_type": "a map", "model_type": "a map", "model_attributes_type": "a map", "dataclass_type": "a map",
    "time_delta_type": "a duration such as PT30S", "time_delta_parsing": "a duration such as PT30S",
    "date_type": "a date", "date_parsing": "a date", "date_from_datetime_parsing": "a date",
    "datetime_type": "a date and time", "datetime_parsing": "a date and time",
    "datetime_from_date_parsing": "a date and time", "time_type": "a time of day", "time_parsing": "a time of day",
    "none_required": "nothing",
}  # fmt: skip


@dataclass(slots=True)
class _Target:
    """A value in the text, where it is marked (a map or list by its key), and all that pydantic says about it."""

    node: Node
    place: Node
    path: str
    depth: int
    errors: list[ErrorDetails] = field(default_factory=list)


class Validator:
    """Validates data that ``converter`` made from nodes."""

    def __init__(self, converter: Converter) -> None:
        self._converter = converter
        self._report = converter.report

    def validate(self, model: type[M], data: dict[str, Any], node: MapNode, where: str, at: Node) -> M | None:
        """Return the instance, or None after the problems are reported.

        Parameters
        ----------
        node
            The map from which ``data`` was made.
        at
            Where a missing key is reported.
        """
        notes: list[tuple[str | None, str]] = []
        context = {CHECKING: True, NOTES: notes, CATALOGUE: self._converter.catalogue}
        try:
            instance = model.model_validate(data, context=context)
        except ValidationError as error:
            self._problems(error.errors(include_url=False), node, where, at)
            return None
        finally:
            for name, message in notes:
                self._report.warn("GOV170", f"{where}: {message}", self._noted(model, node, name) or at)
        return instance

    def _noted(self, model: type[BaseModel], node: MapNode, name: str | None) -> Node | None:
        field_info = model.model_fields.get(name or "")
        alias = field_info.alias if field_info is not None else None
        entry = self._converter.origins.get((id(node), alias or name or ""))
        return None if entry is None else entry.key

    def _problems(self, errors: Sequence[ErrorDetails], node: MapNode, where: str, at: Node) -> None:
        targets: dict[int, _Target] = {}
        for error in errors:
            found = self._walk(node, error["loc"], error["type"] == "missing")
            if found.node is node:
                found.place = at
            targets.setdefault(id(found.node), found).errors.append(error)
        for target in targets.values():
            if not self._is_beside_the_point(target, list(targets.values())):
                self._explain(target, where)

    @staticmethod
    def _is_beside_the_point(target: _Target, targets: Sequence[_Target]) -> bool:
        # Of a union, the branch whose kind fits reports something deeper; then the other branches say nothing.
        if any(error["type"] not in _EXPECTED for error in target.errors):
            return False
        return any(
            other.depth > target.depth and other.path.startswith(target.path)
            for other in targets
            if other is not target
        )

    def _walk(self, node: Node, loc: Sequence[int | str], missing: bool) -> _Target:
        path: list[str | int] = []
        here: Node = node
        place: Node = node
        for step in loc[:-1] if missing else loc:
            if isinstance(here, MapNode):
                entry = self._entry(here, str(step))
                if entry is not None:
                    here = entry.value
                    place = here if isinstance(here, ScalarNode) else entry.key
                    path.append(str(step))
            elif not isinstance(here, ScalarNode) and isinstance(step, int) and step < len(here.items):
                here = place = here.items[step]
                path.append(step)
            # Every other step is the name of a union's branch or of a validator.
        return _Target(here, place, _dotted(path), len(path))

    def _entry(self, node: MapNode, key: str) -> Entry | None:
        return self._converter.origins.get((id(node), key)) or node.entries.get(key)

    def _explain(self, target: _Target, where: str) -> None:
        subject = f"{quoted(target.path)} in {where}" if target.path else where
        kinds = [_EXPECTED[error["type"]] for error in target.errors if error["type"] in _EXPECTED]
        allowed = [error["ctx"]["expected"] for error in target.errors if error["type"] in ("literal_error", "enum")]
        if kinds or allowed:
            wanted = " or ".join(dict.fromkeys(kinds + [f"one of {one}" for one in allowed]))
            self._report.error(
                "GOV114", f"{subject} must be {wanted}, got {described(target.node)}", target.place,
                _hint(target.node, allowed),
            )  # fmt: skip
        for error in target.errors:
            if error["type"] not in (*_EXPECTED, "literal_error", "enum"):
                self._explain_one(error, target, subject)

    def _explain_one(self, error: ErrorDetails, target: _Target, subject: str) -> None:
        context = error.get("ctx", {})
        report = self._report
        match error["type"]:
            case "missing":
                name = str(error["loc"][-1])
                if (id(target.node), name) in self._converter.meant:
                    return  # the key is there, misspelt, and reported as such
                report.error("GOV113", f"{subject} needs the key {quoted(name)}", target.place, f"Add {name}: …")
            case "extra_forbidden":
                report.error("GOV112", f"unknown key {quoted(error['loc'][-1])} in {subject}", target.place)
            case "union_tag_invalid":
                tags = [tag.strip("' ") for tag in str(context["expected_tags"]).split(",")]
                hint = did_you_mean(str(context["tag"]), tags) or f"Known types: {listing(tags)}"
                report.error("GOV111", f"{subject} has the unknown type {quoted(context['tag'])}", target.place, hint)
            case "string_pattern_mismatch":
                report.error(
                    "GOV116", f"{subject} has characters that are not allowed: {quoted(_text(target.node))}",
                    target.place, f"It must match {context['pattern']}",
                )  # fmt: skip
            case "too_short" | "string_too_short":
                report.error("GOV117", f"{subject} must not be empty", target.place)
            case "union_tag_not_found":
                report.error("GOV113", f'{subject} needs the key "type"', target.place, "Add type: …")
            case "value_error" | "assertion_error" if isinstance(context.get("error"), GovError):
                cause = context["error"]
                report.error(cause.code, f"{subject}: {cause.message}", target.place, cause.hint)
            case "value_error" | "assertion_error":
                report.error("GOV120", f"{subject}: {context.get('error') or error['msg']}", target.place)
            case _:
                text = error["msg"].replace("Input should", "must").replace("String should", "must")
                text = text.removeprefix("Value error, ")
                report.error("GOV120", f"{subject} {text}, got {described(target.node)}", target.place)


def _text(node: Node) -> str:
    return node.text if isinstance(node, ScalarNode) else described(node)


def _dotted(steps: Sequence[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")


def _hint(node: Node, allowed: Sequence[str]) -> str | None:
    if not isinstance(node, ScalarNode):
        return None
    if is_expression(node.text):
        return "This is read before the flow runs and cannot be an expression."
    return did_you_mean(
        node.text, [word.strip("' ") for one in allowed for word in one.replace(" or ", ",").split(",")]
    )
