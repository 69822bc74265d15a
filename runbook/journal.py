"""The append-only log of a run: one canonical JSON object a line, each chained to the one before by its hash.

An entry is on disk (flushed and synced) before `append` returns, so what a write call is about to do is
known even if the machine stops during it. Entries hold no secret: only names, numbers and statuses go in.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import rfc8785

from runbook.errors import RunbookError

START = "0" * 64
"""What the first entry is chained to."""


class JournalError(RunbookError):
    """A journal cannot be read, or its chain is broken."""

    summary = "The journal of the run is not whole"


def now() -> str:
    """Return the present time in UTC, to the millisecond, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Journal:
    """One run's journal, open for appending. Several processes may append one after the other, not at once."""

    def __init__(self, path: Path, *, clock: Callable[[], str] = now) -> None:
        self.path = path
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        entries = list(read(path)) if path.exists() else []
        self._count = len(entries)
        self.head: str = entries[-1]["hash"] if entries else START

    def append(self, event: str, **data: Any) -> Mapping[str, Any]:
        """Write one entry and return it when it is on disk."""
        body: dict[str, Any] = {"n": self._count, "at": self._clock(), "event": event, "data": data, "prev": self.head}
        entry = {**body, "hash": _hash(body)}
        with self.path.open("ab") as file:
            file.write(rfc8785.dumps(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._count += 1
        self.head = entry["hash"]
        return entry


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(rfc8785.dumps(dict(body))).hexdigest()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a journal, each checked against the one before it.

    Raises JournalError, naming the line (1-based), at the first entry that is torn, altered or out of order.
    """
    head = START
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            entry = json.loads(line)
            body = {name: entry[name] for name in ("n", "at", "event", "data", "prev")}
            whole = entry["hash"] == _hash(body) and body["prev"] == head and body["n"] == number - 1
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise JournalError(
                f"{path.name}, line {number}, does not follow from the lines before it.",
                "The file was cut or changed after it was written; believe only the lines above.",
            )
        head = entry["hash"]
        yield entry
