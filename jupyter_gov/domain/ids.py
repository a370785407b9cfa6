"""Identifiers: time-ordered for executions, derived for everything inside one.

An execution's id is a UUIDv7 (RFC 9562 §5.7) written in 22 base-62 characters, so that ids sort by creation.
Task runs and approvals get their ids from the execution's own counter, which keeps ``engine.step`` free of randomness.
"""

from __future__ import annotations

import hashlib
import os
import time

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WIDTH = 22


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))


def new_id() -> str:
    """Return a new time-ordered identifier of 22 characters."""
    milliseconds = time.time_ns() // 1_000_000
    random_bits = int.from_bytes(os.urandom(10), "big")
    number = (
        (milliseconds << 80)
        | (0x7 << 76)
        | ((random_bits >> 68) & 0xFFF) << 64
        | (0b10 << 62)
        | (random_bits & ((1 << 62) - 1))
    )
    return _base62(number, _WIDTH)


def task_run_id(execution_id: str, seq: int) -> str:
    """Return the id of the ``seq``-th task run that the execution created (from 0)."""
    return f"{execution_id}-{seq}"


def approval_id(task_run: str, opening: int) -> str:
    """Return the id of the gate that the task run opened for the ``opening``-th time."""
    return f"{task_run}-g{opening}"


def child_execution_id(task_run: str, attempt: int) -> str:
    """Return the id of the subflow execution that an attempt starts: the same one after a crash."""
    hashed = hashlib.sha256(f"{task_run}/{attempt}".encode()).digest()
    return "s" + _base62(int.from_bytes(hashed[:16], "big"), _WIDTH)[1:]


def triggered_execution_id(*cause: str) -> str:
    """Return the id of the execution that a trigger starts: the same one for the same cause, whoever starts it."""
    hashed = hashlib.sha256("\x1f".join(cause).encode()).digest()
    return "t" + _base62(int.from_bytes(hashed[:16], "big"), _WIDTH)[1:]


def next_execution_id(execution_id: str) -> str:
    """Return the id of the execution that tries again what this one could not do: the same one after a crash."""
    hashed = hashlib.sha256(f"{execution_id}/again".encode()).digest()
    return "r" + _base62(int.from_bytes(hashed[:16], "big"), _WIDTH)[1:]
