"""Hears of what other processes write, in a thread that exists only while something waits for them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from jupyter_gov.errors import StoreError

if TYPE_CHECKING:
    from jupyter_gov.store import Store

_LOG = logging.getLogger(__name__)
_ROUND = 5.0
_PAUSE_AFTER_ERROR = 1.0
_PAUSE_AFTER_CHANGE = 0.02
"""Our own commits are heard as well: a busy loop must not be sent to look after each of them."""


class Listener:
    """Calls ``on_change`` whenever another connection has committed, while it is wanted."""

    def __init__(self, store: Store, on_change: Callable[[], None]) -> None:
        self._store = store
        self._on_change = on_change
        self._wanted = Event()
        self._lock = Lock()
        self._thread: Thread | None = None

    def want(self, wanted: bool) -> None:
        """Start or stop to listen; called by one thread only."""
        if wanted == self._wanted.is_set():
            return
        if not wanted:
            self._wanted.clear()
            return
        with self._lock:
            self._wanted.set()
            if self._thread is None:
                self._thread = Thread(target=self._listen, name="gov-listener", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Stop to listen and wait until the thread has ended."""
        self._wanted.clear()
        thread = self._thread
        if thread is not None:
            self._store.wake()
            thread.join(_ROUND + 1)

    def _goes_on(self) -> bool:
        with self._lock:
            if not self._wanted.is_set():
                self._thread = None
            return self._thread is not None

    def _listen(self) -> None:
        pause = Event()
        while self._goes_on():
            try:
                changed = self._store.wait(_ROUND)
            except StoreError as error:
                if self._wanted.is_set():
                    _LOG.warning("changes of other processes cannot be heard: %s", error)
                pause.wait(_PAUSE_AFTER_ERROR)
                continue
            if changed and self._wanted.is_set():
                self._on_change()
                pause.wait(_PAUSE_AFTER_CHANGE)
