"""What can be asked in SQL: ``SHOW TABLES`` and ``DESCRIBE``, which are no SELECT, answered from what we know."""

from __future__ import annotations

import re
from typing import Any

from jupyter_gov.errors import StoreError
from jupyter_gov.store.views import VIEWS

_TABLES = re.compile(r"\s*show\s+(all\s+)?(tables|views)\s*;?\s*", re.IGNORECASE)
_DESCRIBE = re.compile(r"\s*(?:describe|desc|show)\s+\"?(\w+)\"?\s*;?\s*", re.IGNORECASE)


def described(query: str) -> Any:
    """Return a DataFrame that lists the views, or the columns of one, if that is what a query asks for; else None.

    Raises
    ------
    StoreError
        ``GOV730``: there is no view of that name.
    """
    import pandas as pd  # noqa: PLC0415 - half a second

    if _TABLES.fullmatch(query):
        rows = [(name, ", ".join(view.columns)) for name, view in VIEWS.items()]
        return pd.DataFrame(rows, columns=["view", "columns"])
    found = _DESCRIBE.fullmatch(query)
    if found is None:
        return None
    name = found[1].lower()
    if name not in VIEWS:
        raise StoreError(f"there is no view {found[1]!r}", code="GOV730", hint=f"There are {', '.join(VIEWS)}.")
    return pd.DataFrame(
        [(column, kind) for column, (_, kind) in VIEWS[name].columns.items()], columns=["column", "kind"]
    )
