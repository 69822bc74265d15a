"""Runs to put: sealed folders made without a tenant, and places where an upload ends in the middle."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from runbook.archive.manifest import seal
from runbook.archive.places import Place
from runbook.journal import Journal, ending
from runbook.runs import RunFolder, write_json

NAME = "20261128T200000Z-demo-plan-1a2b3c"
SECTION = {"title": "Domains", "made": [], "plan": {"changes": []}, "verification": None, "status": "unchanged"}


def sealed(base: Path, name: str = NAME, files: Mapping[str, bytes] | None = None, says: str = "") -> Path:
    """Make a whole run in a folder of runs, with more files in it if wanted; `says` makes it another one."""
    folder = base / name
    folder.mkdir(parents=True)
    journal = Journal(folder / "journal.jsonl")
    journal.append("run-started", tenant="demo", says=says)
    journal.append("run-finished")
    end = ending(folder / "journal.jsonl")
    result = {
        "run": name,
        "tenant": {"name": "demo"},
        "mode": "plan",
        "status": "unchanged",
        "finished": "2026-11-28T20:00:05+00:00",
        "kit": {"version": "0"},
        "plan_hash": "ab" * 32,
        "journal": {"entries": end.entries, "head": end.head},
        "sections": [SECTION],
    }
    write_json(folder / "result.json", result)
    (folder / "record.html").write_text(f"<p>{says}</p>")
    for file, content in {
        "sections/01-domains.json": b"{}",
        "notebooks/01-domains.ipynb": b"",
        **(files or {}),
    }.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
    (folder / "empty").mkdir()
    seal(RunFolder(folder), result)
    return folder


class Watched:
    """A place where something happens before an object is made: a reader looks, another writes, the process ends."""

    def __init__(self, place: Place, before: Callable[[int, str], None]) -> None:
        self._place = place
        self._before = before
        self._lock = threading.Lock()
        self.made = 0

    def names(self, below: str) -> Mapping[str, int]:
        return self._place.names(below)

    def read(self, name: str) -> bytes:
        return self._place.read(name)

    def make(self, name: str, content: bytes) -> None:
        with self._lock:  # one after the other, so that "the third" is the third
            self._before(self.made, name)
            self.made += 1
            self._place.make(name, content)

    def replace(self, name: str, content: bytes) -> None:
        self._place.replace(name, content)


class Cut(Exception):
    """The upload ended here."""


def cut_before(number: int) -> Callable[[int, str], None]:
    def stop(made: int, name: str) -> None:
        if made >= number:
            raise Cut(name)

    return stop


def killed_before(number: int) -> Callable[[int, str], None]:
    def stop(made: int, name: str) -> None:
        if made >= number:
            os.kill(os.getpid(), signal.SIGKILL)

    return stop
