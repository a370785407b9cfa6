"""How much work one rendering may do, so that no template stops the worker that renders it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from jupyter_gov.lang.expr.faults import LimitFault

_WORK_BETWEEN_LOOKS = 512


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one call of ``render``, nested renderings included.

    Attributes
    ----------
    seconds
        CPU time of the rendering thread; waiting for a file or a secret does not count.
    characters
        Length of the output, and of any text made on the way.
    items
        Elements of any list made on the way.
    template_characters, template_tags
        Length of a template, and how many expressions and tags it has.
    nesting
        Depth of values, of ``render()`` in ``render()`` and of macro calls.
    """

    seconds: float = 1.0
    characters: int = 10_000_000
    items: int = 1_000_000
    template_characters: int = 1_000_000
    template_tags: int = 10_000
    nesting: int = 100


DEFAULT = Limits()


class Budget:
    """Counts down the limits of one rendering.

    The clock starts at the first look, so that a short template pays nothing for it.
    """

    __slots__ = ("_deadline", "_left", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._left = _WORK_BETWEEN_LOOKS
        self._deadline: float | None = None

    def step(self) -> None:
        """Count one loop pass or call; look at the clock now and then."""
        self._left -= 1
        if self._left <= 0:
            self.look()

    def work(self, elements: int) -> None:
        """Count what it costs to walk over so many elements or characters."""
        self._left -= elements >> 5
        if self._left <= 0:
            self.look()

    def look(self) -> None:
        """Stop the rendering if its time is over.

        Raises
        ------
        LimitFault
            ``GOV155``.
        """
        self._left = _WORK_BETWEEN_LOOKS
        now = time.thread_time()
        if self._deadline is None:
            self._deadline = now + self.limits.seconds
        elif now > self._deadline:
            raise LimitFault(f"the expression takes longer than {self.limits.seconds:g} s")

    def left(self) -> float:
        """Return the seconds that are left.

        Raises
        ------
        LimitFault
            ``GOV155``: none.
        """
        self.look()
        return self.limits.seconds if self._deadline is None else self._deadline - time.thread_time()

    def spend(self, seconds: float) -> None:
        """Count what another process worked for this rendering; ``left`` was asked before."""
        if self._deadline is not None:
            self._deadline -= seconds
        self.look()

    def text(self, length: int) -> None:
        """Refuse a text of so many characters before it is made.

        Raises
        ------
        LimitFault
            ``GOV155``.
        """
        if length > self.limits.characters:
            raise LimitFault(f"the expression makes a text longer than {self.limits.characters} characters")
        self.work(length)

    def list(self, length: int) -> None:
        """Refuse a list of so many elements before it is made.

        Raises
        ------
        LimitFault
            ``GOV155``.
        """
        if length > self.limits.items:
            raise LimitFault(f"the expression makes a list of more than {self.limits.items} elements")
        self.work(length)
