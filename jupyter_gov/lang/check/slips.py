"""Keys that are nearly right, where a missing or unknown ``type`` leaves open which keys there may be.

The keys of the type itself are unknown then, so only a clear misspelling of what all of a kind have is reported.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from jupyter_gov.lang.check.report import Report
from jupyter_gov.lang.diagnostics import misspelling_of, quoted
from jupyter_gov.lang.nodes import Entry, MapNode, ScalarNode

_LONGEST = 40


def report_slips(
    report: Report, node: MapNode, where: str, known: Collection[str], *, as_warning: bool = False
) -> dict[str, Entry]:
    """Report the keys that are nearly one of ``known`` which is not there, and return them by what was meant.

    Parameters
    ----------
    as_warning
        The type may exist elsewhere and have such a key, so that the flow is not refused.
    """
    missing = [name for name in known if name not in node.entries]
    found: dict[str, Entry] = {}
    for key, entry in node.entries.items():
        if key in known or len(key) > _LONGEST or not report.may_look():
            continue
        meant = misspelling_of(key, missing)
        if meant is not None and meant not in found:
            found[meant] = entry
            say = report.warn if as_warning else report.error
            say("GOV112", f"unknown key {quoted(key)} in {where}", entry.key, f"did you mean {quoted(meant)}?",
                replacement=meant)  # fmt: skip
    return found


def with_type(report: Report, node: MapNode, where: str, known: Collection[str], kept: list[MapNode]) -> MapNode:
    """Return a map that has ``type``: what a key that is nearly called so holds, if there is none; reported.

    Parameters
    ----------
    known
        Keys that exist here whatever the type.
    kept
        Keeps the new map alive: errors find their place by the identity of nodes.
    """
    if "type" in node.entries:
        return node
    others = {key: entry for key, entry in node.entries.items() if key not in known}
    slip = report_slips(report, MapNode(node.line, node.column, node.start, others), where, ("type",)).get("type")
    if slip is None or not isinstance(slip.value, ScalarNode) or not slip.value.text:
        return node
    entries = {key: entry for key, entry in node.entries.items() if entry is not slip}
    entries["type"] = Entry(replace(slip.key, text="type"), slip.value)
    mended = MapNode(node.line, node.column, node.start, entries)
    kept.append(mended)
    return mended
