"""Values on their way in: those of a start, of a gate's form, of a call. One place that decides what is kept of them.

A secret is kept sealed, and so is every text that the declarations compute from one (``defaults: "Bearer {{ … }}"``).
A file is copied to where the execution that gets it may read it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from jupyter_gov.domain.sealed import is_sealed, sealed
from jupyter_gov.engine.inputs import InputProblem, InputsError, as_given, resolve
from jupyter_gov.lang import expr
from jupyter_gov.lang.models.flow import InputDef
from jupyter_gov.lang.ports import ExpressionHost
from jupyter_gov.runtime.masking import Masks
from jupyter_gov.runtime.sealing import Sealer

_SHOWS_VALUE = frozenset({"GOV202", "GOV203", "GOV204", "GOV207"})


@dataclass(frozen=True, slots=True)
class Intake:
    """Types, checks and keeps the values of one form.

    Attributes
    ----------
    literal
        What somebody wrote or typed as it is; only what was computed is searched for secrets, since a person who
        types the word that happens to be a password elsewhere gives nothing away.
    masks
        Secrets that are known already; learns those of this form.
    variables, host
        What expressions of the declarations see besides ``inputs``.
    put
        Called with the id of an input and what was given for it; stores the file and returns its URI.
    """

    declared: Sequence[InputDef]
    given: Mapping[str, Any]
    literal: Mapping[str, Any]
    masks: Masks
    sealer: Sealer
    put: Callable[[str, str], str]
    variables: Mapping[str, Any] = field(default_factory=dict)
    host: ExpressionHost | None = None

    def take(
        self,
        *,
        undeclared: Sequence[str] = (),
        file_ok: Callable[[str], bool] | None = None,
        strict: bool = True,
        trusted: bool = False,
    ) -> dict[str, Any]:
        """Return the values as they are stored.

        Parameters
        ----------
        strict
            Refuse values for inputs that are not declared; else they are left out.
        trusted
            The values were checked before and are neither typed nor checked again (``engine.inputs.as_given``).

        Raises
        ------
        InputError
            As ``engine.inputs.resolve``; ``GOV210``: there is a secret and no key to seal it with; ``GOV202``: a value
            pretends to be sealed, or holds a secret and is no text. No file was stored, no secret is shown.
        """
        secret = [one.id for one in self.declared if one.type == "SECRET"]
        self._learn(self.given, secret)
        try:
            if trusted:
                values = as_given(self.declared, self.given, render=self._render)
            else:
                values = resolve(
                    self.declared,
                    self.given,
                    render=self._render,
                    undeclared=undeclared,
                    strict=strict,
                    file_ok=file_ok,
                )
        except InputsError as error:
            raise InputsError([self._hidden(problem) for problem in error.problems]) from None
        names = tuple(dict.fromkeys([*(one.id for one in self.declared), *(values if trusted else undeclared)]))
        self._refuse_forged(values, names)
        self._learn(values, secret)
        self._seal(values, names, secret)
        for declared in self.declared:
            found = _place(values, declared.id) if declared.type == "FILE" else None
            if found is not None and isinstance(found[0][found[1]], str):
                found[0][found[1]] = self.put(declared.id, found[0][found[1]])
        return values

    def _render(self, value: Any, context: Mapping[str, Any]) -> Any:
        variables = {**self.variables, **context}
        # The native value: a condition is True, not a text that says so.
        typed = isinstance(value, str)
        return (expr.render_typed if typed else expr.render_value)(value, variables, self.host)

    def _learn(self, values: Mapping[str, Any], secret: Sequence[str]) -> None:
        for name in secret:
            if isinstance(text := at(values, name), str):
                self.masks.add(text)

    def _refuse_forged(self, values: dict[str, Any], names: Sequence[str]) -> None:
        # What looks sealed is opened for expressions: a ciphertext seen elsewhere must not come in as data.
        forged = [name for name in names if is_sealed(at(values, name))]
        if forged:
            raise InputsError([_problem(name, "a value may not look like a sealed one") for name in forged])

    def _seal(self, values: dict[str, Any], names: Sequence[str], secret: Sequence[str]) -> None:
        for name in names:
            value = at(values, name)
            if name not in secret and not (self._computed(name) and self.masks.finds(value)):
                continue
            if isinstance(value, str):
                mapping, key = _place(values, name) or (values, name)
                mapping[key] = sealed(self.sealer.seal(value))
            elif value is not None:
                raise InputsError([_problem(name, "it holds a secret, and only texts can be kept sealed")])

    def _computed(self, name: str) -> bool:
        given = at(self.given, name)
        return given is None or given != at(self.literal, name)

    def _hidden(self, problem: InputProblem) -> InputProblem:
        # Error texts cut long values; half a secret would not be found any more by its whole text.
        if problem.code in _SHOWS_VALUE and self._computed(problem.input):
            given = at(self.given, problem.input)
            if self.masks.finds(given) or (given is None and not self.masks.is_empty):
                hidden = _problem(problem.input, "the value does not fit; it is not shown, since it holds a secret")
                return replace(hidden, code=problem.code, hint=problem.hint)
        return replace(problem, message=self.masks.apply(problem.message))


def _problem(name: str, reason: str) -> InputProblem:
    hint = "Declare the input as SECRET." if "secret" in reason else None
    return InputProblem(name, "GOV202", f"{name}: Invalid input for `{name}`, {reason}", hint)


def at(values: Any, name: str) -> Any:
    """Return a value by the id of its input, whose dots may be levels; None if there is none."""
    found = _place(values, name)
    return None if found is None else found[0][found[1]]


def _place(values: Any, name: str) -> tuple[MutableMapping[str, Any], str] | None:
    """Return the mapping that holds a value, and its key there."""
    if not isinstance(values, Mapping):
        return None
    if name in values:
        return values, name  # type: ignore[return-value]  # only mappings made by ``resolve`` are written to
    first, dot, rest = name.partition(".")
    return _place(values.get(first), rest) if dot else None
