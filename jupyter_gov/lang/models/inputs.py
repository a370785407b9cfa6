"""Inputs of a flow (and fields of a gate's form) as written in YAML, one class per type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AliasChoices, Field, model_validator

from jupyter_gov.errors import LanguageError, Location
from jupyter_gov.lang.models import values
from jupyter_gov.lang.models.base import INPUT_ID, Spec, is_expression
from jupyter_gov.lang.models.flow import InputDef
from jupyter_gov.lang.models.flow_specs import InputType
from jupyter_gov.lang.models.patterns import compile_pattern


def _pattern(text: str) -> str:
    compile_pattern(text)
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


class DependsOn(Spec):
    """When an input is asked for."""

    inputs: list[str] = Field(default_factory=list, description="Inputs that must have their value first.")
    condition: str | None = Field(default=None, description="Expression; the input is left out unless it is true.")


class InputSpec(Spec):
    """What all inputs have in common."""

    id: str = Field(
        pattern=INPUT_ID,
        validation_alias=AliasChoices("id", "name"),
        serialization_alias="id",
        description="Name of the input; dots make nested maps.",
    )
    type: InputType = Field(description="Type of the value.")
    description: str | None = Field(default=None, description="Shown beside the field, in Markdown.")
    display_name: str | None = Field(default=None, description="Label of the field.")
    required: bool = Field(default=True, description="Whether a value must be there.")
    depends_on: DependsOn | None = Field(default=None, description="When the input is asked for.")
    defaults: Any = Field(default=None, description="Value when none is given; may be an expression.")
    prefill: Any = Field(default=None, description="Value suggested in the form; can be cleared.")

    def definition(self, location: Location | None = None) -> InputDef:
        """Return the value that the engine uses."""
        own = self.model_dump(by_alias=True, exclude_unset=True)
        common = {name: own.pop(name, None) for name in ("id", "type", "description", "displayName")}
        common |= {name: own.pop(name, None) for name in ("required", "dependsOn", "defaults", "prefill")}
        return InputDef(
            id=self.id,
            type=self.type,
            description=self.description,
            display_name=self.display_name,
            required=self.required,
            defaults=common["defaults"],
            prefill=common["prefill"],
            depends_on=common["dependsOn"],
            props=own,
            location=location,
        )


class TextInput(InputSpec):
    """Text; as SECRET it is stored sealed, and masked wherever it shows up."""

    type: Literal["STRING", "SECRET"]
    defaults: str | None = Field(default=None, description="Value when none is given; may be an expression.")
    prefill: str | None = Field(default=None, description="Value suggested in the form.")
    validator: Pattern | None = Field(default=None, description="Regular expression that the whole value must match.")


class LineInput(InputSpec):
    """An address: a URI, or that of an e-mail box."""

    type: Literal["URI", "EMAIL"]
    defaults: str | None = Field(default=None, description="Value when none is given; may be an expression.")
    prefill: str | None = Field(default=None, description="Value suggested in the form.")


class DataInput(InputSpec):
    """A value written as JSON or YAML: a map, a list, a text, a number."""

    type: Literal["JSON", "YAML"]


class BoolInput(InputSpec):
    """True or false."""

    type: Literal["BOOL", "BOOLEAN"]
    defaults: bool | str | None = Field(default=None, description="Value when none is given; may be an expression.")
    prefill: bool | str | None = Field(default=None, description="Value suggested in the form.")


class IntInput(InputSpec):
    """A whole number, with bounds if they are given."""

    type: Literal["INT"]
    defaults: int | str | None = Field(default=None, description="Value when none is given; may be an expression.")
    prefill: int | str | None = Field(default=None, description="Value suggested in the form.")
    min: int | None = Field(default=None, description="Least value.")
    max: int | None = Field(default=None, description="Greatest value.")


class FloatInput(InputSpec):
    """A number with decimals, with bounds if they are given."""

    type: Literal["FLOAT"]
    defaults: int | float | str | None = Field(default=None, description="Value when none is given.")
    prefill: int | float | str | None = Field(default=None, description="Value suggested in the form.")
    min: float | None = Field(default=None, description="Least value.")
    max: float | None = Field(default=None, description="Greatest value.")


class _MomentInput(InputSpec):
    defaults: str | None = Field(default=None, description="Value when none is given; may be an expression.")
    prefill: str | None = Field(default=None, description="Value suggested in the form.")
    after: str | None = Field(default=None, description="Earliest value.")
    before: str | None = Field(default=None, description="Latest value.")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        for bound in (self.after, self.before):
            if bound is not None and not is_expression(bound):
                values.coerce(self.type, bound, {})
        return self


class DateInput(_MomentInput):
    """A date, 2026-01-31."""

    type: Literal["DATE"]


class DatetimeInput(_MomentInput):
    """A date and time with zone, 2026-01-31T12:00:00Z."""

    type: Literal["DATETIME"]


class TimeInput(_MomentInput):
    """A time of day, 12:30 or 12:30:45."""

    type: Literal["TIME"]


class DurationInput(InputSpec):
    """A length of time, PT1H30M."""

    type: Literal["DURATION"]
    defaults: str | None = Field(default=None, description="Value when none is given; may be an expression.")
    prefill: str | None = Field(default=None, description="Value suggested in the form.")
    min: str | None = Field(default=None, description="Shortest value.")
    max: str | None = Field(default=None, description="Longest value.")

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        for bound in (self.min, self.max):
            if bound is not None:
                values.coerce(self.type, bound, {})
        return self


class FileInput(InputSpec):
    """A file, given by path or URI."""

    type: Literal["FILE"]
    defaults: str | None = Field(default=None, description="URI of a file.")
    prefill: str | None = Field(default=None, description="Value suggested in the form.")
    extension: str = Field(default=".upl", description="Extension of the stored file.")
    allowed_file_extensions: list[str] | None = Field(
        default=None, description="Extensions that a form offers, such as .csv."
    )
    accept: list[str] | str | None = Field(default=None, description="Kinds of files that a form offers.")

    @model_validator(mode="after")
    def _default_is_a_uri(self) -> Self:
        if self.defaults is not None and "://" not in self.defaults and not is_expression(self.defaults):
            raise ValueError("no `defaults` can be set for inputs of type 'FILE' but a URI such as nsfile:///data.csv")
        return self


class _ChoiceInput(InputSpec):
    values: list[str] | None = Field(
        default=None,
        validation_alias=AliasChoices("values", "options"),
        serialization_alias="values",
        description="Values to choose from.",
    )
    expression: str | None = Field(default=None, description="Expression that gives the values.")
    allow_custom_value: bool = Field(default=False, description="Whether other values may be typed in.")

    @model_validator(mode="after")
    def _has_values(self) -> Self:
        if (self.values is None) == (self.expression is None):
            raise ValueError(f"an input of type {self.type} needs `values` or `expression`, one of the two")
        if self.values is not None and not self.values:
            raise ValueError("`values` is empty")
        return self


class SelectInput(_ChoiceInput):
    """One of the listed values."""

    type: Literal["SELECT", "ENUM"]
    defaults: str | None = Field(default=None, description="Value when none is given; may be an expression.")
    prefill: str | None = Field(default=None, description="Value suggested in the form.")
    is_radio: bool = Field(default=False, description="Whether the form shows all values at once.")
    auto_select_first: bool = Field(default=False, description="Whether the first value is chosen when none is given.")


class MultiselectInput(_ChoiceInput):
    """Any number of the listed values."""

    type: Literal["MULTISELECT"]
    defaults: list[str] | str | None = Field(default=None, description="Values when none are given.")
    prefill: list[str] | str | None = Field(default=None, description="Value suggested in the form.")
    item_type: InputType = Field(default="STRING", description="Type of the values.")
    auto_select_first: bool = Field(default=False, description="Whether the first value is chosen when none is given.")


class ArrayInput(InputSpec):
    """A list of values of one type."""

    type: Literal["ARRAY"]
    item_type: InputType = Field(description="Type of the items.")

    @model_validator(mode="after")
    def _flat(self) -> Self:
        if self.item_type == "ARRAY":
            raise ValueError("`itemType` cannot be `ARRAY`")
        return self


_CLASSES: tuple[type[InputSpec], ...] = (
    TextInput, LineInput, DataInput, BoolInput, IntInput, FloatInput, DateInput, DatetimeInput, TimeInput,
    DurationInput, FileInput, SelectInput, MultiselectInput, ArrayInput,
)  # fmt: skip
INPUT_SPECS: Mapping[str, type[InputSpec]] = {
    name: cls
    for cls in _CLASSES
    for name in cls.model_fields["type"].annotation.__args__  # type: ignore[union-attr]
}
"""Input type -> its class."""


def parse_input(data: Mapping[str, Any], location: Location | None = None) -> InputDef:
    """Return the definition of one input from plain YAML data, such as an entry of ``onResume``.

    Raises
    ------
    ValueError
        The type is unknown, or (pydantic's ``ValidationError``) the definition is wrong.
    """
    spec = INPUT_SPECS.get(str(data.get("type")))
    if spec is None:
        raise ValueError(f"there is no input type {data.get('type')!r}")
    return spec.model_validate(dict(data)).definition(location)


def dependency_order(declared: Iterable[InputDef]) -> list[str]:
    """Return the ids of inputs so that each comes after those that it depends on; unknown dependencies do not count.

    Raises
    ------
    LanguageError
        ``GOV142``: inputs depend on each other in a circle; the checker refuses such a flow.
    """
    needs = {one.id: (one.depends_on or {}).get("inputs") or () for one in declared}
    sorter = TopologicalSorter({name: [other for other in others if other in needs] for name, others in needs.items()})
    try:
        return list(sorter.static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise LanguageError(f"inputs depend on each other in a circle: {circle}", code="GOV142") from None
