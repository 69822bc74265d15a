"""One writer at a time: a run that applies holds a lock on its tenant, so that two never write between each other."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from runbook import tenants
from runbook.errors import PlanRefused

_SECONDS = 5.0
"""The child of a run that was killed may hold the lock for a moment longer."""


def lock_file(tenant_id: str) -> Path:
    """Return the file that is locked for a directory (RUNBOOK_STATE, else the user's state folder)."""
    base = os.environ.get("RUNBOOK_STATE")
    return (Path(base) if base else platformdirs.user_state_path("runbook")) / "locks" / f"{tenant_id.lower()}.lock"


@contextlib.contextmanager
def alone(name: str, *, seconds: float = _SECONDS) -> Iterator[None]:
    """Be the only run on this machine that writes to a tenant. Raises PlanRefused when another one does.

    The system lets go of the lock when the process ends, however it ends. Other machines know nothing of it: there
    the reading of each object just before its write is what stands between two runs.
    """
    path = lock_file(tenants.describe(name, tenants.entry(name)).tenant_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=seconds)
    try:
        lock.acquire()
    except Timeout:
        raise PlanRefused(
            f"Another run is writing to the tenant {name!r} at this moment.",
            "Wait until it has ended, then plan again. Nothing was written.",
        ) from None
    try:
        yield
    finally:
        lock.release()
