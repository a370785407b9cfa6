"""A flow drawn as boxes within boxes: a picture that is text, and stays one where styles, svg and scripts are removed.

A group is a box around its branches; a branch is a lane that reads from left to right; tasks of one column do not wait
for each other. What the edges say beyond that (which task of a column waits for which of the one before) is left out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jupyter_gov.kernel.display import facts
from jupyter_gov.kernel.snapshot_types import GraphNode, Snapshot

MOST = 60
"""Tasks of a flow that is drawn; of a larger one the list of its tasks says more."""


@dataclass(frozen=True, slots=True)
class Box:
    """A task; ``state`` is None before the run reached it."""

    label: str
    type: str
    kind: str
    state: str | None
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """Tasks that may run at the same time; ``label`` names the way to them (``errors``)."""

    label: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Lane:
    """Columns that run one after the other; ``label`` names the branch (``then``, a case)."""

    label: str
    columns: tuple[Column, ...]


def drawing(snapshot: Snapshot) -> tuple[Lane, ...]:
    """Return the picture of a flow; nothing where there is nothing to see in it, or too much."""
    return lanes(snapshot) if 1 < len(snapshot["graph"]["nodes"]) <= MOST else ()


def lanes(snapshot: Snapshot) -> tuple[Lane, ...]:
    """Return the lanes of a flow that are in no group."""
    return _Drawer(snapshot).lanes(None)


class _Drawer:
    """Sorts the edges of a graph by the group in which they lead from one child to another."""

    def __init__(self, snapshot: Snapshot) -> None:
        nodes = snapshot["graph"]["nodes"]
        self._states = facts.states(snapshot)
        self._nodes: Mapping[str, GraphNode] = {node["id"]: node for node in nodes}
        self._children: dict[str | None, list[str]] = defaultdict(list)
        for node in nodes:
            self._children[self._ways_up(node["id"])[1]].append(node["id"])
        self._links: dict[str | None, dict[tuple[str, str], str]] = defaultdict(dict)
        self._entries: dict[str, str] = {}
        for source, target, label in snapshot["graph"]["edges"]:
            if source in self._nodes and target in self._nodes:
                self._sort(source, target, label)

    def _ways_up(self, node_id: str) -> list[str | None]:
        """Return a node and the groups around it, None for the flow itself at the end."""
        chain: list[str | None] = []
        at: str | None = node_id
        while at is not None and at in self._nodes and at not in chain:
            chain.append(at)
            at = self._nodes[at]["parent"]
        return [*chain, None]

    def _sort(self, source: str, target: str, label: str) -> None:
        sources, targets = self._ways_up(source), self._ways_up(target)
        group = next(one for one in targets[1:] if one in sources)
        child = targets[targets.index(group) - 1]
        if child is None:
            return
        if group == source:
            self._entries.setdefault(child, label)
            return
        before = sources[sources.index(group) - 1]
        if before is not None and before != child:
            self._links[group].setdefault((before, child), label)

    def lanes(self, group: str | None) -> tuple[Lane, ...]:
        links = self._links[group]
        return tuple(self._lane(names, links) for names in _connected(self._children[group], links))

    def _lane(self, names: Sequence[str], links: Mapping[tuple[str, str], str]) -> Lane:
        columns: dict[int, list[str]] = defaultdict(list)
        for name, number in _columns(names, links).items():
            columns[number].append(name)
        label = next((self._entries[name] for name in columns[0] if self._entries.get(name)), "")
        return Lane(label, tuple(self._column(columns[number], links) for number in sorted(columns)))

    def _column(self, names: Sequence[str], links: Mapping[tuple[str, str], str]) -> Column:
        label = next((label for (_, target), label in links.items() if target in names and label), "")
        return Column(label, tuple(map(self._box, names)))

    def _box(self, name: str) -> Box:
        node = self._nodes[name]
        return Box(node["label"], node["type"], node["kind"], self._states.get(name), self.lanes(name))


def _connected(names: Sequence[str], links: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """Yield the names that links hold together, in their order."""
    beside: dict[str, set[str]] = defaultdict(set)
    for a, b in links:
        beside[a].add(b)
        beside[b].add(a)
    seen: set[str] = set()
    for first in names:
        found, waiting = set(), [first] if first not in seen else []
        while waiting:
            at = waiting.pop()
            if at not in found:
                found.add(at)
                waiting.extend(beside[at])
        seen |= found
        if found:
            yield [name for name in names if name in found]


def _columns(names: Sequence[str], links: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Return for each name the length of the longest way to it."""
    place = dict.fromkeys(names, 0)
    inside = [(a, b) for a, b in links if a in place and b in place]
    # Without circles no way is longer than this; with one it would never end.
    for _ in names:
        late = [(a, b) for a, b in inside if place[b] <= place[a]]
        for a, b in late:
            place[b] = place[a] + 1
        if not late:
            break
    return place
