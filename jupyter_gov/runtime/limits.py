"""What an attempt may do at most unless a setting says otherwise: each number stands here only."""

from __future__ import annotations

OUTPUT_BYTES = 50_000_000
"""How much a script may write to its output before it is stopped."""

LOG_LINES = 100_000
LOG_BYTES = 16 * 2**20
LOG_LINE_LENGTH = 16_384
RESULT_BYTES = 8 * 2**20
"""How large the outputs of a task may be, without its files."""

STOP_GRACE = 3.0
"""Seconds that a process has between SIGTERM and SIGKILL."""
