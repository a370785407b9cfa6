"""Finds test files in folders, and beside them the flows that they test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_gov.cli.commands.flows import read_text
from jupyter_gov.errors import InputError
from jupyter_gov.lang.flowtest import is_tests
from jupyter_gov.lang.nodes import ListNode, MapNode, ScalarNode
from jupyter_gov.lang.source import load

_TASKS = re.compile(r"^[\"']?tasks[\"']?\s*:", re.MULTILINE)
_SUFFIXES = frozenset({".yaml", ".yml"})
_OF_OTHERS = frozenset({"node_modules", "site-packages", "__pycache__"})
"""Folders in which nobody keeps tests of own flows, and others keep thousands of files."""
_LARGEST = 2**20


@dataclass(frozen=True, slots=True)
class SuiteFile:
    """A test file as read."""

    path: Path
    text: str


def find(places: Sequence[Path]) -> list[SuiteFile]:
    """Return the test files that are named, and those in the folders that are named.

    Raises
    ------
    InputError
        ``GOV247``: there is none.
    ExecutionError
        ``GOV350``: a named file cannot be read.
    """
    found: dict[Path, SuiteFile] = {}
    for place in places:
        paths = _below(place) if place.is_dir() else [place]
        for path in paths:
            text = read_text(path)
            if not place.is_dir() or is_tests(text):
                found.setdefault(path, SuiteFile(path, text))
    if not found:
        where = ", ".join(map(str, places))
        raise InputError(
            f"there is no test file in {where}",
            code="GOV247",
            hint="A test file is YAML with id:, flowId:, namespace: and testCases:.",
        )
    return list(found.values())


def _below(folder: Path) -> list[Path]:
    found = (path for path in folder.rglob("*") if path.suffix in _SUFFIXES and _fits(path, folder))
    return sorted(found)


def _fits(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") or part in _OF_OTHERS for part in path.relative_to(folder).parts)
    return not hidden and path.is_file() and path.stat().st_size <= _LARGEST


def case_ids(file: SuiteFile) -> list[str]:
    """Return the ids of the cases of a test file, also of one with errors."""
    root = load(file.text).root
    cases = root.get("testCases") if isinstance(root, MapNode) else None
    ids = (one.get("id") for one in cases.items if isinstance(one, MapNode)) if isinstance(cases, ListNode) else ()
    return [one.text for one in ids if isinstance(one, ScalarNode)]


def flow_of(test: SuiteFile, given: Sequence[Path]) -> Path | None:
    """Return the file of the flow that a test is for: one that is given, or one that lies near; None if there is none.

    Near is the folder of the test and the one above it, each with its ``flows``.
    """
    wanted = _names(test.text, "flowId")
    if wanted is None:
        return None
    folder = test.path.absolute().parent
    near = [folder, folder / "flows", folder.parent, folder.parent / "flows"]
    return next((path for path in (*given, *_flows(near)) if _is(path, wanted)), None)


def _flows(folders: Sequence[Path]) -> Iterator[Path]:
    for folder in folders:
        if folder.is_dir():
            yield from sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES and _fits(path, folder))


def _is(path: Path, wanted: tuple[str, str]) -> bool:
    text = read_text(path)
    # Reading every file of a folder as YAML would take long, and most hold another id.
    return wanted[1] in text and _TASKS.search(text) is not None and _names(text, "id") == wanted


def _names(text: str, key: str) -> tuple[str, str] | None:
    root = load(text).root
    if not isinstance(root, MapNode):
        return None
    namespace, name = root.get("namespace"), root.get(key)
    if isinstance(namespace, ScalarNode) and isinstance(name, ScalarNode):
        return namespace.text, name.text
    return None
