"""Make very many tenants in a short time, each the same as ``state.create`` makes it.

A profile is filled once, in memory; each tenant then gets its own credentials and a copy of those objects, and its
database is written in one piece. Nothing waits for the disk.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from simtenant import profiles, state
from simtenant.shared_store import MemoryStore
from simtenant.store import DATABASE_NAME, Body, Snapshot, opened
from simtenant.wire import Clock, utc_now

_WRITE_AHEAD = b"\x02\x02"
"""Bytes 18 and 19 of a database in write-ahead mode (SQLite's file format, 1.3.3); in memory there is no such mode."""


def create(directories: Iterable[Path], *, profile: str = "new", clock: Clock = utc_now) -> None:
    """Create a tenant in each directory that has none.

    As ``state.create``: safe when several processes try at once, and what is there is left alone. Raises KeyError
    for an unknown profile.
    """
    start = _start(profile)
    for directory in directories:
        try:
            _make(directory, profile, start, clock())
        except FileExistsError:
            state.create(directory, profile=profile, clock=clock)


def _start(profile: str) -> Snapshot:
    store = MemoryStore()
    try:
        with store.transaction() as tx:
            tx.build()
            profiles.fill(tx, profile)
            return tx.snapshot()
    finally:
        store.discard()


def _make(directory: Path, profile: str, start: Snapshot, now: datetime) -> None:
    """Make one tenant; raises FileExistsError when there is one, or a part of one, already."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / DATABASE_NAME
    if path.exists():
        raise FileExistsError(path)
    credentials = state.new_credentials()
    state.keep_first_credentials(directory, credentials)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    temporary.write_bytes(_database(credentials, profile, start, now))
    try:
        # A link, unlike a rename, fails where somebody else was quicker.
        os.link(temporary, path)
    finally:
        temporary.unlink()


def _database(credentials: Body, profile: str, start: Snapshot, now: datetime) -> bytes:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with opened(connection) as tx:
            tx.build()
            state.settle(tx, credentials, profile, now)
            tx.add(start)
        whole = connection.serialize()
    return whole[:18] + _WRITE_AHEAD + whole[20:]
