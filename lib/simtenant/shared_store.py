"""Databases on one connection that all threads of a process take turns at: in memory, or opened only while asked.

Durability of a file here: WAL with ``synchronous=OFF``. A committed change survives the death of any process, and
nothing ever waits for the disk; a power cut may cost the whole state, which a made-up tenant can bear.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from simtenant.store import Store, Transaction, connected, opened


class LazyStore(Store):
    """A directory's database that is opened by the first transaction and closed by ``rest``, again and again.

    For a process with very many tenants: one that nobody calls has no file open.
    """

    def __init__(self, directory: Path, *, ticks: Callable[[], float] = time.monotonic) -> None:
        super().__init__(directory)
        self._ticks = ticks
        # Threads take turns by this lock, which is what SQLite's own check would insist on.
        self._lock = threading.RLock()
        self._shared: sqlite3.Connection | None = None
        self._used = 0.0
        self._ended = False

    @property
    def is_open(self) -> bool:
        """Tell whether the database is open at this moment."""
        return self._shared is not None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a write transaction, and the database if need be; other threads wait for its end.

        Raises ConnectionAbortedError once the store has been ended.
        """
        with self._lock:
            if self._ended:
                raise ConnectionAbortedError("this tenant is not served any more")
            if self._shared is None:
                self._shared = connected(self.directory, synchronous="OFF", shared=True)
            try:
                with opened(self._shared) as transaction:
                    yield transaction
            finally:
                self._used = self._ticks()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Do nothing: the one connection stays open for a while by itself."""
        yield

    def rest(self, unused_seconds: float = 0.0) -> None:
        """Close the database if no transaction has been open for so long."""
        # Looked at without the lock first: this is asked again and again of tenants that nobody calls.
        if self._shared is None or not self._lock.acquire(blocking=False):
            return
        try:
            if self._shared is not None and self._ticks() - self._used >= unused_seconds:
                self._shared.close()
                self._shared = None
        finally:
            self._lock.release()

    def end(self) -> None:
        """Wait for the transaction that is open, close the database, and open it no more."""
        with self._lock:
            self._ended = True
            self.rest()

    def close(self) -> None:
        """Do nothing: a thread has no connection of its own."""


class MemoryStore(Store):
    """A database in memory that all threads of the process share; it is gone with this object."""

    def __init__(self) -> None:
        super().__init__(Path())
        self._lock = threading.RLock()
        # Threads take turns by the lock below, which is what SQLite's own check would insist on.
        self._shared = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Open a transaction; other threads wait for its end."""
        with self._lock, opened(self._shared) as transaction:
            yield transaction

    @contextmanager
    def held(self) -> Iterator[None]:
        """Do nothing: the one connection stays open."""
        yield

    def close(self) -> None:
        """Do nothing: a thread has no connection of its own."""

    def discard(self) -> None:
        """Forget everything; the store cannot be used any more."""
        self._shared.close()
