"""The append-only log of a run: one canonical JSON object a line, each chained to the one before by its hash.

An entry is on disk (flushed and synced) before `append` returns, so what a write call is about to do is
known even if the machine stops during it. Entries hold no secret of the kit's; before a first write they hold the
objects that are about to be changed, as the service shows them to this identity.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from runbook import canonical
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
    """One run's journal, open for appending. Several processes may append: each entry follows the file's last one."""

    def __init__(self, path: Path, *, clock: Callable[[], str] = now) -> None:
        self.path = path
        self._clock = clock
        self._ours: tuple[tuple[int, int], int, str] | None = None
        """What the file was like after the last entry of this object, with that entry's number and hash."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            for _ in read(path):
                """Every entry is checked once; from here on only the last one."""

    def append(self, event: str, **data: Any) -> Mapping[str, Any]:
        """Write one entry and return it when it is on disk.

        Raises JournalError, and writes nothing, when the file's last entry is not whole.
        """
        new = not self.path.exists()
        with self.path.open("a+b") as file, _locked(file):
            number, head = self._next(file)
            body: dict[str, Any] = {"n": number, "at": self._clock(), "event": event, "data": data, "prev": head}
            entry = {**body, "hash": _hash(body)}
            file.write(canonical.dumps(entry) + b"\n")
            file.flush()
            os.fsync(file.fileno())
            self._ours = _state(file), number, entry["hash"]
        if new:
            _sync_directory(self.path.parent)
        return entry

    def _next(self, file: IO[bytes]) -> tuple[int, str]:
        """Return the number and the predecessor of the next entry; nobody need be asked while nobody else appends."""
        if self._ours is not None and self._ours[0] == _state(file):
            return self._ours[1] + 1, self._ours[2]
        return _last(file, self.path)


def _state(file: IO[bytes]) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


@contextlib.contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    """Hold the file for one entry, where the system can (elsewhere one process at a time must append)."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _sync_directory(path: Path) -> None:
    """Have a new file's name on disk, too."""
    if hasattr(os, "O_DIRECTORY"):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _last(file: IO[bytes], path: Path) -> tuple[int, str]:
    """Return the number and the predecessor of the next entry, from the file's last line."""
    end = file.seek(0, os.SEEK_END)
    if end == 0:
        return 0, START
    size = 65536
    while True:
        file.seek(max(0, end - size))
        tail = file.read(min(size, end))
        if tail[:-1].count(b"\n") or size >= end:
            break
        size *= 2
    try:
        entry = json.loads(tail[:-1].rpartition(b"\n")[2])
        body = {name: entry[name] for name in ("n", "at", "event", "data", "prev")}
        whole = tail.endswith(b"\n") and entry["hash"] == _hash(body)
    except (ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise JournalError(f"The last line of {path.name} is not whole.", _CUT)
    return int(entry["n"]) + 1, str(entry["hash"])


def mend(path: Path) -> int:
    """Cut off a last line that was not written to its end, as when the machine stopped; return how many bytes it had.

    Only a line without its line end is taken for that: nothing depended on it, because `append` had not returned.
    """
    with path.open("r+b") as file, _locked(file):
        content = file.read()
        torn = len(content) - (content.rfind(b"\n") + 1)
        if torn:
            file.truncate(len(content) - torn)
            file.flush()
            os.fsync(file.fileno())
    return torn


_CUT = "The file was cut or changed after it was written; believe only the lines above."


def _hash(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical.dumps(dict(body))).hexdigest()


_KEYS = {"n", "at", "event", "data", "prev", "hash"}
_END = re.compile(rb'"hash":"[0-9a-f]{64}",("n":[0-9]+,"prev":"[0-9a-f]{64}"\}\n)\Z')


def _hash_of_line(line: bytes) -> str:
    """Return the hash of an entry from its very bytes, so that another spelling (a space put in) is found, too.

    In canonical JSON the hash stands between event and number; without it the line is what was hashed.
    """
    return hashlib.sha256(_END.sub(rb"\1", line).removesuffix(b"\n")).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """Where a journal ends: its whole entries, the hash and the event of the last one, and what is wrong after it."""

    entries: int
    head: str
    event: str
    problem: str
    """Empty when every line of the file is whole."""


def ending(path: Path) -> Ending:
    """Return how a journal ends, as far as it can be believed. Raises nothing that the file could cause."""
    entries, last, problem = 0, {"hash": START, "event": ""}, ""
    try:
        for entry in read(path):
            entries, last = entries + 1, entry
    except JournalError as error:
        problem = error.detail
    except OSError as error:
        problem = f"{path.name} cannot be read: {error.strerror}."
    return Ending(entries=entries, head=last["hash"], event=str(last["event"]), problem=problem)


def read(path: Path, *, torn: bool = False) -> Iterator[dict[str, Any]]:
    """Yield the entries of a journal, each checked against the one before it.

    With `torn`, a last line without its line end is left out, as a machine that stopped leaves it: nothing depended on
    it, because `append` had not returned.

    Raises JournalError, naming the line (1-based), at the first entry that is torn, altered or out of order.
    """
    head = START
    for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
        if torn and not line.endswith(b"\n"):
            return
        try:
            entry = json.loads(line)
            follows = entry["prev"] == head and entry["n"] == number - 1 and entry.keys() == _KEYS
            whole = follows and entry["hash"] == _hash_of_line(line)
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise JournalError(
                f"{path.name}, line {number}, does not follow from the lines before it.",
                _CUT,
            )
        head = entry["hash"]
        yield entry
