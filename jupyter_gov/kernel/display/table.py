"""A small table that looks right as HTML and as text: what the ``%gov`` lists return."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from jupyter_gov.legible import visible
from jupyter_gov.service import words

_WIDTH = 100


class Table:
    """Rows under headings.

    Parameters
    ----------
    columns
        Headings.
    rows
        One sequence of texts per row.
    empty
        What to say when there are no rows, and what to do about it.
    """

    def __init__(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str) -> None:
        self.columns = tuple(columns)
        self.rows = tuple(tuple(map(visible, row)) for row in rows)
        self._empty = empty

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"<Table {', '.join(self.columns)}: {len(self)} rows>"

    def __str__(self) -> str:
        if not self.rows:
            return self._empty
        lines = [self.columns, *self.rows]
        widths = [max(len(line[index]) for line in lines) for index in range(len(self.columns))]
        # The last columns hold prose: they give way first.
        for index in reversed(range(len(widths))):
            surplus = sum(widths) + 2 * (len(widths) - 1) - _WIDTH
            if surplus <= 0:
                break
            widths[index] = max(len(self.columns[index]), 8, widths[index] - surplus)
        return "\n".join(
            "  ".join(f"{words.cut(cell, width):<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._html()}

    def _html(self) -> str:
        if not self.rows:
            return f"<div>{escape(self._empty)}</div>"
        head = "".join(f'<th style="text-align: left">{escape(name)}</th>' for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align: left">{escape(cell)}</td>' for cell in row) + "</tr>"
            for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
