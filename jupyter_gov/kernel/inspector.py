"""What a word in a ``%%govflow`` or ``%%govtest`` cell means: what Shift+Tab and the list of completions show."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

from jupyter_gov.kernel.completer import CELLS
from jupyter_gov.kernel.yaml_context import place

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_KEY = re.compile(r"^(?P<lead> *(?:- +)*[\"']?)(?P<key>[\w.\-]+)[\"']?:(?P<rest>.*)$")
_ORIGINAL = "_jupyter_gov_inspect"


def meaning(code: str, cursor: int) -> dict[str, str] | None:
    """Return the MIME bundle about the word at a position of a cell; None if nothing is known of it."""
    if not code.startswith(CELLS) or "\n" not in code[:cursor]:
        return None
    magic, _, body = code.partition("\n")
    cursor -= len(magic) + 1
    start = body.rfind("\n", 0, cursor) + 1
    line = body[start:].partition("\n")[0]
    called = _called(line, cursor - start)
    if called is not None:
        return called
    found = _KEY.match(line)
    if found is None:
        return None
    if found["key"] == "type" and cursor - start > found.end("key"):
        return _of_type(found["rest"].strip().strip("\"'"))
    return _of_key(magic, body, start + found.start("key"), found["key"])


def _of_type(name: str) -> dict[str, str] | None:
    from jupyter_gov.kernel.display.docs import ShownPage  # noqa: PLC0415 - the classes of all types load late
    from jupyter_gov.kernel.suggestions import page_of  # noqa: PLC0415

    found = page_of(name)
    return None if found is None else ShownPage(found)._repr_mimebundle_()


def _of_key(magic: str, body: str, at: int, key: str) -> dict[str, str] | None:
    from jupyter_gov.kernel.suggestions import property_at  # noqa: PLC0415
    from jupyter_gov.lang.docs.text import facts  # noqa: PLC0415

    found = property_at(place(body[:at]), body, key, tests=magic.startswith("%%govtest"))
    if found is None:
        return None
    return _told(key, facts(found), found.description, f"one of {', '.join(found.choices)}" if found.choices else "")


def _called(line: str, column: int) -> dict[str, str] | None:
    """Return what a filter or function does, if the word at a column is one."""
    from jupyter_gov.lang.expr.library import FILTERS, FUNCTIONS  # noqa: PLC0415

    for word in re.finditer(r"\w+", line):
        if not word.start() <= column <= word.end():
            continue
        before, after = line[: word.start()].rstrip(), line[word.end() :].lstrip()
        if "{{" not in before and "{%" not in before:
            return None
        is_filter = before.endswith("|")
        target = FILTERS.get(word[0]) if is_filter else FUNCTIONS.get(word[0]) if after.startswith("(") else None
        if target is None:
            return None
        given = ", ".join(one.name if one.required else f"[{one.name}]" for one in target.parameters)
        text = (target.run.__doc__ or "").partition("\n\n")[0].replace("``", "`")
        return _told(f"{word[0]}({given})", "filter" if is_filter else "function", " ".join(text.split()), "")
    return None


def _told(name: str, kind: str, text: str, more: str) -> dict[str, str]:
    lines = [line for line in (text, more) if line]
    plain = "\n".join([f"{name} ({kind})", *lines])
    html = f"<b>{escape(name)}</b> <small>{escape(kind)}</small>" + "".join(f"<br>{escape(line)}" for line in lines)
    return {"text/plain": plain, "text/html": f"<div>{html}</div>"}


def install(shell: InteractiveShell) -> None:
    """Let the kernel ask here first when a front-end wants to know what a word means."""
    kernel: Any = getattr(shell, "kernel", None)
    if kernel is None or hasattr(kernel, _ORIGINAL):
        return
    original = kernel.do_inspect

    def do_inspect(code: str, cursor_pos: int, *args: Any, **kwargs: Any) -> Any:
        found = meaning(code, cursor_pos)
        if found is None:
            return original(code, cursor_pos, *args, **kwargs)
        return {"status": "ok", "found": True, "data": found, "metadata": {}}

    setattr(kernel, _ORIGINAL, original)
    kernel.do_inspect = do_inspect


def remove(shell: InteractiveShell) -> None:
    """Undo ``install``."""
    kernel: Any = getattr(shell, "kernel", None)
    if kernel is not None and hasattr(kernel, _ORIGINAL):
        kernel.do_inspect = getattr(kernel, _ORIGINAL)
        delattr(kernel, _ORIGINAL)
