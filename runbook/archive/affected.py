"""Find the runs that were made from a text, by its SHA-256: who has on a tenant what that text asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from runbook import journal
from runbook.archive.listing import Filter, Row, rows, select
from runbook.runs import RunFolder, read_json


def affected(base: Path, sha256: str, complain: Callable[[str], None]) -> list[Row]:
    """List the runs in `base` whose record names the text, newest first; an unfinished one counts, too."""
    made = [row for row in rows(base, complain) if sha256 in set(_texts(RunFolder(Path(row.folder))))]
    return select(made, Filter())


def _texts(folder: RunFolder) -> Iterator[str]:
    """Yield the hashes of the texts that a run's files name: its result, its plan, its sections, its journal."""
    sections = sorted((folder.path / "sections").glob("*.json"))
    for path in (folder.path / "result.json", folder.path / "plan.json", *sections):
        try:
            named = read_json(path)["tutorial"]["sha256"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # not there, or not whole; another file may tell
        if isinstance(named, str):
            yield named
    try:
        begun: dict[str, Any] = next(
            (entry["data"] for entry in journal.read(folder.journal) if entry["event"] == "run-started"), {}
        )
    except (journal.JournalError, OSError, KeyError, TypeError):
        return
    if isinstance(begun.get("sha256"), str):
        yield begun["sha256"]
