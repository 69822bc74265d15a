"""A fleet's store: whether it can be used, asked before anything begins, and a tenant's run put there.

    python -m runbook.fleet.storing ADDRESS        exits 0 if it can be used, else says why

The libraries of object stores start threads, and a supervisor that has one may not fork: so it asks by a process of its
own, and a run is put by the tenant's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runbook.errors import RunbookError, StoreUnusable


def check_store(address: str) -> None:
    """See that a store can be read. Raises StoreUnusable with what its own words are."""
    done = subprocess.run(
        [sys.executable, "-m", "runbook.fleet.storing", address], capture_output=True, text=True, check=False
    )
    if done.returncode:
        detail, _, remedy = (done.stderr.strip() or "It ended without a word.").partition("\n")
        raise StoreUnusable(detail, f"{remedy}\nNothing was begun.".strip())


def put(address: str, run: Path) -> str:
    """Put a run's folder to a store; return why it is not there, empty if it is."""
    from runbook.archive.store import Store

    try:
        Store(address).put(run)
    except RunbookError as error:
        return f"{error.detail} {error.remedy}".strip()
    return ""


def main() -> int:
    """Ask a store for a mark that nobody has set."""
    from runbook.archive.store import Store

    try:
        Store(sys.argv[1]).marked("fleet/asked")
    except RunbookError as error:
        print("\n".join(part for part in (error.detail, error.remedy) if part), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
