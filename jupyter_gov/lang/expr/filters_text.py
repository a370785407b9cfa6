"""Filters on texts."""

from __future__ import annotations

from typing import Any

from jupyter_gov.lang.expr.registry import filter_
from jupyter_gov.lang.expr.state import State
from jupyter_gov.lang.expr.values import java_text


@filter_("upper")
def upper(state: State, value: Any) -> Any:
    """Upper-case a text."""
    return None if value is None else java_text(value, state.budget).upper()


@filter_("lower")
def lower(state: State, value: Any) -> Any:
    """Lower-case a text."""
    return None if value is None else java_text(value, state.budget).lower()
