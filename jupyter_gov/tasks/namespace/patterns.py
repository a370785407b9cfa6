"""Patterns for paths, as Kestra reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from jupyter_gov.errors import TaskError
from jupyter_gov.lang.models.patterns import PatternError, compile_pattern

_LONGEST = 500
_TOKEN = re.compile(r"\*\*/|\*+|\?|\{|\}|,|\[[^\]/]+\]|\\.|.", re.DOTALL)


def matching(paths: Iterable[str], include: Sequence[str], exclude: Sequence[str] = ()) -> list[str]:
    """Return the paths that match a pattern of ``include`` (all if there is none) and none of ``exclude``.

    A pattern is a glob (``**`` crosses folders, ``{a,b}`` is either), or ``regex:`` and a regular expression. With a
    slash before it a glob begins at the root, else in any folder.

    Raises
    ------
    TaskError
        ``GOV878``: a pattern is wrong.
    """
    wanted, unwanted = [matcher(one) for one in include], [matcher(one) for one in exclude]
    return [
        path
        for path in paths
        if (not wanted or any(match(path) for match in wanted)) and not any(match(path) for match in unwanted)
    ]


@lru_cache(maxsize=256)
def matcher(pattern: str) -> Callable[[str], bool]:
    """Return whether a path without a slash before it matches."""
    try:
        if pattern.startswith("regex:"):
            found = compile_pattern(pattern.removeprefix("regex:"))
            return lambda path: found(path) or found(f"/{path}")
        # The engine behind compile_pattern takes time linear to the path, whatever the pattern.
        return compile_pattern(_translated(pattern.removeprefix("glob:")))
    except PatternError as error:
        raise TaskError(f"The pattern {pattern[:80]!r} is wrong: {error.message}", code="GOV878") from None


def _translated(glob: str) -> str:
    if not glob or len(glob) > _LONGEST:
        raise TaskError(f"A pattern has 1 to {_LONGEST} characters.", code="GOV878")
    rooted, text = glob.startswith("/"), glob.lstrip("/")
    text += "**" if text.endswith("/") or not text else ""
    depth = 0
    parts = []
    for word in _TOKEN.findall(text):
        if word == "}" and depth == 0:
            parts.append(re.escape(word))
            continue
        depth += (word == "{") - (word == "}")
        parts.append(_part(word, depth))
    if depth:
        raise TaskError(f"The pattern {glob[:80]!r} has a brace that is not closed.", code="GOV878")
    return ("" if rooted else "(?:.*/)?") + "".join(parts)


def _part(word: str, depth: int) -> str:
    fixed = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]", "{": "(?:"}
    if word in fixed:
        return fixed[word]
    if word.startswith("**"):
        return ".*"
    if word == "}":
        return ")"
    if word == "," and depth:
        return "|"
    if len(word) > 2 and word.startswith("["):
        inside = word[1:-1].replace("\\", "\\\\")
        return f"[^{inside[1:]}]" if inside.startswith(("!", "^")) and len(inside) > 1 else f"[{inside}]"
    return re.escape(word[1:] if len(word) == 2 and word.startswith("\\") else word)
