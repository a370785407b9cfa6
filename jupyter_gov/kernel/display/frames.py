"""A DataFrame whose values are data as ever, but whose picture cannot deceive; imports pandas."""

from __future__ import annotations

from typing import Any

import pandas as pd

from jupyter_gov.legible import visible


class ShownFrame(pd.DataFrame):  # type: ignore[misc]  # pandas is not annotated
    """What ``%gov logs`` and ``%gov sql`` hand back; whatever is computed from it is an ordinary DataFrame."""

    @property
    def _constructor(self) -> Any:
        return pd.DataFrame

    def __repr__(self) -> str:
        return visible(super().__repr__())

    def _repr_html_(self) -> str | None:
        html = super()._repr_html_()
        return None if html is None else visible(html)
