"""Note what happens in a fleet run's journal before anybody is told of it."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from runbook.fleet.progress import Progress, Silent
from runbook.journal import Journal


class Noted:
    """Whatever happens goes into the fleet's journal first; whether anybody can be told of it stops no tenant."""

    def __init__(self, watch: Progress, log: Journal, kept: Collection[str]) -> None:
        self._watch, self._log, self._kept = watch, log, kept

    def ring(self, name: str, count: int) -> None:
        self._log.append("ring-started", ring=name, tenants=count)
        with self._heard():
            self._watch.ring(name, count)

    def started(self, tenant: str) -> None:
        self._log.append("tenant-started", tenant=tenant)
        with self._heard():
            self._watch.started(tenant)

    def ended(self, row: Mapping[str, Any]) -> None:
        if row["tenant"] not in self._kept:
            self._log.append("tenant-ended", **{name: row[name] for name in ("tenant", "status", "exit_code", "run")})
        with self._heard():
            self._watch.ended(row)

    def tick(self) -> None:
        with self._heard():
            self._watch.tick()

    def close(self) -> None:
        with self._heard():
            self._watch.close()

    @contextlib.contextmanager
    def _heard(self) -> Iterator[None]:
        """Say no more where nobody is left to hear it: the terminal was closed, or the next command of a pipe ended."""
        try:
            yield
        except OSError:
            self._watch = Silent()
