"""Find runs: one row a run, from its result file; a run that never came to its end is listed as what it is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runbook.archive import spreadsheet
from runbook.archive.check import JOURNAL, RUN_NAME
from runbook.archive.manifest import MANIFEST
from runbook.archive.when import Span
from runbook.errors import UsageError
from runbook.result import is_verified
from runbook.runs import BESIDE, read_json
from runbook.views import plain

UNFINISHED = "unfinished"
DAMAGED = "damaged"
"""What a run is called whose result file cannot be read; the list passes it over, the index shows it."""
STATUSES = (
    "changed",
    "unchanged",
    "changes pending",
    "left to a person",
    "drift",
    "refused",
    "unknown",
    "interrupted",
    "failed",
    UNFINISHED,
)
_LIST = "See them with: runbook records list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run in a list."""

    when: datetime
    """When it ended; for an unfinished one, when it began."""
    tenant: str
    mode: str
    status: str
    changes: int
    """Changes that were made."""
    pending: int
    """Changes that a plan found, and that nobody has made in this run."""
    verified: int
    sections: int
    plan: str
    run: str
    folder: str

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "when": stamp(self.when)}


def stamp(moment: datetime) -> str:
    """Write a time to the second, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rows(base: Path, complain: Callable[[str], None]) -> Iterator[Row]:
    """Yield every run in a folder of runs. What cannot be read is passed over, and `complain` is told so."""
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        try:
            if (folder / "result.json").is_file():
                yield finished(folder, read_json(folder / "result.json"))
            elif (folder / JOURNAL).is_file():
                yield unfinished(folder)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            complain(f"{folder / 'result.json'} is not a run's result; passed over")


def finished(folder: Path, result: Mapping[str, Any]) -> Row:
    """Return the row of a run from its result. Raises KeyError, TypeError or ValueError for what is no result."""
    sections = result["sections"]
    made = sum(len(item["made"]) for item in sections)
    planned = [change for item in sections for change in (item["plan"] or {"changes": []})["changes"]]
    pending = sum(1 for change in planned if change["action"] != "none")
    row = Row(
        when=datetime.fromisoformat(result["finished"]).astimezone(UTC),
        tenant=result["tenant"]["name"],
        mode=result["mode"],
        status=result["status"],
        changes=made,
        pending=max(0, pending - made),
        verified=sum(1 for item in sections if is_verified(item)),
        sections=len(sections),
        plan=result.get("plan_hash", ""),
        run=folder.name,
        folder=str(folder),
    )
    if not all(isinstance(text, str) for text in (row.tenant, row.mode, row.status, row.plan)):
        raise TypeError("a name that is no text")
    return row


_NAMED = re.compile(r"(\d{8}T\d{6}Z)-(.+)-([a-z]+)-[0-9a-f]{6}")


def unfinished(folder: Path) -> Row:
    """Return the row of a run that has no result, from its name. Raises ValueError for what is no run's name."""
    named = _NAMED.fullmatch(folder.name)
    if named is None:
        raise ValueError("no run's name")
    return Row(
        when=datetime.strptime(named[1], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC),
        tenant=named[2],
        mode=named[3],
        status=UNFINISHED,
        changes=0,
        pending=0,
        verified=0,
        sections=0,
        plan="",
        run=folder.name,
        folder=str(folder),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which runs are wanted; what is None does not count."""

    tenant: str | None = None
    mode: str | None = None
    status: str | None = None
    since: Span | None = None
    until: Span | None = None


def select(found: Iterable[Row], wanted: Filter) -> list[Row]:
    """Return the wanted rows, newest first."""
    kept = [row for row in found if _fits(row, wanted)]
    return sorted(kept, key=lambda row: (row.when, row.run), reverse=True)


def _fits(row: Row, wanted: Filter) -> bool:
    return (
        wanted.tenant in (None, row.tenant)
        and wanted.mode in (None, row.mode)
        and wanted.status in (None, row.status)
        and (wanted.since is None or row.when >= wanted.since.first)
        and (wanted.until is None or row.when <= wanted.until.last)
    )


def lines(found: Sequence[Row]) -> list[str]:
    """Return the rows as aligned text, each name made harmless."""
    cells = [
        (stamp(row.when), row.tenant, row.mode, row.status, changes_text(row), verified_text(row), row.folder)
        for row in found
    ]
    shown = [[plain(cell) for cell in line] for line in cells]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in shown]


def changes_text(row: Row) -> str:
    """Say how many changes were made, and how many are pending; a dash where that is not known."""
    if row.status in (UNFINISHED, DAMAGED):
        return "-"
    return f"{row.changes} changed" + (f", {row.pending} pending" if row.pending else "")


def verified_text(row: Row) -> str:
    """Say how many sections were read back as asked; a dash where that is not known."""
    return "-" if row.status in (UNFINISHED, DAMAGED) else f"{row.verified} of {row.sections} verified"


def csv_text(found: Sequence[Row]) -> str:
    """Return the rows as CSV (RFC 4180) that a spreadsheet shows and does not run."""
    return spreadsheet.text(list(Row.__dataclass_fields__), [list(row.as_json().values()) for row in found])


def find_run(text: str, base: Path) -> Path:
    """Return a run's folder from its path, its name, or a part of it that only one run has. Raises UsageError."""
    path = Path(text)
    if text and path.is_dir():
        if RUN_NAME.fullmatch(path.resolve().name) or any(
            (path / name).exists() for name in (JOURNAL, MANIFEST, "result.json")
        ):
            return path
        raise UsageError(f"{text} is not the folder of a run.", _LIST)
    if RUN_NAME.fullmatch(path.name) and text == path.name and (base / text).is_dir():
        # Without a look at all the others: somebody may name a thousand.
        return base / text
    names = [item.name for item in base.iterdir() if item.is_dir() and item.name not in BESIDE] if base.is_dir() else []
    found = [text] if text in names else sorted(name for name in names if text and text in name)
    if len(found) == 1:
        return base / found[0]
    if not found:
        raise UsageError(f"There is no run {text!r} in {base}.", _LIST)
    some = "".join(f"\n    {plain(name)}" for name in found[:8]) + ("\n    ..." if len(found) > 8 else "")
    raise UsageError(f"{len(found)} runs have {text!r} in their name.", f"Name one of them:\n{some}\n")
