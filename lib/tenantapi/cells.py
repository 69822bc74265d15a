"""Keep small values in files that the processes of one machine share: one JSON object a file, under a lock.

No daemon and no port: a file is opened, locked with ``flock``, read, written and closed for each use, which costs
some millionths of a second and leaves nothing open over a fork. The system gives a lock back however its holder
ends. A value is written over the old one in one step, so that a process that is killed leaves one of the two.
"""

from __future__ import annotations

import json
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LARGEST = 1 << 16


class Cell:
    """Hold one value while it is locked; what :meth:`put` changes is kept when the lock is given back."""

    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.changed = False

    def put(self, **parts: Any) -> None:
        """Change parts of the value."""
        self.value.update(parts)
        self.changed = True

    def number(self, name: str) -> float:
        """Return a part that is a number; 0.0 where it is not there."""
        found = self.value.get(name)
        return float(found) if isinstance(found, (int, float)) else 0.0


class Cells(Protocol):
    """Be a set of named values."""

    def opened(self, name: str, *, make: bool) -> AbstractContextManager[Cell]:
        """Lock a value for a ``with`` block; one that is not there is empty, and can be changed if ``make`` is set.

        What was put is not kept when the block ends with an exception.
        """


class FileCells:
    """Keep the values in a folder, for every process of this machine that names the same one.

    Raises ``OSError`` where the folder cannot be used. A file that is no JSON object counts as empty.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = str(folder)

    @contextmanager
    def opened(self, name: str, *, make: bool) -> Iterator[Cell]:
        """Lock a value; see :class:`Cells`."""
        try:
            file = os.open(os.path.join(self._folder, name), os.O_RDWR | (os.O_CREAT if make else 0), 0o600)
        except FileNotFoundError:
            if make:
                raise
            yield Cell({})
            return
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = os.read(file, _LARGEST)
            cell = Cell(_object(before))
            yield cell
            if cell.changed:
                # Blanks make up for what a longer value leaves behind, so that one step is enough.
                after = json.dumps(cell.value).encode().ljust(len(before))
                if os.pwrite(file, after, 0) != len(after):
                    raise OSError(f"{name} in {self._folder} could not be written whole")
        finally:
            os.close(file)  # which gives the lock back


class MemoryCells:
    """Keep the values in this object alone, for the threads of one process."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()

    @contextmanager
    def opened(self, name: str, *, make: bool) -> Iterator[Cell]:
        """Lock all values; see :class:`Cells`."""
        with self._lock:
            cell = Cell(dict(self._values.get(name, {})))
            yield cell
            if cell.changed:
                self._values[name] = cell.value


def cells_in(folder: Path) -> Cells:
    """Return values in a folder; where files cannot be locked, values of this object alone, with a warning."""
    if fcntl is not None:
        return FileCells(folder)
    warnings.warn(
        "This system has no flock: what the services say about throttling is kept within each connection and "
        "not shared with other processes.",
        RuntimeWarning,
        stacklevel=2,
    )
    return MemoryCells()


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found = json.loads(raw) if raw else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}
