"""What ``+ - * / %``, the comparisons, ``~``, ``contains``, ``..`` and access by key do.

Whole numbers are 64 bits wide and wrap around, as on the JVM; one that is already wider (from JSON) stays exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from decimal import Decimal
from typing import Any, Final

from jupyter_gov.lang.expr.faults import Fault, LimitFault, MissingFault
from jupyter_gov.lang.expr.limits import Budget
from jupyter_gov.lang.expr.values import SEQUENCES, java_text, scalar_text, type_name

MISSING: Final = object()
_LOW: Final = -(1 << 63)
_HIGH: Final = (1 << 63) - 1
_MAX_BITS: Final = 4096
_SIGNS: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%"}


def is_number(value: Any) -> bool:
    """Return whether a value is a number; booleans are not."""
    return isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)


def is_list(value: Any) -> bool:
    """Return whether a value is a list, a tuple or a set."""
    return isinstance(value, (Set, *SEQUENCES))


def _wrapped(value: int, left: Any, right: Any) -> int:
    if _LOW <= value <= _HIGH:
        return value
    if _LOW <= left <= _HIGH and _LOW <= right <= _HIGH:
        return ((value + (1 << 63)) & ((1 << 64) - 1)) - (1 << 63)
    if value.bit_length() > _MAX_BITS:
        raise LimitFault("a whole number has too many digits")
    return value


def _numbers(operator: str, left: Any, right: Any) -> tuple[Any, Any]:
    if not (is_number(left) and is_number(right)):
        raise Fault(
            f"`{_SIGNS[operator]}` needs two numbers, not {type_name(left)} and {type_name(right)}",
            hint="Turn text into a number by the filter `number`.",
        )
    if isinstance(left, float) or isinstance(right, float):
        return float(left), float(right)
    return left, right


def add(left: Any, right: Any, budget: Budget) -> Any:
    """Return the sum; joins if either side is a text, appends to a list."""
    if isinstance(left, str) or isinstance(right, str):
        return concat((left, right), budget, null="null")
    if is_list(left):
        more = list(right) if is_list(right) else [right]
        budget.list(len(left) + len(more))
        return [*left, *more]
    first, second = _numbers("add", left, right)
    total = first + second
    return _wrapped(total, first, second) if isinstance(total, int) else total


def sub(left: Any, right: Any, budget: Budget) -> Any:
    """Return the difference; removes from a list."""
    if is_list(left):
        gone = list(right) if is_list(right) else [right]
        return [item for item in left if not any(equal(item, other, budget) for other in gone)]
    first, second = _numbers("sub", left, right)
    total = first - second
    return _wrapped(total, first, second) if isinstance(total, int) else total


def mul(left: Any, right: Any) -> Any:
    """Return the product of two numbers."""
    first, second = _numbers("mul", left, right)
    total = first * second
    return _wrapped(total, first, second) if isinstance(total, int) else total


def div(left: Any, right: Any) -> Any:
    """Return the quotient; of whole numbers cut towards zero."""
    first, second = _numbers("div", left, right)
    if isinstance(first, float):
        return _real_quotient(first, second)
    if second == 0:
        raise Fault("division by zero")
    if isinstance(first, Decimal) or isinstance(second, Decimal):
        return Decimal(first) / Decimal(second)
    quotient = abs(first) // abs(second)
    return _wrapped(quotient if (first < 0) == (second < 0) else -quotient, first, second)


def _real_quotient(first: float, second: float) -> float:
    if second != 0:
        return first / second
    if first == 0 or math.isnan(first):
        return math.nan
    return math.copysign(math.inf, first) * math.copysign(1.0, second)


def mod(left: Any, right: Any) -> Any:
    """Return the remainder, with the sign of the left side."""
    first, second = _numbers("mod", left, right)
    if isinstance(first, float):
        return math.nan if second == 0 or math.isinf(first) else math.fmod(first, second)
    if second == 0:
        raise Fault("division by zero")
    if isinstance(first, Decimal) or isinstance(second, Decimal):
        return Decimal(first) % Decimal(second)
    rest = abs(first) % abs(second)
    return -rest if first < 0 else rest


def neg(value: Any) -> Any:
    """Return ``-value``."""
    if not is_number(value):
        raise Fault(f"`-` needs a number, not {type_name(value)}")
    return _wrapped(-value, value, 0) if isinstance(value, int) else -value


def pos(value: Any) -> Any:
    """Return ``+value``."""
    if not is_number(value):
        raise Fault(f"`+` needs a number, not {type_name(value)}")
    return value


def concat(parts: tuple[Any, ...], budget: Budget, *, null: str = "") -> str:
    """Return the parts as one text."""
    texts = [null if part is None else java_text(part, budget) for part in parts]
    budget.text(sum(map(len, texts)))
    return "".join(texts)


def equal(left: Any, right: Any, budget: Budget) -> bool:
    """Return whether two values are equal: numbers by value, everything else only with its own type."""
    if is_number(left) or is_number(right):
        budget.step()
        return is_number(left) and is_number(right) and bool(left == right)
    return same(left, right, budget)


def same(left: Any, right: Any, budget: Budget) -> bool:
    """Return whether two values are equal inside lists and maps, where 1 and 1.0 and true differ."""
    budget.step()
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return len(left) == len(right) and all(
            key in right and same(value, right[key], budget) for key, value in left.items()
        )
    if is_list(left) and is_list(right):
        return len(left) == len(right) and all(same(one, other, budget) for one, other in zip(left, right, strict=True))
    if type(left) is not type(right) and (is_number(left) or is_number(right) or isinstance(left, bool)):
        return False
    return bool(left == right)


def less(left: Any, right: Any, operator: str) -> bool:
    """Return ``left operator right`` for ``<``, ``<=``, ``>``, ``>=``; false if either side is null."""
    if left is None or right is None:
        return False
    if not (is_number(left) and is_number(right)):
        raise Fault(
            f"`{operator}` compares numbers, not {type_name(left)} and {type_name(right)}",
            hint="Use the filters `number` or `timestamp`.",
        )
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    return bool(left > right) if operator == ">" else bool(left >= right)


def contains(left: Any, right: Any, budget: Budget) -> bool:
    """Return whether a list holds an element (or all of a list), a map a key, a text a part."""
    if left is None:
        return False
    if is_list(left):
        wanted = right if is_list(right) else [right]
        return all(any(same(item, one, budget) for item in left) for one in wanted)
    if isinstance(left, Mapping):
        return isinstance(right, (str, int, float, bool)) and right in left
    if isinstance(left, str):
        return scalar_text(right) in left
    raise Fault(f"`contains` needs a list, a map or a text on its left, not {type_name(left)}")


def span(first: Any, last: Any, step: Any, budget: Budget) -> list[Any]:
    """Return the numbers or single letters from ``first`` to ``last``, both included."""
    if isinstance(first, str) and isinstance(last, str) and len(first) == 1 and len(last) == 1:
        return [chr(code) for code in span(ord(first), ord(last), step, budget)]
    whole = all(isinstance(part, int) and not isinstance(part, bool) for part in (first, last, step))
    if not whole:
        raise Fault("a range needs whole numbers or single letters")
    if step == 0:
        raise Fault("the step of a range must not be 0")
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if last - first > budget.limits.items * abs(step) or first - last > budget.limits.items * abs(step):
        budget.list(budget.limits.items + 1)
    return list(numbers)


def attribute(value: Any, name: Any, offset: int) -> Any:
    """Return ``value.name`` or ``value[name]``: a key of a map or an index of a list, never anything of Python's.

    Raises
    ------
    MissingFault
        There is no such key or index.
    """
    if isinstance(value, Mapping):
        found = _entry(value, name, offset)
    elif isinstance(value, (list, tuple)):
        found = _element(value, name)
    else:
        found = MISSING
    if found is MISSING:
        raise MissingFault("null" if name is None else scalar_text(name), offset=offset)
    return found


def _entry(value: Mapping[Any, Any], name: Any, offset: int) -> Any:
    if isinstance(name, str):
        return value.get(name, MISSING)
    if not is_number(name):
        return value.get(name, MISSING) if isinstance(name, bool) else MISSING
    first = next(iter(value), MISSING)
    if first is not MISSING and not is_number(first):
        raise Fault("a map with text keys has no number keys", offset=offset, hint="Write the key in quotes.")
    return value.get(name, MISSING)


def _element(value: list[Any] | tuple[Any, ...], name: Any) -> Any:
    if isinstance(name, str):
        name = int(name) if name.isdecimal() and len(name) < 10 else None
    if not isinstance(name, int) or isinstance(name, bool) or not 0 <= name < len(value):
        return MISSING
    return value[name]
