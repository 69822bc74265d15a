"""One page over many runs: the newest of each tenant, section by section, and all runs in three orders.

The page stands alone: no script, nothing outside, links to the records beside it. What a cell says is taken from the
run's result file; what cannot be read from there is called so and is never left out.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from pydantic_core import from_json

from runbook.archive import listing, sections
from runbook.archive.check import JOURNAL
from runbook.styling import style
from runbook.views import plain

WORST_FIRST = (
    listing.DAMAGED,
    listing.UNFINISHED,
    "failed",
    "interrupted",
    "unknown",
    "refused",
    "drift",
    "changes pending",
    "left to a person",
    "changed",
    "unchanged",
)
_GOOD = frozenset({"changed", "unchanged", "verified", "as wanted"})
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run on the page."""

    row: listing.Row
    cells: Mapping[str, str]
    """Per section's title, how it is; empty for a run of which that is not known."""
    record: str
    """The record's address seen from the page; empty where there is none."""
    mode: str
    """As the row's, but that a rollback is called one, and a run over a part of the text is called that."""
    part: bool = False
    """Whether the run was about a part of the text only: it says nothing of the tenant as a whole."""


def entries(base: Path, page: Path) -> Iterator[Entry]:
    """Yield every run in a folder of runs, each with what its own files say; `page` is where the links start from."""
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        result, journal = folder / "result.json", folder / JOURNAL
        if not (result.is_file() or journal.is_file()):
            continue
        record = folder / "record.html"
        link = _link(record, page) if record.is_file() else ""
        try:
            if result.is_file():
                content = from_json(result.read_bytes(), cache_strings="keys")  # twice as quick as json's
                row, cells = listing.finished(folder, content), _cells(content)
                part = bool(content.get("part"))
                yield Entry(row=row, cells=cells, record=link, mode=_mode(content), part=part)
            else:
                row = _told(listing.unfinished(folder), journal)
                yield Entry(row=row, cells={}, record=link, mode=row.mode)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            row = _damaged(folder)
            yield Entry(row=row, cells={}, record=link, mode=row.mode)


def _told(row: listing.Row, journal: Path) -> listing.Row:
    """Return an unfinished run's row with what its journal tells, as far as that is whole.

    The tenant's own name, since a folder's is cut to fit, and the last sign of life: what was written late in a run
    that began long ago is no older than a plan that was made meanwhile.
    """
    try:
        lines = journal.read_bytes().splitlines()
        name = json.loads(lines[0])["data"]["tenant"]
        row = replace(row, tenant=name) if isinstance(name, str) else row
        last = datetime.fromisoformat(json.loads(lines[-1])["at"]).astimezone(UTC)
    except (OSError, ValueError, KeyError, IndexError, TypeError, RecursionError):
        return row
    return replace(row, when=max(row.when, last))


def _link(record: Path, page: Path) -> str:
    relative = os.path.relpath(record.absolute(), page.absolute().parent)
    return quote(Path(relative).as_posix())


def _damaged(folder: Path) -> listing.Row:
    """Return a row of a run whose files cannot be read: its name is all that is known."""
    try:
        named = listing.unfinished(folder)
        when, tenant, mode = named.when, named.tenant, named.mode
    except ValueError:
        when, tenant, mode = datetime.fromtimestamp(folder.stat().st_mtime, UTC), f"({folder.name})", "not known"
    return listing.Row(
        when=when, tenant=tenant, mode=mode, status=listing.DAMAGED, changes=0, pending=0, verified=0, sections=0,
        plan="", run=folder.name, folder=str(folder),
    )  # fmt: skip


def _mode(result: Mapping[str, Any]) -> str:
    if not result.get("takes_back"):
        return f"{result['mode']}, in part" if result.get("part") else str(result["mode"])
    return "rollback" if result["mode"] == "apply" else "rollback, planned"


def _cells(result: Mapping[str, Any]) -> dict[str, str]:
    back = bool(result.get("takes_back"))
    return {str(item["title"]): sections.word(item, mode=result["mode"], back=back) for item in result["sections"]}


def newest(found: Iterable[Entry]) -> list[Entry]:
    """Return the newest run of each tenant, worst first; of those alike, by tenant."""
    latest: dict[str, Entry] = {}
    for entry in sorted(found, key=_moment):
        latest[entry.row.tenant] = entry
    return sorted(latest.values(), key=lambda entry: (*_badness(entry), entry.row.tenant))


def _badness(entry: Entry) -> tuple[int, int, int]:
    bad = [sections.WORST_FIRST.index(cell) for cell in entry.cells.values() if cell in sections.WORST_FIRST]
    return _rank(entry.row.status), min(bad, default=len(sections.WORST_FIRST)), -len(bad)


def _rank(status: str) -> int:
    """Rank a status, worst first; one that this version does not know is looked at before all others."""
    return WORST_FIRST.index(status) if status in WORST_FIRST else -1


def _moment(entry: Entry) -> tuple[datetime, str]:
    return entry.row.when, entry.row.run


def orders(found: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return all runs in each order that the page shows."""
    by_time = sorted(found, key=_moment, reverse=True)
    return [
        {"id": "worst", "title": "Worst first", "entries": sorted(by_time, key=lambda entry: _rank(entry.row.status))},
        {"id": "time", "title": "Newest first", "entries": by_time},
        {"id": "tenant", "title": "By tenant", "entries": sorted(by_time, key=lambda entry: entry.row.tenant)},
    ]


def page(found: Sequence[Entry], *, made: datetime, chosen: str = "", complain: Callable[[str], None]) -> str:
    """Return the page over these runs; `chosen` says which runs were asked for, if not all."""
    latest = newest(found)
    titles = list(dict.fromkeys(title for entry in latest for title in entry.cells))
    for entry in found:
        if entry.row.status == listing.DAMAGED:
            complain(f"{Path(entry.row.folder) / 'result.json'} is not a run's result; the page says damaged")
    template = _environment().get_template("index.html.j2")
    text = template.render(
        style=style(_TEMPLATES / "index.css"),
        made=listing.stamp(made),
        chosen=chosen,
        latest=latest,
        titles=titles,
        orders=orders(found),
        count=len(found),
        bad=sum(1 for entry in latest if entry.row.status not in _GOOD or entry.part),
    )
    return text + "\n"


def _read_back(entry: Entry) -> str:
    """Say how many sections were read back as they should be, in the words that fit the run."""
    text = listing.verified_text(entry.row)
    if entry.mode.startswith("rollback"):
        return text.replace("verified", "as before")
    return text.replace("verified", "as wanted") if entry.mode == "plan" else text


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = plain
    environment.filters["stamp"] = listing.stamp
    environment.filters["changes"] = listing.changes_text
    environment.filters["read_back"] = _read_back
    environment.tests["good"] = _GOOD.__contains__
    return environment
