"""Print what is known of types."""

from __future__ import annotations

from jupyter_gov.cli import screen
from jupyter_gov.lang.docs import entries, page, page_text
from jupyter_gov.lang.docs.pages import sections
from jupyter_gov.plugins.registry import Registry


def docs(name: str | None, *, as_json: bool) -> None:
    """Print the page of a type, or the list of all types.

    Raises
    ------
    LanguageError
        ``GOV904``: there is no such type.
    """
    if name is None:
        _list(as_json=as_json)
        return
    found = page(Registry(), name)
    if as_json:
        screen.emit(found.to_json())
        return
    headings = {found.name, *sections(found)}
    for line in page_text(found).split("\n"):
        screen.say(line, style="bold" if line in headings else None)


def _list(*, as_json: bool) -> None:
    found = entries(Registry())
    if as_json:
        screen.emit(
            [
                {"name": one.name, "kind": one.kind, "description": one.summary, "deprecated": one.deprecated}
                for one in found
            ]
        )
        return
    width = max(len(one.name.rpartition(".")[2]) for one in found)
    group = ""
    for one in found:
        if one.group != group:
            group = one.group
            screen.say(("\n" if one is not found[0] else "") + group, style="bold")
        old = " (deprecated)" if one.deprecated else ""
        screen.say(f"  {one.name.rpartition('.')[2]:<{width}}  {one.summary}{old}")
    screen.say("\nOne page: jupyter gov docs TYPE")
