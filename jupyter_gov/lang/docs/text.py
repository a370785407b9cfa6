"""A page as plain text, for terminals and for faces without HTML."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from jupyter_gov.lang.docs.pages import OUTPUTS, Page, Property, sections

WIDTH = 100


def page_text(page: Page) -> str:
    """Return a page as lines of at most ``WIDTH`` characters, examples aside."""
    return "\n".join(_lines(page))


def facts(one: Property) -> str:
    """Return what is to be known of a property beside its description."""
    parts = [one.type]
    if one.required:
        parts.append("required")
    if one.default is not None:
        parts.append(f"default {one.default}")
    if one.deprecated:
        parts.append("deprecated")
    return ", ".join(parts)


def _lines(page: Page) -> Iterator[str]:
    yield f"{page.title} ({page.kind})"
    yield page.name
    yield ""
    yield from _wrapped(page.summary, "")
    for paragraph in page.text.split("\n\n") if page.text else ():
        yield ""
        yield from _wrapped(" ".join(paragraph.split()), "")
    if page.deprecated:
        yield ""
        yield from _wrapped(f"Deprecated: {page.deprecated}", "")
    if page.examples:
        yield ""
        yield sections(page)[0]
    for number, example in enumerate(page.examples):
        if number:
            yield ""
        yield from (f"    {line}".rstrip() for line in example.rstrip("\n").split("\n"))
    yield from _section("Properties", page.properties)
    if page.outputs:
        yield ""
        yield OUTPUTS.get(page.kind, "Outputs")
        for name, text in page.outputs.items():
            yield from _wrapped(f"{name}: {text}", "  ")
    if page.common:
        yield ""
        yield from _wrapped(f"As every {page.kind}: {', '.join(one.name for one in page.common)}.", "")
    if page.aliases:
        yield ""
        yield from _wrapped(f"Also called: {', '.join(page.aliases)}.", "")


def _section(title: str, found: tuple[Property, ...]) -> Iterator[str]:
    if not found:
        return
    yield ""
    yield title
    for one in found:
        yield f"  {one.name} ({facts(one)})"
        yield from _wrapped(one.description, "      ")
        if one.choices:
            yield from _wrapped(f"one of {', '.join(one.choices)}", "      ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False) or []
