"""Pages about types, made from the classes that check them: what ``jupyter gov docs`` shows."""

from __future__ import annotations

from jupyter_gov.lang.docs.catalogue import Entry, entries, page
from jupyter_gov.lang.docs.pages import Page, Property
from jupyter_gov.lang.docs.text import page_text

__all__ = ["Entry", "Page", "Property", "entries", "page", "page_text"]
