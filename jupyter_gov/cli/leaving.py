"""What Ctrl-C does while nobody waits for a run: just leave, or leave after what was begun has been put in order."""

from __future__ import annotations

import os
import signal
import threading

INTERRUPTED = 130


def quietly() -> None:
    """Let Ctrl-C end the process at once: nothing has begun, and an exception in the middle of imports is no answer.

    Libraries that are being imported turn it into errors of their own, with a traceback that tells nobody anything.
    """
    if _is_ours_to_change(signal.default_int_handler):
        signal.signal(signal.SIGINT, _leave)


def properly() -> None:
    """Let Ctrl-C raise again: from here on there are kernels, scripts and a loop to end before we go."""
    if _is_ours_to_change(_leave):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def was_interrupted(error: BaseException | None) -> bool:
    """Whether an error stands for Ctrl-C, or was made of it on the way."""
    while error is not None:
        if isinstance(error, KeyboardInterrupt):
            return True
        error = error.__cause__ or error.__context__
    return False


def _is_ours_to_change(expected: object) -> bool:
    # Whoever started us may have had it ignored, as shells do for jobs in the background.
    return threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is expected


def _leave(*_args: object) -> None:
    os._exit(INTERRUPTED)
