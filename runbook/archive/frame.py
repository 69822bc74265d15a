"""All runs as one table for people who want to ask further: a row a run and section, as a frame of pandas.

pandas is loaded when a frame is made, and never on the path of a run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from runbook.archive import listing, sections
from runbook.archive.check import JOURNAL

if TYPE_CHECKING:
    import pandas

TYPES = {
    "when": "datetime64[ms, UTC]",
    "tenant": "str",
    "mode": "str",
    "status": "str",
    "section": "str",
    "verified": "bool",
    "changed": "int64",
    "pending": "int64",
    "drift": "int64",
    "run": "str",
    "fleet": "str",
}
"""The columns and their types. `status` is the run's; `fleet` is empty for a run that belongs to none."""
_NOTHING = {"section": "", "verified": False, "changed": 0, "pending": 0, "drift": 0}


def frame(
    base: Path, wanted: listing.Filter | None = None, complain: Callable[[str], None] = lambda line: None
) -> pandas.DataFrame:
    """Return the wanted runs in a folder of runs, the newest first, each with its sections in the tutorial's order.

    A run that never came to its end has one row with an empty section, so that it is not missed. What cannot be read
    is passed over, and `complain` is told so.
    """
    import pandas

    made = pandas.DataFrame(list(rows(base, wanted or listing.Filter(), complain)), columns=list(TYPES))
    return made.assign(when=pandas.to_datetime(made["when"], utc=True)).astype(TYPES)


def rows(base: Path, wanted: listing.Filter, complain: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Yield the frame's rows as plain values, in its order."""
    found: list[tuple[tuple[Any, str], list[dict[str, Any]]]] = []
    for folder in sorted(base.iterdir()) if base.is_dir() else ():
        try:
            row, parts, fleet = _read(folder)
        except FileNotFoundError:
            continue  # no run's folder
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            complain(f"{folder / 'result.json'} is not a run's result; passed over")
            continue
        if listing.select([row], wanted):
            of_run = {"when": row.when, "tenant": row.tenant, "mode": row.mode, "status": row.status, "run": row.run}
            found.append(((row.when, row.run), [{**of_run, **part, "fleet": fleet} for part in parts]))
    for _, lines in sorted(found, key=itemgetter(0), reverse=True):
        yield from lines


def _read(folder: Path) -> tuple[listing.Row, list[dict[str, Any]], str]:
    """Return what a run's files say: its row, its sections and its fleet. Raises FileNotFoundError for no run."""
    path = folder / "result.json"
    if path.is_file():
        result = from_json(path.read_bytes(), cache_strings="keys")
        return listing.finished(folder, result), _sections(result), _fleet(result)
    with (folder / JOURNAL).open(encoding="utf-8") as journal:
        begun = journal.readline()
    return listing.unfinished(folder), [_NOTHING], _fleet_of_journal(begun)


def _sections(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    back = bool(result.get("takes_back"))
    stands = [(item["section"], sections.standing(item, mode=result["mode"], back=back)) for item in result["sections"]]
    return [
        {"section": str(name), **{key: getattr(found, key) for key in ("verified", "changed", "pending", "drift")}}
        for name, found in stands
    ] or [_NOTHING]


def _fleet(named: Mapping[str, Any]) -> str:
    fleet = named.get("fleet", "")
    return fleet if isinstance(fleet, str) else ""


def _fleet_of_journal(begun: str) -> str:
    """Return the fleet that a run's first entry names; of a torn entry nothing is known."""
    try:
        return _fleet(json.loads(begun)["data"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
