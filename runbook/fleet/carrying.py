"""Carry out one tenant's part of a fleet run, in a process that does nothing else.

A fleet run is at-least-once: the same order may be given again after any process of it was killed. So it begins by
looking for what is there already, and ends with the tenant's row in ``done/``, which is written in one step.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from runbook import journal, tenants
from runbook.archive.manifest import MANIFEST, seal
from runbook.archive.signature import VARIABLE
from runbook.errors import ExitCode, RunbookError
from runbook.fleet import rows
from runbook.fleet.folder import FleetFolder
from runbook.fleet.order import Order
from runbook.fleet.storing import put
from runbook.history import read_history
from runbook.record import write_record
from runbook.run import run
from runbook.runs import RunFolder, read_json
from runbook.unfinished import close_unfinished

Row = dict[str, Any]
Told = Callable[[str], None]
"""Told what begins: a section by its heading, the record, the manifest."""
_PATHS = (
    "RUNBOOK_STATE", VARIABLE, "AZURE_CLIENT_CERTIFICATE_PATH", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"
)  # fmt: skip
_INCLUDES = "RUNBOOK_INCLUDES"
_FIRST_BYTES = 1 << 20
LAST_BREATH_SECONDS = 30.0
"""How long the process of a supervisor that was killed may take to write the record of its interrupted run."""


def enter(order: Order) -> None:
    """Make this process the tenant's: its environment and its present folder are nobody else's.

    What only other tenants of the fleet refer to is taken out of its environment.
    """
    folder = FleetFolder(Path(order.folder))
    own = tenants.variables(tenants.entry(order.tenant, folder.tenants_file(order.tenant)))
    for name in set(read_json(folder.variables)) - own:
        os.environ.pop(name, None)
    os.environ |= whole_paths(os.environ, Path.cwd())
    os.environ |= {
        "RUNBOOK_TENANTS": str(folder.tenants_file(order.tenant)),
        "RUNBOOK_RUNS": str(folder.runs),
        "RUNBOOK_TRAFFIC": str(folder.traffic),
    }
    work = folder.path / "work" / order.tenant
    work.mkdir(parents=True, exist_ok=True)
    os.chdir(work)


def whole_paths(environ: Mapping[str, str], base: Path) -> dict[str, str]:
    """Return the paths in an environment that are relative to `base`, and mean another place in a tenant's folder."""

    def whole(path: str) -> str:
        return str(base / path)

    found = {name: whole(environ[name]) for name in _PATHS if environ.get(name)}
    if included := environ.get(_INCLUDES):
        found[_INCLUDES] = os.pathsep.join(whole(path) for path in included.split(os.pathsep) if path)
    return found


def carry_out(order: Order, told: Told = lambda line: None, *, patience_seconds: float = LAST_BREATH_SECONDS) -> Row:
    """Do what is asked for one tenant and return its row, in a process that `enter` has made the tenant's.

    Nothing is done twice: a tenant that is finished gives its row, a run that applies and was cut short is gone on
    with in its own folder, one that only reads is closed and made anew. A run that was interrupted is no end: its row
    is returned and not kept. Never raises a RunbookError; such a tenant's row says why nothing came of it.
    """
    began = time.monotonic()
    folder = FleetFolder(Path(order.folder))
    kept = folder.row(order.tenant)
    if kept is not None:
        return kept
    earlier = [item for item in folder.begun(order.tenant) if _has_begun(item)]
    attempts = len(earlier) + (not order.close)

    def place() -> rows.Place:
        seconds = order.seconds + time.monotonic() - began
        return rows.Place(tenant=order.tenant, group=order.group, ring=order.ring, seconds=seconds, attempts=attempts)

    if not all(_is_left(item, patience_seconds) for item in earlier):
        # A cluster may have taken a worker for dead that lives. What it does there counts, and nothing is done here.
        return rows.interrupted(place(), "another process of this fleet run is still at this tenant")
    try:
        result = _ended(earlier)
        if result is None and order.close:
            return _finished(order, folder, rows.killed(place(), order.why, _closed(earlier)), told)
        result = result or _run(order, folder, earlier, told)
        row = rows.finished(place(), result)
    except RunbookError as error:
        row = rows.stopped(place(), error)
    return row if row["exit_code"] == ExitCode.INTERRUPTED else _finished(order, folder, row, told)


def _run(order: Order, folder: FleetFolder, earlier: list[RunFolder], told: Told) -> dict[str, Any]:
    last = earlier[-1] if earlier else None
    if last is not None and order.mode == "apply" and read_history(last.path).approval is not None:
        return run(order.request(resume=last.path), told).result
    _closed(earlier)
    request = order.request(announce=lambda path: folder.announce(order.tenant, path))
    return run(request, told).result


def _ended(earlier: list[RunFolder]) -> dict[str, Any] | None:
    """Return the result of a run that came to its own end; if it was killed over its record, that is made now."""
    for folder in reversed(earlier):
        path = folder.path / "result.json"
        if not path.is_file():
            continue
        result: dict[str, Any] = read_json(path)
        if result["exit_code"] == ExitCode.INTERRUPTED or "afterwards" in result:
            continue
        if not (folder.path / MANIFEST).is_file():
            write_record(folder)
            seal(folder, result)
        return result
    return None


def _closed(earlier: list[RunFolder]) -> dict[str, Any] | None:
    """Make the record of every run that was cut short, and return the last one's result."""
    result = None
    for folder in earlier:
        if (folder.path / MANIFEST).is_file():
            result = read_json(folder.path / "result.json")
            continue
        journal.mend(folder.journal)
        result = close_unfinished(folder)
        write_record(folder)
        seal(folder, result)
    return result


def _has_begun(folder: RunFolder) -> bool:
    """Whether a run has come as far as its first entry; before that nothing is done, and there is nothing to close."""
    return folder.journal.is_file() and b"\n" in folder.journal.read_bytes()[:_FIRST_BYTES]


def _is_left(folder: RunFolder, patience_seconds: float) -> bool:
    """Whether no process of a run lives any more; one that takes its last breath is waited for."""
    deadline = time.monotonic() + patience_seconds
    while folder.is_held():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _finished(order: Order, folder: FleetFolder, row: Row, told: Told) -> Row:
    """Keep a tenant's row; its run is put to the fleet's store before the tenant counts as finished.

    How the tenant is, and whether its record is in the store, are two things: a store that cannot be used is told in
    ``not_stored``, and changes nothing else of the row.
    """
    if order.store and row["run"]:
        told("store")
        problem = put(order.store, folder.runs / row["run"])
        row = {**row, "not_stored": problem} if problem else row
    folder.finish(row)
    return row
