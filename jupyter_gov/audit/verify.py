"""Proves that the history holds together, and that the stored states are the ones it tells of.

Pure and streaming: entries come in, ordered by stream and number; stored states are asked for in batches; findings come
out. Each finding names the first entry that does not fit, what differs, and what may have happened.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from json import JSONDecoder
from typing import Any

from jupyter_gov.audit.canonical import leaf_text
from jupyter_gov.audit.chain import genesis
from jupyter_gov.audit.fold import Folded, compare, fold

Row = tuple[str, int, str, str, int, str, str, str, str, str | None, str | None]
"""stream, seq, prev_hash, leaf_hash, ts_us, actor_ref, action, subject, body_digest, salt, body text."""

ALTERED, LINK, MISSING, BODY, ERASED, TIME = "GOV610", "GOV611", "GOV612", "GOV613", "GOV614", "GOV615"
STATE, UNRECORDED, VANISHED, CONTENT, FILE, TRIGGER = "GOV620", "GOV621", "GOV622", "GOV623", "GOV624", "GOV630"

LIMITS = (
    "Entries cut off at the end of a stream, together with the states that they led to, leave no trace here.",
    "A stream that was deleted as a whole, together with its rows, leaves no trace here.",
    "Whoever can write the database and knows the format can rewrite a whole stream from its first entry.",
    "Who stands behind the pseudonym of an entry can be exchanged; the names in gates, votes and executions cannot.",
    "Log lines and metrics are not part of the history; nor are leases, timers and events that wait to be worked on.",
    "Nor is the counter of a gate's row by which two writers notice each other.",
    "Only signed checkpoints that are kept outside of this database can show what is cut off, deleted or rewritten.",
)
"""What this check cannot see."""

FILES_UNREAD = "Stored files were not read: it was only looked at whether they are there in their size."
"""What it cannot see besides, unless files are hashed."""

_decode = JSONDecoder().raw_decode  # ``loads`` looks for white space, which canonical text does not have
_BATCH = 400
_PROGRESS = 20_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit; ``seq`` is the entry, None when the fault is not in an entry."""

    code: str
    stream: str
    seq: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was proved, what was found, and what cannot be seen."""

    entries: int
    streams: int
    findings: tuple[Finding, ...]
    seconds: float
    limits: tuple[str, ...] = LIMITS

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Stored:
    """What the state tables say of one stream: ``changes`` in the shape of a fold, and contents that are wrong.

    ``problems`` are sentences about values whose own digest does not match.
    """

    changes: Folded
    problems: Sequence[str] = ()


Lookup = Callable[[Sequence[str]], Mapping[str, Stored]]
"""From stream names to what is stored of each; a stream without stored state is left out."""

FileCheck = Callable[[Mapping[str, Sequence[Any]]], Iterable[str]]
"""From ``{sha256: [bytes]}`` to phrases about files that are not as they should be."""


@dataclass(slots=True)
class _Chain:
    """Where the walk along one stream stands."""

    stream: str
    seq: int = 0
    leaf_hash: str = ""
    ts_us: int = 0
    folded: Folded = field(default_factory=dict)
    whole: bool = True


class Verifier:
    """Walks over all entries once; ``finish`` returns the findings."""

    def __init__(
        self, lookup: Lookup, on_progress: Callable[[int], None] | None = None, files: FileCheck | None = None
    ) -> None:
        self._lookup = lookup
        self._files = files
        self._on_progress = on_progress
        self._findings: list[Finding] = []
        self._waiting: list[_Chain] = []
        self._without_body: list[tuple[str, int]] = []
        self._erased: set[tuple[str, int]] = set()
        self.entries = 0
        self.streams = 0

    def feed(self, rows: Iterable[Row]) -> None:
        """Check all entries, given in the order of stream and number."""
        chain = _Chain("")
        sha256, count = hashlib.sha256, self.entries
        for row in rows:
            stream, seq, prev_hash, leaf_hash, ts_us, ref, action, subject, digest, salt, body = row
            if stream != chain.stream:
                self._end(chain)
                chain = _Chain(stream, leaf_hash=genesis(stream))
            if seq != chain.seq + 1 or prev_hash != chain.leaf_hash or ts_us < chain.ts_us:
                self._misplaced(chain, row)
            leaf = leaf_text(stream, seq, prev_hash, ts_us, ref, action, subject, digest)
            if sha256(b"\x00" + leaf.encode()).hexdigest() != leaf_hash:
                self._altered(row)
            if body is None:
                self._without_body.append((stream, seq))
                chain.whole = False
            elif sha256(f"{salt}{body}".encode()).hexdigest() != digest:
                self._add(BODY, row, "its body does not match the digest that it committed to: the body was edited")
                chain.whole = False
            elif '"changes"' in body or '"erased"' in body:
                self._read(chain, row, body)
            chain.seq, chain.leaf_hash, chain.ts_us = seq, leaf_hash, ts_us
            count += 1
            if self._on_progress and count % _PROGRESS == 0:
                self._on_progress(count)
        self.entries = count
        self._end(chain)
        self._settle()

    def finish(self, seconds: float, further: Sequence[Finding] = (), limits: tuple[str, ...] = LIMITS) -> Report:
        """Return the report; ``further`` are findings of who holds the database."""
        for stream, seq in self._without_body:
            if (stream, seq) not in self._erased:
                text = f"entry {seq} of {stream}: its body is gone, and no entry records that it was erased"
                self._findings.append(Finding(ERASED, stream, seq, text))
        if self._on_progress:
            self._on_progress(self.entries)
        return Report(self.entries, self.streams, (*self._findings, *further), seconds, limits)

    def _add(self, code: str, row: Row, text: str) -> None:
        self._findings.append(Finding(code, row[0], row[1], f"entry {row[1]} of {row[0]}: {text}"))

    def _altered(self, row: Row) -> None:
        text = (
            f"its fields do not hash to its own hash {row[3][:16]}…: this entry was edited, or the one before it was"
            " and the link between them was repaired"
        )
        self._add(ALTERED, row, text)

    def _misplaced(self, chain: _Chain, row: Row) -> None:
        seq, expected = row[1], chain.seq + 1
        if seq > expected:
            gone = f"entry {expected} is" if seq == expected + 1 else f"entries {expected} to {seq - 1} are"
            self._add(MISSING, row, f"{gone} missing before it: deleted, or moved to another place")
            chain.whole = False
        elif seq < expected:
            self._add(MISSING, row, f"a number that exists already or is below 1 (expected {expected}): inserted later")
        elif row[2] != chain.leaf_hash:
            before = f"entry {chain.seq} has the hash {chain.leaf_hash[:16]}…" if chain.seq else "it is the first entry"
            self._add(
                LINK, row, f"it names {row[2][:16]}… as its predecessor, but {before}: one of the two was replaced"
            )
        if row[4] < chain.ts_us:
            self._add(TIME, row, "it is older than the entry before it: inserted or moved later")

    def _read(self, chain: _Chain, row: Row, body: str) -> None:
        # Whoever can append could write anything here; it must become a finding and not stop the walk.
        try:
            data, _ = _decode(body)
            if "changes" in data:
                fold(chain.folded, data["changes"])
            if "erased" in data:
                self._erased.update((stream, seq) for stream, seq in data["erased"])
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            self._add(BODY, row, "its body does not have the form that jupyter_gov writes: made by something else")
            chain.whole = False

    def _end(self, chain: _Chain) -> None:
        if not chain.stream:
            return
        self.streams += 1
        self._waiting.append(chain)
        if len(self._waiting) >= _BATCH:
            self._settle()

    def _settle(self) -> None:
        """Compare what the streams that have ended tell with what is stored."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        stored = self._lookup([chain.stream for chain in waiting])
        for chain in waiting:
            self._compare(chain, stored.get(chain.stream))

    def _compare(self, chain: _Chain, stored: Stored | None) -> None:
        if stored is not None:
            for problem in stored.problems:
                self._findings.append(Finding(CONTENT, chain.stream, None, f"{chain.stream}: {problem}"))
        if not chain.whole or not chain.folded:
            return  # a part of the history is gone or edited, which was said already
        if stored is None:
            if chain.folded.get("execution", True) is not None:
                text = f"{chain.stream}: the history tells of it, but the state tables do not have it: it was deleted"
                self._findings.append(Finding(VANISHED, chain.stream, chain.seq, text))
            return
        for difference in compare(chain.folded, stored.changes):
            text = f"{chain.stream}: {difference}: the state tables were edited outside of jupyter_gov"
            self._findings.append(Finding(STATE, chain.stream, chain.seq, text))
        if self._files is not None and "files" in chain.folded:
            for problem in self._files(chain.folded["files"]):
                self._findings.append(Finding(FILE, chain.stream, None, f"{chain.stream}: {problem}"))


def verify(rows: Iterable[Row], lookup: Lookup) -> Report:
    """Check entries that are at hand (an export, a test); see ``Verifier`` for the parts."""
    started = time.perf_counter()
    verifier = Verifier(lookup)
    verifier.feed(rows)
    return verifier.finish(time.perf_counter() - started)
