"""Options of the magic line: told apart by the shell's rules, refused when unknown, never mixed with free text."""

from __future__ import annotations

import re
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from IPython.core.error import UsageError

from jupyter_gov.lang.diagnostics import closest

MODES = ("run", "validate", "register")


def words_of(line: str) -> list[str]:
    """Return the words of a magic line; quotes work as in a shell.

    Raises
    ------
    UsageError
        A quote is not closed.
    """
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{error}: {line}") from None


def parse(parser: ArgumentParser, line: str) -> Namespace:
    """Return the options of a magic line.

    Raises
    ------
    UsageError
        An option is unknown or lacks its value.
    """
    options, unknown = parser.parse_known_args(words_of(line))
    if unknown:
        known = re.findall(r"--?[a-z][a-z-]*", parser.format_help())
        meant = closest(unknown[0].partition("=")[0], known) if unknown[0].startswith("-") else None
        raise UsageError(
            f"unrecognized arguments: {' '.join(unknown)}" + (f': did you mean "{meant}"?' if meant else "")
        )
    return options


def wants_help(line: str) -> bool:
    """Return whether a magic line asks how it is used."""
    return bool({"--help", "-h"} & set(words_of(line)))


def pairs(given: Sequence[str] | None, option: str) -> dict[str, str]:
    """Return ``NAME=VALUE`` texts as a dict; a name given twice is a slip.

    Raises
    ------
    UsageError
        There is no ``=``, no name, or a name is there twice.
    """
    found: dict[str, str] = {}
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"{option} expects NAME=VALUE, got {pair!r}")
        if name in found:
            raise UsageError(f"{option} {name} is given twice")
        found[name] = value
    return found


def inputs(options: Namespace, namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the inputs: a dict of the notebook (``--inputs-json``), over which single ``-i`` go.

    Raises
    ------
    UsageError
        The variable does not exist or is no dict.
    """
    found: dict[str, Any] = {}
    variable = options.inputs_json
    if variable is not None:
        if variable not in namespace:
            raise UsageError(f"--inputs-json: there is no variable {variable!r} in this notebook")
        value = namespace[variable]
        if not isinstance(value, Mapping):
            raise UsageError(f"--inputs-json: {variable} is no dict but {type(value).__name__}")
        found.update({str(key): item for key, item in value.items()})
    found.update(pairs(options.input, "-i/--input"))
    return found


def mode(options: Namespace) -> str:
    """Return ``run``, ``validate`` or ``register``.

    Raises
    ------
    UsageError
        More than one of them is asked for.
    """
    asked = [name for name in MODES if getattr(options, name)]
    if len(asked) > 1:
        raise UsageError("give only one of --run, --validate, --register")
    return asked[0] if asked else "run"


def variable_name(name: str | None) -> str | None:
    """Return the name for ``--as``.

    Raises
    ------
    UsageError
        Python could not use it.
    """
    if name is not None and not name.isidentifier():
        raise UsageError(f"--as expects a Python name, got {name!r}")
    return name
