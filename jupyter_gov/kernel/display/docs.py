"""The page of a type in a cell."""

from __future__ import annotations

from typing import Any

from jupyter_gov.kernel.display.html import environment
from jupyter_gov.lang.docs import Page, page_text


class ShownPage:
    """A page that shows itself as HTML and as text."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def __repr__(self) -> str:
        return f"<ShownPage {self.page.name}>"

    def _repr_mimebundle_(self, **_kwargs: Any) -> dict[str, str]:
        html = environment().get_template("docs.html.j2").render(page=self.page)
        return {"text/plain": page_text(self.page), "text/html": html}
