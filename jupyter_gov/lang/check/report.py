"""Collects what a checker finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jupyter_gov.errors import Location
from jupyter_gov.lang.diagnostics import Diagnostic, did_you_mean, listing, quoted
from jupyter_gov.lang.nodes import Node, ScalarNode, SourceTree


@dataclass(slots=True)
class Report:
    """All problems of one text, in the order in which they were found."""

    tree: SourceTree
    found: list[Diagnostic] = field(default_factory=list)

    def error(self, code: str, message: str, at: Node | Location, hint: str | None = None, **more: str | None) -> None:
        """Add a problem with which the flow cannot be registered."""
        self.found.append(Diagnostic(code, "error", message, hint, self._place(at), **more))

    def warn(self, code: str, message: str, at: Node | Location, hint: str | None = None, **more: str | None) -> None:
        """Add a problem with which the flow still runs."""
        self.found.append(Diagnostic(code, "warning", message, hint, self._place(at), **more))

    def unknown_key(self, key: ScalarNode, where: str, known: Iterable[str]) -> None:
        """Add a key that does not exist here, with the one that was meant."""
        names = list(known)
        hint = did_you_mean(key.text, names)
        self.error(
            "GOV112",
            f"unknown key {quoted(key.text)} in {where}",
            key,
            hint or "Remove it, or correct its name.",
            note=f"Known keys: {listing(names)}",
            replacement=hint.split('"')[1] if hint else None,
        )

    @property
    def has_errors(self) -> bool:
        """Whether the flow cannot be registered."""
        return any(one.is_error for one in self.found)

    def _place(self, at: Node | Location) -> Location:
        return at if isinstance(at, Location) else self.tree.locate(at)
