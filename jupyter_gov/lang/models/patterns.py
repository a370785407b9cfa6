"""Regular expressions written by users, matched in time linear to the value.

Patterns run on the Rust engine that comes with pydantic, which cannot backtrack. What that engine does not know (look
around, back references) runs on Python's, but only for short values and patterns that cannot explode.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from jupyter_gov.errors import LanguageError

LONGEST_PATTERN = 2_000
_LONGEST_VALUE = 200
_MOST_REPEATS = 3
_MOST_QUANTIFIERS = 8


class PatternError(LanguageError, ValueError):
    """A regular expression cannot be used; also a ``ValueError``, so that pydantic reports it at the right place."""

    default_code = "GOV123"


@lru_cache(maxsize=512)
def compile_pattern(pattern: str) -> Callable[[str], bool]:
    r"""Return a function that says whether a whole text matches.

    Raises
    ------
    PatternError
        ``GOV123``: the pattern is wrong, or could take for ever.

    Examples
    --------
    >>> compile_pattern(r"A\d+")("A12"), compile_pattern("a")("aa")
    (True, False)
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternError(f"the pattern is longer than {LONGEST_PATTERN} characters")
    try:
        adapter = TypeAdapter(Annotated[str, StringConstraints(pattern=rf"\A(?:{pattern})\z")])
    except SchemaError:
        return _backtracking(pattern)

    def matches(text: str) -> bool:
        try:
            adapter.validate_python(text)
        except ValidationError:
            return False
        return True

    return matches


def _backtracking(pattern: str) -> Callable[[str], bool]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "possible nested set": about a later Python
            compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise PatternError(f"invalid pattern `{pattern[:80]}`: {error}") from error
    if _could_explode(pattern):
        raise PatternError(
            f"the pattern `{pattern[:80]}` could take for ever",
            hint="Do not repeat what is repeated already, such as (a+)+, together with look-around or back references.",
        )

    def matches(text: str) -> bool:
        return len(text) <= _LONGEST_VALUE and compiled.fullmatch(text) is not None

    return matches


def _could_explode(pattern: str) -> bool:
    # Counting is enough: n unbounded quantifiers cost at most length ** n, a repeated group can cost 2 ** length.
    bare = re.sub(r"\\.|\[(?:\\.|[^\]\\])*\]", "x", pattern, flags=re.DOTALL)
    quantifiers = re.findall(r"[*+{]|(?<!\()\?", bare)
    unbounded = re.findall(r"[*+]|\{\d*,\d*\}", bare)
    nested = re.search(r"\)(?:[*+{])", bare) is not None
    return len(unbounded) > _MOST_REPEATS or len(quantifiers) > _MOST_QUANTIFIERS or (nested and len(quantifiers) > 1)


def matches(pattern: str, text: Any) -> bool:
    """Return whether the whole text matches."""
    return compile_pattern(pattern)(str(text))
