"""Completion inside ``%%govflow`` and ``%%govtest`` cells: keys, types, choices, and what expressions can read.

It lives in the kernel, so that it works in every front-end that asks the kernel for completions. The words come from
the classes that check flows, through ``lang.docs``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult

from jupyter_gov.kernel.ipy import context_matcher
from jupyter_gov.kernel.yaml_context import Place, place

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_gov.kernel.suggestions import Word

_PLAIN = re.compile(r"\w+\(?")
CELLS = ("%%govflow", "%%govtest")


@context_matcher
def govflow_matcher(context: CompletionContext) -> SimpleMatcherResult:
    """Complete the word before the cursor if the cell is a flow, or tests of one."""
    text = context.full_text
    before = _before(context)
    if not text.startswith(CELLS) or "\n" not in before:
        return {"completions": []}
    at = place(before.partition("\n")[2])
    words = matching(at, suggestions(at, text))
    fragment, shown = _in_brackets(at, words)
    return {
        "completions": [SimpleCompletion(text=word, type=kind) for word, kind in shown],
        "matched_fragment": fragment,
        # Python has nothing to say inside a flow.
        "suppress": True,
    }


def _before(context: CompletionContext) -> str:
    lines = context.full_text.split("\n")[: context.cursor_line]
    return "\n".join([*lines, context.text_until_cursor])


def suggestions(at: Place, text: str) -> Iterable[Word]:
    """Return every word that may stand at a place of the cell ``text``, magic line included."""
    # The classes that check flows cost most of a second, once; %load_ext must not.
    from jupyter_gov.kernel import suggestions as found  # noqa: PLC0415

    first, _, body = text.partition("\n") if text.startswith("%%") else ("", "", text)
    return found.in_tests(at) if first.startswith("%%govtest") else found.in_flow(at, body)


def matching(at: Place, words: Iterable[Word]) -> list[Word]:
    """Return the words that begin as the cursor's does, each once."""
    found = {word.text: word for word in words if word.text.startswith(at.fragment) and word.text != at.fragment}
    return [found[text] for text in sorted(found)]


def _in_brackets(at: Place, words: list[Word]) -> tuple[str, Iterator[tuple[str, str]]]:
    """Return what is replaced and by what: a name with a dash cannot follow a dot, and stands in brackets."""
    head = (at.path or "").removesuffix(at.fragment)
    if not head.endswith(".") or all(_PLAIN.fullmatch(word.text) for word in words):
        return at.fragment, ((word.text, word.kind) for word in words)
    shown = (f".{word.text}" if _PLAIN.fullmatch(word.text) else f"['{word.text}']" for word in words)
    return f".{at.fragment}", zip(shown, (word.kind for word in words), strict=True)


def install(shell: InteractiveShell) -> None:
    """Let the shell ask this matcher first."""
    completer = shell.Completer
    if govflow_matcher not in completer.custom_matchers:
        completer.custom_matchers.append(govflow_matcher)


def remove(shell: InteractiveShell) -> None:
    """Undo ``install``."""
    completer = shell.Completer
    if govflow_matcher in completer.custom_matchers:
        completer.custom_matchers.remove(govflow_matcher)
