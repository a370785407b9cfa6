"""Taking the answer to a question over from DuckDB, within bounds of time, rows and memory."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_gov.errors import StoreError

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

MAX_ROWS = 1_000_000
MAX_BYTES = 256 * 2**20
"""How much of a result is handed over; what is cut off is said in a warning and in ``frame.attrs["cut"]``."""

_VECTORS = 32
"""Vectors of 2,048 rows that are taken over at once, at most: what is too large shows before it fills the memory."""

_TEXTS = frozenset({"object", "str", "string"})
"""Names of pandas' types whose memory a frame does not count."""


class ResultCutWarning(UserWarning):
    """A result was larger than what is handed over."""


@dataclass(slots=True)
class Clock:
    """When a question must have ended."""

    seconds: float
    until: float = 0.0

    def __post_init__(self) -> None:
        self.until = time.monotonic() + self.seconds

    def check(self) -> None:
        """Stop the question if its time is over."""
        if time.monotonic() > self.until:
            raise self.over()

    def over(self) -> StoreError:
        """Return the error that says so."""
        return StoreError(
            f"the query took longer than {self.seconds:g} s and was stopped", code="GOV732", hint="Narrow it down."
        )


def taken(result: duckdb.DuckDBPyConnection, clock: Clock, max_rows: int, max_bytes: int) -> pd.DataFrame:
    """Return a result, or as much of it as may be handed over."""
    import pandas as pd  # noqa: PLC0415 - see analytics.query

    pieces: list[pd.DataFrame] = []
    rows = size = 0
    vectors, cut = 1, None
    while cut is None:
        piece = _next(result, vectors)
        clock.check()
        if piece.empty and pieces:
            break
        weight = _bytes_of(piece)
        room = max_rows - rows
        if size + weight > max_bytes:
            room = min(room, len(piece) * (max_bytes - size) // weight)
        if len(piece) > room:
            piece = piece.iloc[:room]
            cut = f"only the first {rows + room} rows are shown; there are more"
            if rows + room < max_rows:
                cut = f"only the first {rows + room} rows are shown; with more, it exceeds {max_bytes // 2**20} MiB"
        rows, size, vectors = rows + len(piece), size + weight, min(vectors * 2, _VECTORS)
        pieces.append(piece)
        if piece.empty:
            break
    frame = pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)
    if cut is not None:
        frame.attrs["cut"] = cut
        warnings.warn(f"{cut}. Narrow the question, or add LIMIT.", ResultCutWarning, stacklevel=4)
    return frame


def _next(result: duckdb.DuckDBPyConnection, vectors: int) -> pd.DataFrame:
    with warnings.catch_warnings():
        # DuckDB still uses what the newest pandas announces to remove.
        warnings.simplefilter("ignore", DeprecationWarning)
        return result.fetch_df_chunk(vectors)


def _bytes_of(frame: pd.DataFrame) -> int:
    """Return roughly how much memory a frame takes."""
    held = sum(
        _held(value)
        for number, kind in enumerate(frame.dtypes)
        if str(kind) in _TEXTS
        for value in frame.iloc[:, number]
    )
    return int(frame.memory_usage(index=False).sum()) + held


def _held(value: Any) -> int:
    if isinstance(value, (str, bytes)):
        return len(value)
    if isinstance(value, dict):
        return sum(_held(key) + _held(item) for key, item in value.items())
    if isinstance(value, (list, tuple)) or str(getattr(value, "dtype", "")) == "object":
        return sum(map(_held, value))
    return int(getattr(value, "nbytes", 32))
