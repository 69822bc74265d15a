"""Reads that come too early: for a number of them the tenant looks as it did before a write.

The count is of reads that would have shown the change: a read of something else neither sees the old state nor
uses one up.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass

from simtenant.store import Transaction

Bodies = dict[tuple[str, str], str]


@dataclass(slots=True, kw_only=True)
class _Past:
    """Objects as they were (None: not there yet), and how many reads may still see them so."""

    bodies: dict[tuple[str, str], str | None]
    reads: int


class Staleness:
    """The pasts that readers still see; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._past: _Past | None = None

    def remember(self, before: Bodies, after: Bodies, reads: int) -> None:
        """Keep what a write changed; a past that is still shown goes on showing the older bodies."""
        changed = {key: before.get(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        if not changed:
            return
        with self._lock:
            older = {} if self._past is None else self._past.bodies
            self._past = _Past(bodies={**changed, **older}, reads=reads)

    def forget(self) -> None:
        """Show the present from now on."""
        with self._lock:
            self._past = None

    def bodies(self) -> dict[tuple[str, str], str | None]:
        """Give what readers still see; empty when they see the present."""
        with self._lock:
            return {} if self._past is None else dict(self._past.bodies)

    def used(self) -> None:
        """Count a read that saw the past."""
        with self._lock:
            if self._past is not None:
                self._past.reads -= 1
                if self._past.reads <= 0:
                    self._past = None


def put_back(tx: Transaction, bodies: dict[tuple[str, str], str | None]) -> None:
    """Make objects what they were; for a block that is undone at its end."""
    for (kind, key), body in bodies.items():
        if body is None:
            tx.delete(kind, key)
        else:
            tx.put(kind, key, json.loads(body))
