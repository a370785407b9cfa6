"""What goes wrong inside an expression, before it is told to the user.

Code below ``render`` raises these with an offset into the template; ``render`` turns them into ``ExpressionError`` or
``UndefinedValueError`` with line and column. ``MissingFault`` is an exception of its own kind since ``??``,
``is defined`` and ``default`` catch it and nothing else.
"""

from __future__ import annotations


class Fault(Exception):  # noqa: N818  (never leaves the package)
    """Something in an expression is wrong.

    Parameters
    ----------
    message
        One sentence: what is wrong and what was expected.
    code
        ``GOV15x``, see ``docs/errors``.
    offset
        Where in the template, in characters; None while the place is not known yet.
    hint
        How to fix it.
    """

    default_code = "GOV150"

    def __init__(
        self, message: str, *, code: str | None = None, offset: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.offset = offset
        self.hint = hint


class MissingFault(Fault):
    """A name, key or index has no value."""

    default_code = "GOV151"

    def __init__(self, name: str, *, offset: int | None = None) -> None:
        super().__init__(f"`{name}` has no value", offset=offset)
        self.name = name


class SyntaxFault(Fault):
    """The text is not a template."""

    default_code = "GOV152"


class UnknownNameFault(SyntaxFault):
    """No filter, function, test or tag has this name."""

    default_code = "GOV153"


class ArgumentFault(Fault):
    """A filter or function was given the wrong arguments."""

    default_code = "GOV154"


class LimitFault(Fault):
    """The expression takes too long or makes too much."""

    default_code = "GOV155"
