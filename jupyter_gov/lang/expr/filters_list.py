"""Filters on lists and maps, and those that work on texts too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Any

from jupyter_gov.lang.expr.arguments import list_of, map_of, text_of, whole_of
from jupyter_gov.lang.expr.faults import ArgumentFault
from jupyter_gov.lang.expr.operators import MISSING, is_list, is_number, same
from jupyter_gov.lang.expr.registry import filter_
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.tests import blank
from jupyter_gov.lang.expr.values import TEMPORAL, java_text, type_name


@filter_("default", lazy=True)
def default(state: State, value: Callable[[], Any], default: Any) -> Any:
    """Return ``default`` if the value is undefined, null, blank or empty."""
    found = state.attempt(value)
    return default if found is MISSING or blank(found) else found


@filter_("first")
def first(state: State, value: Any) -> Any:
    """Return the first element or letter; null of an empty list."""
    return _end(value, 0)


@filter_("last")
def last(state: State, value: Any) -> Any:
    """Return the last element or letter; null of an empty list."""
    return _end(value, -1)


def _end(value: Any, index: int) -> Any:
    if value is None:
        return None
    if isinstance(value, str):
        if not value:
            raise ArgumentFault("an empty text has no letters")
        return value[index]
    items = list_of("what has a first and a last element", value)
    return items[index] if items else None


@filter_("join")
def join(state: State, value: Any, separator: Any = None) -> Any:
    """Join the elements of a list as text."""
    if value is None:
        return None
    mark = "" if separator is None else text_of("`separator`", separator)
    parts: list[str] = []
    length = 0
    for item in list_of("what is joined", value):
        state.budget.step()
        parts.append(java_text(item, state.budget))
        length += len(parts[-1]) + len(mark)
        state.budget.text(length)
    return mark.join(parts)


@filter_("length")
def length(state: State, value: Any) -> int:
    """Return the number of elements or letters; 0 of everything else."""
    return len(value) if isinstance(value, (str, Mapping)) or is_list(value) else 0


@filter_("merge")
def merge(state: State, value: Any, items: Any) -> Any:
    """Join two lists, or two maps of which the second wins."""
    if value is None or items is None:
        if value is None and items is None:
            raise ArgumentFault("nothing is merged with nothing")
        return items if value is None else value
    if isinstance(value, Mapping):
        more = items if isinstance(items, Mapping) else {item: item for item in list_of("`items`", items)}
        return {**value, **more}
    mine = list_of("what is merged", value)
    if isinstance(items, Mapping):
        added: list[Any] = [{"key": key, "value": item} for key, item in items.items()]
    else:
        added = list_of("`items`", items)
    state.budget.list(len(mine) + len(added))
    return [*mine, *added]


@filter_("reverse")
def reverse(state: State, value: Any) -> Any:
    """Return a list backwards."""
    return None if value is None else list_of("what is reversed", value)[::-1]


@filter_("sort")
def sort(state: State, value: Any) -> Any:
    """Return a list in ascending order."""
    return None if value is None else _sorted(list_of("what is sorted", value))


@filter_("rsort")
def rsort(state: State, value: Any) -> Any:
    """Return a list in descending order."""
    return None if value is None else _sorted(list_of("what is sorted", value))[::-1]


def _sorted(items: list[Any]) -> list[Any]:
    return sorted(items, key=cmp_to_key(_compare))


def _compare(left: Any, right: Any) -> int:
    numbers = is_number(left) and is_number(right)
    alike = type(left) is type(right) and isinstance(left, (str, bool, *TEMPORAL))
    if not (numbers or alike):
        raise ArgumentFault(f"{type_name(left)} and {type_name(right)} have no order")
    return int(left > right) - int(left < right)


@filter_("slice")
def slice_(state: State, value: Any, from_index: Any = 0, to_index: Any = None) -> Any:
    """Return the part of a list or text from one index up to, not including, another."""
    if value is None:
        return None
    whole = value if isinstance(value, str) else list_of("what is sliced", value)
    start = 0 if from_index is None else whole_of("`fromIndex`", from_index)
    end = len(whole) if to_index is None else whole_of("`toIndex`", to_index)
    if start < 0 or start > len(whole) or end > len(whole) or (to_index is not None and start >= end):
        raise ArgumentFault(f"there is no part from {start} to {end} of {len(whole)} elements")
    return whole[start:end]


@filter_("chunk")
def chunk(state: State, value: Any, size: Any) -> Any:
    """Cut a list into lists of ``size`` elements."""
    if value is None:
        return None
    items, width = list_of("what is cut into chunks", value), whole_of("`size`", size)
    if width <= 0:
        raise ArgumentFault("`size` must be at least 1")
    return [items[at : at + width] for at in range(0, len(items), width)]


@filter_("flatten")
def flatten(state: State, value: Any) -> Any:
    """Dissolve lists in a list, one level deep."""
    if value is None:
        return None
    out: list[Any] = []
    for item in list_of("what is flattened", value):
        state.budget.step()
        out.extend(item if is_list(item) else [item])
        state.budget.list(len(out))
    return out


@filter_("keys")
def keys(state: State, value: Any) -> Any:
    """Return the keys of a map, or the indexes of a list."""
    if value is None:
        return None
    if is_list(value):
        return list(range(len(value)))
    return list(map_of("what has keys", value))


@filter_("values")
def values(state: State, value: Any) -> Any:
    """Return the values of a map; a list as it is."""
    if value is None:
        return None
    return list(value) if is_list(value) else list(map_of("what has values", value).values())


@filter_("distinct")
def distinct(state: State, value: Any) -> Any:
    """Return a list without repetitions."""
    if value is None:
        return "null"
    out: list[Any] = []
    for item in list_of("what becomes distinct", value):
        state.budget.step()
        if not any(same(item, seen, state.budget) for seen in out):
            out.append(item)
    return out
