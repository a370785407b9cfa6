"""Filters on texts."""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final

from jupyter_gov.lang.expr import patterns
from jupyter_gov.lang.expr.arguments import flag_of, map_of, text_of, whole_of
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.operators import is_list
from jupyter_gov.lang.expr.registry import filter_
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import java_text, scalar_text
from jupyter_gov.lang.expr.values import text as text_form

_LINE_ENDS: Final = ("\r\n", "\n\r", "\n", "\r")
_QUOTES: Final = {"single": ("'", "\\'"), "double": ('"', '\\"'), "shell": ("'", "'\\''")}


@filter_("upper")
def upper(state: State, value: Any) -> Any:
    """Upper-case a value as text."""
    return None if value is None else java_text(value, state.budget).upper()


@filter_("lower")
def lower(state: State, value: Any) -> Any:
    """Lower-case a value as text."""
    return None if value is None else java_text(value, state.budget).lower()


@filter_("capitalize")
def capitalize(state: State, value: Any) -> Any:
    """Upper-case the first letter."""
    if value is None:
        return None
    text = text_of("what is capitalized", value)
    first = len(text) - len(text.lstrip())
    return text[:first] + text[first : first + 1].title() + text[first + 1 :]


@filter_("title")
def title(state: State, value: Any) -> Any:
    """Upper-case the first letter of each word."""
    if value is None:
        return None
    out: list[str] = []
    starts = True
    for character in text_of("what becomes a title", value):
        out.append(character.title() if starts and not character.isspace() else character)
        starts = character.isspace()
    return "".join(out)


@filter_("trim")
def trim(state: State, value: Any) -> Any:
    """Remove white space at both ends."""
    return None if value is None else text_of("what is trimmed", value).strip("".join(map(chr, range(33))))


@filter_("abbreviate")
def abbreviate(state: State, value: Any, length: Any) -> Any:
    """Cut a text to ``length`` characters, dots included."""
    if value is None:
        return None
    text, width = text_of("what is abbreviated", value), whole_of("`length`", length)
    if width < 0:
        raise ArgumentFault("`length` must not be negative")
    if len(text) < width or len(text) <= 3:
        return text
    return text[:width] if width <= 3 else text[: width - 3] + "..."


@filter_("replace")
def replace(state: State, value: Any, replace_pairs: Any, regexp: Any = False) -> Any:
    """Replace each key of a map by its value, in texts at any depth."""
    if value is None:
        return None
    pairs = [(scalar_text(old), scalar_text(new)) for old, new in map_of("`replace_pairs`", replace_pairs).items()]
    by_pattern = flag_of("`regexp`", regexp)

    def change(text: str) -> str:
        for old, new in pairs:
            if by_pattern:
                text = patterns.replace(state.budget, old, new, text)
            else:
                state.budget.text(len(text) + text.count(old) * len(new))
                text = text.replace(old, new)
        return text

    return _deep(state, value, change)


def _deep(state: State, value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _deep(state, item, change) for key, item in value.items()}
    if is_list(value):
        return [_deep(state, item, change) for item in value]
    state.budget.step()
    return change(java_text(value, state.budget))


@filter_("split")
def split(state: State, value: Any, delimiter: Any, limit: Any = None) -> Any:
    """Split a text at a regular expression."""
    if value is None:
        return None
    text, pattern = text_of("what is split", value), text_of("`delimiter`", delimiter)
    parts = patterns.split(state.budget, pattern, text, 0 if limit is None else whole_of("`limit`", limit))
    state.budget.list(len(parts))
    return parts


@filter_("startsWith")
def starts_with(state: State, text: Any, value: Any) -> bool:
    """Whether a value as text starts with another."""
    return _present(state, text).startswith(_present(state, value))


@filter_("endsWith")
def ends_with(state: State, text: Any, value: Any) -> bool:
    """Whether a value as text ends with another."""
    return _present(state, text).endswith(_present(state, value))


def _present(state: State, value: Any) -> str:
    if value is None:
        raise ArgumentFault("null has no beginning and no end")
    return java_text(value, state.budget)


@filter_("substringBefore")
def substring_before(state: State, value: Any, separator: Any) -> Any:
    """Return what stands before the first separator; all of it if there is none."""
    return _cut(state, value, separator, lambda text, at, _: text[:at] if at >= 0 else text, str.find)


@filter_("substringBeforeLast")
def substring_before_last(state: State, value: Any, separator: Any) -> Any:
    """Return what stands before the last separator; all of it if there is none."""
    return _cut(state, value, separator, lambda text, at, _: text[:at] if at >= 0 else text, str.rfind)


@filter_("substringAfter")
def substring_after(state: State, value: Any, separator: Any) -> Any:
    """Return what stands after the first separator; nothing if there is none."""
    return _cut(state, value, separator, lambda text, at, size: text[at + size :] if at >= 0 else "", str.find)


@filter_("substringAfterLast")
def substring_after_last(state: State, value: Any, separator: Any) -> Any:
    """Return what stands after the last separator; nothing if there is none."""
    return _cut(state, value, separator, lambda text, at, size: text[at + size :] if at >= 0 else "", str.rfind)


def _cut(
    state: State, value: Any, separator: Any, part: Callable[[str, int, int], str], find: Callable[[str, str], int]
) -> Any:
    if value is None:
        return None
    text, mark = java_text(value, state.budget), text_of("`separator`", separator)
    return part(text, find(text, mark), len(mark))


@filter_("indent")
def indent(state: State, value: Any, amount: Any, prefix: Any = " ") -> Any:
    """Indent every line but the first."""
    return _indented("indent", state, value, amount, prefix)


@filter_("nindent")
def nindent(state: State, value: Any, amount: Any, prefix: Any = " ") -> Any:
    """Start a new line and indent every line."""
    return _indented("nindent", state, value, amount, prefix)


def _indented(name: str, state: State, value: Any, amount: Any, prefix: Any) -> Any:
    if value is None:
        return None
    text = java_text(value, state.budget)
    times, mark = whole_of("`amount`", amount), text_of("`prefix`", prefix)
    if times < 0:
        raise ArgumentFault("`amount` must not be negative")
    if not text:
        return text
    end = next((end for end in _LINE_ENDS if end in text), "\n")
    text = end + text if name == "nindent" else text
    state.budget.text(len(text) + text.count(end) * times * len(mark))
    return text.replace(end, end + mark * times)


@filter_("slugify")
def slugify(state: State, value: Any) -> Any:
    """Turn a text into lower-case letters, digits and dashes."""
    if value is None:
        return None
    text = unicodedata.normalize("NFD", java_text(value, state.budget))
    spaced = "".join("-" if one.isspace() or one == "_" else one for one in text)
    kept = "".join(one for one in spaced if one == "-" or (one.isascii() and one.isalnum()))
    while "--" in kept:
        kept = kept.replace("--", "-")
    return kept.removeprefix("-").removesuffix("-").lower()


@filter_("escapeChar")
def escape_char(state: State, value: Any, type_: Any) -> Any:
    """Escape quotes for ``single``, ``double`` or ``shell``."""
    if value is None:
        return None
    kind = text_of("`type`", type_).lower()
    if kind not in _QUOTES:
        raise ArgumentFault("`type` must be `single`, `double` or `shell`")
    old, new = _QUOTES[kind]
    return _deep(state, value, lambda text: text.replace(old, new))


@filter_("string")
def string(state: State, value: Any) -> Any:
    """Return a value as the text that it prints as."""
    return None if value is None else text_form(value, state.budget)


@filter_("regexMatch")
def regex_match(state: State, value: Any, regex: Any) -> bool:
    """Whether a regular expression matches somewhere."""
    if value is None:
        return False
    return patterns.search(state.budget, text_of("`regex`", regex), java_text(value, state.budget)) is not None


@filter_("regexReplace")
def regex_replace(state: State, value: Any, regex: Any, replacement: Any) -> Any:
    """Replace every match of a regular expression."""
    if value is None:
        return None
    text = java_text(value, state.budget)
    return patterns.replace(state.budget, text_of("`regex`", regex), text_of("`replacement`", replacement), text)


@filter_("regexExtract")
def regex_extract(state: State, value: Any, regex: Any, group: Any = 0) -> Any:
    """Return the first match of a regular expression, or one of its groups; null if there is none."""
    if value is None:
        return None
    found = patterns.search(state.budget, text_of("`regex`", regex), java_text(value, state.budget))
    number = whole_of("`group`", group)
    if found is None:
        return None
    if not 0 <= number <= len(found.groups()):
        raise ArgumentFault(f"the regular expression has no group {number}")
    return found.group(number)


@filter_(
    "nl2br",
    advice="`nl2br` is no filter of Kestra; write `{left} | replace({{'⏎': '<br/>'}})`, with a line break for ⏎.",
)
def nl2br(state: State, value: Any) -> Any:
    """Turn a text into HTML with its line breaks kept; the text is escaped first."""
    if value is None:
        return None
    escaped = html.escape(java_text(value, state.budget))
    return escaped.replace("\r\n", "\n").replace("\n", "<br />\n")
