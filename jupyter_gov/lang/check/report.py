"""Collects what a checker finds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from jupyter_gov.errors import Location
from jupyter_gov.lang.diagnostics import Diagnostic, closest, closest_type, listing, quoted
from jupyter_gov.lang.models.scalars import is_null
from jupyter_gov.lang.nodes import MapNode, Node, ScalarNode, SourceTree

MOST_GUESSES = 100
MOST_NAMES = 2_000
MOST_SLIPS = 2_000


@dataclass(slots=True)
class Report:
    """All problems of one text, in the order in which they were found."""

    tree: SourceTree
    found: list[Diagnostic] = field(default_factory=list)
    _guesses: int = 0
    _slips: int = 0

    def error(self, code: str, message: str, at: Node | Location, hint: str | None = None, **more: str | None) -> None:
        """Add a problem with which the flow cannot be registered."""
        self.found.append(Diagnostic(code, "error", message, hint, self._place(at), **more))

    def warn(self, code: str, message: str, at: Node | Location, hint: str | None = None, **more: str | None) -> None:
        """Add a problem with which the flow still runs."""
        self.found.append(Diagnostic(code, "warning", message, hint, self._place(at), **more))

    def meant(self, word: str, known: Collection[str], *, is_type: bool = False) -> str | None:
        """Return the name that was probably meant, for as many mistakes as anybody reads.

        Comparing every wrong word of a hostile text with every known one would take for ever.
        """
        self._guesses += 1
        if self._guesses > MOST_GUESSES or len(known) > MOST_NAMES:
            return None
        return closest_type(word, known) if is_type else closest(word, known)

    def may_look(self) -> bool:
        """Return whether one more key may be compared with the few that all of its kind have."""
        self._slips += 1
        return self._slips <= MOST_SLIPS

    def unknown_key(self, key: ScalarNode, where: str, known: Iterable[str]) -> str | None:
        """Add a key that does not exist here, and return the one that was probably meant."""
        names = list(known)
        meant = self.meant(key.text, names)
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


def described(node: Node) -> str:
    """Return what stands at a place, for messages that say what was expected instead."""
    if isinstance(node, MapNode):
        return "a map"
    if not isinstance(node, ScalarNode):
        return "a list"
    value = node.value()
    if value is None and is_null(node.text):
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"the number {node.text[:40]}" if isinstance(value, int | float) else f"the text {quoted(node.text)}"
