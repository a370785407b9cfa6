"""A case from its seed: the same seed over the same texts gives the same case."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from tests.bad_input.fuzz import expressions, mutations
from tests.bad_input.fuzz.grown import FromSchema, Plausible

ROOT = Path(__file__).resolve().parents[3]
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Case:
    """What is tried: the text of a flow, and what may go with it."""

    seed: int
    kind: str
    text: str
    expression: str
    """A template that is rendered by itself."""


@cache
def sources(corpus: str | None) -> Sequence[str]:
    """Return the texts of flows that are mutated: ours, and those of a corpus."""
    files = sorted((ROOT / "tests" / "flows").rglob("*.yaml")) + sorted((ROOT / "examples").rglob("*.yaml"))
    found = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    for notebook in sorted((ROOT / "examples").glob("*.ipynb")):
        found += _cells(notebook)
    if corpus is not None:
        found += [file.read_text(encoding="utf-8", errors="replace") for file in sorted(Path(corpus).rglob("*.y*ml"))]
    return [text for text in found if len(text) < 20_000]


def _cells(notebook: Path) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    found = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    return [text.partition("\n")[2] for text in found if re.match(r"%%govflow\b", text)]


@cache
def structures(corpus: str | None) -> Sequence[Any]:
    """Return those of the sources that are flows, as plain data."""
    found = []
    for text in sources(corpus):
        try:
            data = yaml.load(text, _LOADER)
        except yaml.YAMLError:
            continue
        if isinstance(data, dict) and "tasks" in data:
            found.append(data)
    return found


def make(seed: int, corpus: str | None = None) -> Case:
    """Return the case of a seed."""
    rng = Random(seed)
    kind = rng.choices(list(_MAKERS), weights=[weight for weight, _ in _MAKERS.values()])[0]
    return Case(seed, kind, _MAKERS[kind][1](rng, corpus), expressions.template(rng))


def dumped(rng: Random, flow: Any) -> str:
    """Return a flow as YAML, in one style or another."""
    style = rng.choice([None, False, False, False, True])
    try:
        text: str = yaml.dump(
            flow, Dumper=_DUMPER, sort_keys=False, allow_unicode=rng.random() < 0.5, default_flow_style=style
        )
    except (yaml.YAMLError, TypeError, ValueError, UnicodeError):
        text = json.dumps(flow, default=str)
    return text


def _changed(rng: Random, corpus: str | None) -> str:
    return dumped(rng, mutations.structure(rng, rng.choice(structures(corpus))))


def _plausible(rng: Random, _corpus: str | None) -> str:
    return dumped(rng, Plausible(rng).flow())


def _bent(rng: Random, _corpus: str | None) -> str:
    return dumped(rng, mutations.structure(rng, Plausible(rng).flow()))


_MAKERS: dict[str, tuple[int, Callable[[Random, str | None], str]]] = {
    "mutated text": (20, lambda rng, corpus: mutations.text(rng, rng.choice(sources(corpus)))),
    "mutated structure": (25, _changed),
    "plausible": (22, _plausible),
    "plausible, mutated": (10, _bent),
    "from the schema": (13, lambda rng, _: dumped(rng, FromSchema(rng).flow())),
    "hostile": (7, lambda rng, _: mutations.hostile(rng)),
    "noise": (3, lambda rng, _: mutations.noise(rng)),
}
