"""Collects what a checker finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jupyter_gov.errors import Location
from jupyter_gov.lang.diagnostics import Diagnostic, closest, listing, quoted
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

    def unknown_key(self, key: ScalarNode, where: str, known: Iterable[str]) -> str | None:
        """Add a key that does not exist here, and return the one that was probably meant."""
        names = list(known)
        meant = closest(key.text, names)
        self.error(
            "GOV112",
            f"unknown key {quoted(key.text)} in {where}",
            key,
            f"did you mean {quoted(meant)}?" if meant else "Remove it, or correct its name.",
            note=f"Known keys: {listing(names)}",
            replacement=meant,
        )
        return meant

    @property
    def has_errors(self) -> bool:
        """Whether the flow cannot be registered."""
        return any(one.is_error for one in self.found)

    def _place(self, at: Node | Location) -> Location:
        return at if isinstance(at, Location) else self.tree.locate(at)
