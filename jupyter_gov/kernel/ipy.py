"""The parts of IPython that carry no annotations, under types of ours, so that the rest stays strictly checked."""

from __future__ import annotations

from argparse import ArgumentParser, HelpFormatter
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import IPython.core.magic_arguments as arguments
import IPython.display as shown
from IPython.core import completer

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)


class DisplayHandle(Protocol):
    """What was displayed under an id, and can be replaced."""

    def update(self, obj: object, *, raw: bool = False) -> None:
        """Show something else in its place."""
        ...


def display(bundle: dict[str, Any]) -> None:
    """Display a MIME bundle."""
    shown.display(bundle, raw=True)  # type: ignore[no-untyped-call]


def display_object(thing: object) -> DisplayHandle:
    """Display an object under an id."""
    handle: DisplayHandle = shown.display(thing, display_id=True)  # type: ignore[no-untyped-call]
    return handle


def display_replaceable(bundle: dict[str, Any]) -> DisplayHandle:
    """Display a MIME bundle under an id."""
    handle: DisplayHandle = shown.display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    return handle


def magic_arguments(name: str) -> Callable[[F], F]:
    """Mark a magic as one whose options ``argument`` declares; ``name`` is how its help spells it."""
    decorator: Callable[[F], F] = arguments.magic_arguments(name)  # type: ignore[no-untyped-call]
    return decorator


def argument(*names: str, **how: Any) -> Callable[[F], F]:
    """Declare an option of a magic."""
    decorator: Callable[[F], F] = arguments.argument(*names, **how)  # type: ignore[no-untyped-call]
    return decorator


def parser(prog: str, description: str) -> ArgumentParser:
    """Return an argument parser that raises ``UsageError`` instead of leaving the interpreter."""
    made: ArgumentParser = arguments.MagicArgumentParser(  # type: ignore[no-untyped-call]
        prog=prog, description=description, formatter_class=HelpFormatter
    )
    return made


def context_matcher(function: F) -> F:
    """Mark a completer that sees the whole cell."""
    decorated: F = completer.context_matcher()(function)
    return decorated
